#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Train on a Slurm cluster.
#   [GPUS= GPUS_PER_NODE= CPUS_PER_TASK= SRUN_ARGS=] \
#       tools/slurm_train.sh PARTITION JOB CONFIG [options of tools/train.py]
set -euo pipefail

if [[ $# -lt 3 ]]; then
    echo "usage: [GPUS=4 GPUS_PER_NODE=4 CPUS_PER_TASK=5 SRUN_ARGS=] $0 PARTITION JOB CONFIG [options]" >&2
    exit 2
fi
partition=$1
job=$2
config=$3
shift 3
gpus=${GPUS:-4}
gpus_per_node=${GPUS_PER_NODE:-$((gpus < 4 ? gpus : 4))}
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# The environment that `make install` made, unless PYTHON says otherwise.
python=python
if [[ -x "${tools}/../.venv/bin/python" ]]; then
    python="${tools}/../.venv/bin/python"
fi
read -r -a srun_args <<<"${SRUN_ARGS:-}"

PYTHONPATH="${tools}/..${PYTHONPATH:+:${PYTHONPATH}}" \
    exec srun -p "${partition}" \
    --job-name="${job}" \
    --gres="gpu:${gpus_per_node}" \
    --ntasks="${gpus}" \
    --ntasks-per-node="${gpus_per_node}" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${srun_args[@]+"${srun_args[@]}"} \
    "${PYTHON:-${python}}" -u "${tools}/train.py" "${config}" --launcher slurm "$@"
