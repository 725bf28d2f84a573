#!/usr/bin/env bash
# Train on several GPUs of one machine, with MMEngine's launcher.
#
#   tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: $0 CONFIG GPUS [arguments of tools/train.py]" >&2; exit 2; }

config=$1
gpus=$2
shift 2
exec "${PYTHON:-python}" -m torch.distributed.run --standalone --nproc-per-node="$gpus" \
    "$(dirname "${BASH_SOURCE[0]}")/train.py" "$config" --launcher pytorch "$@"
