#!/usr/bin/env bash
# test.sh: every test, then those of the concurrent packages once more under
# the race detector. Ends with the counts, and why tests were skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
  echo "not root: the tests that run real instances will be skipped (sudo make test runs them)"
fi
# The machine's own settings must not reach the tests' clients.
unset "${!AWS_@}" || true

report=$(mktemp -d)
trap 'rm -rf "$report"' EXIT
go build -o "$report/testreport" ./scripts/testreport
{
  go test -count=1 -timeout 30m -json ./... || true
  if command -v gcc >/dev/null 2>&1; then
    CGO_ENABLED=1 go test -count=1 -timeout 30m -race -short -json \
      ./internal/event ./internal/cloud/... ./internal/cli ./internal/account/... || true
  fi
} | "$report/testreport"
