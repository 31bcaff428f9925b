#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Test with several processes of one or more machines.
#   tools/dist_test.sh CONFIG CHECKPOINT GPUS [options of tools/test.py]
# Several machines: run it on each with NNODES, NODE_RANK and MASTER_ADDR set.
set -euo pipefail

if [[ $# -lt 3 ]]; then
    echo "usage: [NNODES= NODE_RANK= MASTER_ADDR= PORT=] $0 CONFIG CHECKPOINT GPUS [options]" >&2
    exit 2
fi
config=$1
checkpoint=$2
gpus=$3
shift 3
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
    "${tools}/test.py" "${config}" "${checkpoint}" --launcher pytorch "$@"
