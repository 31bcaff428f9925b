#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Train with several processes of one or more machines.
#   tools/dist_train.sh CONFIG GPUS [options of tools/train.py]
# Several machines: run it on each with NNODES, NODE_RANK and MASTER_ADDR set.
set -euo pipefail

if [[ $# -lt 2 ]]; then
    echo "usage: [NNODES= NODE_RANK= MASTER_ADDR= PORT=] $0 CONFIG GPUS [options]" >&2
    exit 2
fi
config=$1
gpus=$2
shift 2
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# The environment that `make install` made, unless PYTHON says otherwise.
python=python
if [[ -x "${tools}/../.venv/bin/python" ]]; then
    python="${tools}/../.venv/bin/python"
fi

PYTHONPATH="${tools}/..${PYTHONPATH:+:${PYTHONPATH}}" \
    exec "${PYTHON:-${python}}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="${gpus}" \
    "${tools}/train.py" "${config}" --launcher pytorch "$@"
