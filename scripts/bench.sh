#!/usr/bin/env bash
# bench.sh: ratios measured in one run, so that a shared or noisy machine
# changes both sides alike.
set -euo pipefail
cd "$(dirname "$0")/.."
root=()
if [ "$(id -u)" != 0 ]; then root=(sudo); fi
go build -trimpath -o bin/bench ./scripts/bench
exec "${root[@]}" bin/bench -beanpole bin/beanpole -example examples/https-from-s3 "$@"
