#!/usr/bin/env bash
# leftovers.sh: list whatever beanpole instances have on this machine now, a
# line each. Given a file with an earlier list, only what is new since then, and
# given a pattern too, only lines that it matches: others may run beanpole here;
# exit status 1 when there is something.
set -u
PATH=$PATH:/usr/sbin:/sbin
list() {
  pgrep -af 'beanpole (serve|instance-init)' | while read -r pid line; do
    echo "process $pid $line $(grep -osm1 'beanpole-[0-9a-f]*' "/proc/$pid/cgroup")"
  done
  grep -F beanpole /proc/self/mounts | sed 's/^/mount /'
  find /run/netns -name '*beanpole*' 2>/dev/null | sed 's/^/network namespace /'
  ip -o link 2>/dev/null | grep -oE 'bp[0-9a-f]{10}[^:@]*' | sed 's/^/interface /'
  if [ "$(id -u)" = 0 ]; then nft list tables 2>/dev/null | grep -F beanpole | sed 's/^/nftables /'; fi
  find /sys/fs/cgroup -maxdepth 3 -type d -name '*beanpole*' 2>/dev/null | sed 's/^/cgroup /'
}
now=$(list | sort -u)
if [ $# = 0 ]; then
  [ -z "$now" ] || echo "$now"
  exit 0
fi
new=$(comm -13 "$1" <(printf '%s\n' "$now") | grep -E -- "${2:-.}")
if [ -z "$new" ]; then echo "nothing is left behind"; exit 0; fi
echo "left over:"
echo "$new"
exit 1
