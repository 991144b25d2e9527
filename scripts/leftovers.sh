#!/usr/bin/env bash
# leftovers.sh: list whatever a beanpole instance could have left on this
# machine; exit status 1 when there is something.
set -u
found=0
say() { if [ -n "$2" ]; then echo "left over: $1:"; echo "$2" | sed 's/^/  /'; found=1; fi; }
say process "$(pgrep -af 'beanpole (serve|instance-init)' || true)"
say mount "$(grep -E 'beanpole' /proc/self/mounts || true)"
say 'network namespace' "$( (ip netns list 2>/dev/null || true) | grep -E '^(beanpole|bp)' || true)"
say interface "$(ip -o link 2>/dev/null | grep -E ': bp[0-9a-z-]+' || true)"
if [ "$(id -u)" = 0 ]; then
  say 'nftables table' "$(PATH=$PATH:/usr/sbin nft list tables 2>/dev/null | grep beanpole || true)"
fi
say cgroup "$(find /sys/fs/cgroup -maxdepth 3 -type d -name '*beanpole*' 2>/dev/null || true)"
[ $found = 0 ] && echo "nothing is left behind"
exit $found
