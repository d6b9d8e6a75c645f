#!/usr/bin/env bash
# Install the Debian packages whose programs the tests start as peers. Where that is not allowed, say what is missing:
# on a laptop those tests are skipped and say so, in CI they fail.
set -euo pipefail

packages=(
    snmpd snmp snmptrapd keepalived nftables kamailio sipsak sip-tester baresip-core
    openssh-server openssh-client nginx-light openssl dnsmasq-base chrony monitoring-plugins-basic
    prometheus prometheus-snmp-exporter prometheus-blackbox-exporter
    postgresql restic borgbackup pgbackrest barman
    request-tracker5 rt5-standalone rt5-db-sqlite dbconfig-no-thanks msmtp-mta libjson-perl
    chromium curl iproute2 nftables iputils-ping procps systemd util-linux
)

command -v dpkg-query >/dev/null || { echo "Not a Debian machine: tests whose peers are missing are skipped."; exit 0; }

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root=(sudo -n)
    else
        echo "Peers are missing and this user may not install them; their tests are skipped. To have them:"
        echo "  sudo apt-get install --no-install-recommends ${missing[*]}"
        exit 0
    fi
fi

echo "Installing ${#missing[@]} Debian packages for the tests: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for try in 1 2 3; do
    if "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 -q update >"$log" 2>&1 &&
       "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
           apt-get -o DPkg::Lock::Timeout=300 -q install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
        exit 0
    fi
    sleep $((try * 5))
done
tail -n 20 "$log" >&2
echo "apt-get failed three times; its last lines are above." >&2
[ -z "${CI:-}" ] || exit 1
