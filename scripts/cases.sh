#!/usr/bin/env bash
# cases.sh FOLDER [FLAG...]: runs the agent on recorded runs of Amazon's
# cfn-init and prints which agree. Roots are made and commands run by chroot,
# so it wants root or sudo.
set -euo pipefail
if [ -z "${1:-}" ]; then
  echo "say where the cases are: make cases DIR=folder (it holds base.json and cases/*.json)"
  exit 2
fi
dir=$(cd "$1" && pwd)
if [ "$(basename "$dir")" = cases ] && [ ! -e "$dir/base.json" ] && [ -e "$dir/../base.json" ]; then
  dir=$(dirname "$dir") # the files themselves were named
fi
shift
cd "$(dirname "$0")/.."
root=()
if [ "$(id -u)" != 0 ]; then root=(sudo); fi
go build -trimpath -o bin/cases ./scripts/cases
exec "${root[@]}" bin/cases -dir "$dir" "$@"
