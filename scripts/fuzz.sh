#!/usr/bin/env bash
# fuzz.sh: every fuzz target of the project, one after the other, FUZZTIME each
# (60s). A target that fails leaves its input below testdata/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
while IFS=: read -r file _ line; do
  target=${line#func }
  target=${target%%(*}
  package=./$(dirname "$file")
  echo "== $package $target"
  go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-60s}" -fuzzminimizetime=5x || failed=$((failed + 1))
done < <(grep -rnE '^func Fuzz[A-Za-z0-9_]*\(' --include='*_test.go' internal | sort)
[ "$failed" = 0 ] || { echo "$failed fuzz targets failed"; exit 1; }
