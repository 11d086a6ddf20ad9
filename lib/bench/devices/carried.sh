#!/usr/bin/env bash
# Measures training on this machine's NVIDIA card, without a network. It takes a
# driver for CUDA 13, and a Python (python3, or PREFGRAD_PYTHON) with PyTorch for
# CUDA 13, transformers and PEFT: PyTorch's own packages have CUDA's libraries.
# Flags are those of `deno task bench`; stop it at any time, and the same command
# goes on.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
python="${PREFGRAD_PYTHON:-python3}"
packages="$("$python" -c 'import nvidia; print(list(nvidia.__path__)[0])')"
for folder in "$here"/cache/prefgrad/cuda/*; do
  ln -sfn "$packages" "$folder/nvidia"
done
export XDG_CACHE_HOME="$here/cache" DENO_DIR="$here/deno_dir" DENO_NO_UPDATE_CHECK=1
cd "$here/prefgrad"
exec "$here/deno" run --quiet --cached-only -A scripts/bench.ts \
  --device cuda --peer torch --python "$python" --minutes 8 \
  --out "$here/results" "$@"
