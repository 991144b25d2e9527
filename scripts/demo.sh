#!/usr/bin/env bash
# demo.sh: the story that beanpole starts from, in five acts. It works on a
# copy of the example in a folder of its own, and ends what it started.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/beanpole-demo.XXXXXX")
work=$tmp/shop # the stack is named after the folder
mkdir "$work"
root=()
if [ "$(id -u)" != 0 ]; then root=(sudo); fi

beanpole() { "$here/bin/beanpole" "$@"; }
cleanup() {
  cd "$here"
  "${root[@]}" "$here/bin/beanpole" down --state "$work/.beanpole" >/dev/null 2>&1 || true
  "${root[@]}" rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
trap 'exit 141' PIPE

# act N TEXT: announce; run COMMAND...: show and run.
act() { printf '\n=== %s. %s\n\n' "$1" "$2"; }
run() { printf '$ %s\n' "$*"; "$@"; }
# expect STATUS COMMAND...: the act is only done when the status is this one.
expect() {
  local want=$1 got=0; shift
  printf '$ %s\n' "$*"
  "$@" || got=$?
  if [ "$got" != "$want" ]; then echo "demo: expected exit status $want, got $got"; exit 1; fi
}

"$here/scripts/leftovers.sh" > "$tmp/before"
cp -r "$here/examples/https-from-s3/." "$work"
cd "$work"
(cd "$here" && go run ./examples/https-from-s3/certs "$work/certs")
objects=(--object s3://shop-certificates/server.crt=certs/server.crt
         --object s3://shop-certificates/server.key=certs/server.key)
# ours collects what our instances are called on this machine, for act 5.
ours=$work
ours() {
  local id
  for id in $(grep -F "upperdir=$work/" /proc/self/mounts | grep -oE '/run/beanpole/[0-9a-f]+' | sort -u); do ours="$ours|${id##*/}"; done
}
as_root=("${root[@]}" "$here/bin/beanpole")
up() { "${as_root[@]}" up app --template infra.yaml "${objects[@]}"; }
down() { "${as_root[@]}" down; }

act 1 'It fails as on AWS: the instance cannot fetch its certificate'
echo '$ beanpole up app --template infra.yaml --object s3://…/server.crt=… --object s3://…/server.key=…'
status=0; up || status=$?
[ $status = 1 ] || { echo "demo: expected exit status 1, got $status"; exit 1; }
ours

act 2 'It is predicted: the same, without running anything'
expect 1 beanpole check app --template infra.yaml

act 3 'It is mended: role and instance profile get one name'
expect 0 beanpole fix app --template infra.yaml --write

act 4 'It works: certificate from the bucket, TLS ends on the instance'
echo '$ beanpole up app --template infra.yaml --object s3://…/server.crt=… --object s3://…/server.key=…'
up
ours
run curl --silent --show-error --cacert certs/ca.pem https://localhost:8443/
(cd "$here" && go run ./examples/https-from-s3/certs "$work/certs" localhost:8443)

act 5 'It is gone: no process, mount, namespace, interface, rule or cgroup'
echo '$ beanpole down'
down
"$here/scripts/leftovers.sh" "$tmp/before" "$ours"
