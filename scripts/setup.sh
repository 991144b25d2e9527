#!/usr/bin/env bash
# setup.sh demo|test: see that this machine has what the demo or the tests
# need, and install from Debian's packages what is missing. Says what it does;
# says nothing when nothing is missing.
set -euo pipefail
what=${1:-demo}

# need COMMAND PACKAGE: a package is missing when its command is.
missing=()
need() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }

command -v go >/dev/null 2>&1 || { echo "setup: Go 1.26 or newer is needed: https://go.dev/dl/"; exit 2; }
[ "$(uname -s)" = Linux ] || { echo "setup: instances need Linux (check and fix do not: make build); use a Linux machine or a virtual one"; exit 2; }

need runc runc
need nginx nginx-light
need ip iproute2
need nft nftables
need curl curl
[ -s /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
if [ "$what" = test ]; then
  # The instance hides home folders, so its AWS CLI must be the system's.
  [ -x /usr/bin/aws ] || [ -x /usr/local/bin/aws ] || missing+=(awscli)
  # Languages whose platforms the tests run; what is missing is skipped.
  need gunicorn gunicorn
  need ruby ruby
  need puma puma
  need apache2 apache2
  [ -e /usr/lib/apache2/modules/mod_wsgi.so ] || missing+=(libapache2-mod-wsgi-py3)
  need killall psmisc
  [ -n "$(PATH=$PATH:/usr/sbin; compgen -c php-fpm)" ] || missing+=(php-fpm)
  # Tomcat is small, Java is not: without Java its tests are skipped.
  if command -v java >/dev/null 2>&1 && ! ls /usr/share/tomcat*/bin/bootstrap.jar >/dev/null 2>&1 && apt-cache show tomcat10 >/dev/null 2>&1; then
    missing+=(tomcat10)
  fi
  need gcc gcc
  [ -e /usr/include/stdlib.h ] || missing+=(libc6-dev)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "setup: please install with your package manager: ${missing[*]}"
  exit 2
fi
sudo=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || { echo "setup: missing: ${missing[*]}; run as root: apt-get install ${missing[*]}"; exit 2; }
  sudo=(sudo)
fi
echo "setup: installing ${missing[*]} with apt-get (once)"

# Debian starts a new nginx at once, on port 80 of this machine, where nobody
# asked for one; the instances bring their own. So with Apache and Tomcat.
masked=
if [[ " ${missing[*]} " =~ \ (nginx-light|apache2|tomcat10)\  ]] && command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
  "${sudo[@]}" systemctl mask --quiet nginx.service apache2.service tomcat10.service && masked=1
fi
log=$(mktemp)
install() {
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update >"$log" 2>&1 &&
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1
}
status=0
install "${missing[@]}" || status=$?
if [ $status != 0 ] && [ "$what" = test ] && [[ " ${missing[*]} " == *" awscli "* ]]; then
  # Some releases have no awscli package; its tests then skip with a word.
  rest=(); for p in "${missing[@]}"; do [ "$p" = awscli ] || rest+=("$p"); done
  echo "setup: no awscli package here; the tests that run it will be skipped (https://docs.aws.amazon.com/cli/ has other ways to install it)"
  status=0
  [ ${#rest[@]} -eq 0 ] || install "${rest[@]}" || status=$?
fi
if [ -n "$masked" ]; then
  "${sudo[@]}" systemctl unmask --quiet nginx.service apache2.service tomcat10.service
  "${sudo[@]}" systemctl disable --quiet nginx.service apache2.service tomcat10.service || true
fi
if [ $status != 0 ]; then
  tail -n 5 "$log"
  echo "setup: apt-get failed (whole log: $log); install by hand: ${missing[*]}"
  exit 2
fi
rm -f "$log"
