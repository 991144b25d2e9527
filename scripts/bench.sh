#!/usr/bin/env bash
# bench.sh: ratios measured in one run, so that a shared or noisy machine
# changes both sides alike.
set -euo pipefail
cd "$(dirname "$0")/.."
root=()
if [ "$(id -u)" != 0 ]; then root=(sudo); fi
# Another cfn-init to compare with; its part is skipped with a word without it.
if [ ! -e /usr/bin/cfn-init ] && command -v apt-get >/dev/null 2>&1; then
  echo "bench: installing heat-cfntools with apt-get (once)"
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends heat-cfntools >/dev/null 2>&1 ||
    echo "bench: heat-cfntools cannot be installed here"
fi
go build -trimpath -o bin/bench ./scripts/bench
exec "${root[@]}" bin/bench -beanpole bin/beanpole -example examples/https-from-s3 "$@"
