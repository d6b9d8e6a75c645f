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

# Bacula's director cannot be configured without a database server or questions: its packages are only unpacked.
unpacked=$(dirname "$0")/../../var/peers/bacula
unpack_bacula() {
    [ ! -e "$unpacked/done" ] || return 0
    local into; into=$(mktemp -d)
    (cd "$into" && chmod 755 . && apt-get -q download bacula-director bacula-director-sqlite3 bacula-common \
        bacula-common-sqlite3 bacula-sd bacula-fd bacula-console liblzo2-2) >/dev/null 2>&1 || { rm -rf "$into"; return 1; }
    mkdir -p "$unpacked"
    for package in "$into"/*.deb; do dpkg -x "$package" "$unpacked" || return 1; done
    rm -rf "$into"
    touch "$unpacked/done"
}
unpack_bacula && [ ${#missing[@]} = 0 ] && exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root=(sudo -n)
    else
        echo "Peers are missing and this user may not install them; their tests are skipped. To have them:"
        [ ${#missing[@]} = 0 ] || echo "  sudo apt-get install --no-install-recommends ${missing[*]}"
        [ -e "$unpacked/done" ] || echo "  sudo apt-get update   (then make peers again: it unpacks Bacula)"
        exit 0
    fi
fi

[ ${#missing[@]} = 0 ] || echo "Installing ${#missing[@]} Debian packages for the tests: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for try in 1 2 3; do
    if "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 -q update >"$log" 2>&1 &&
       "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
           apt-get -o DPkg::Lock::Timeout=300 -q install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 &&
       unpack_bacula; then
        exit 0
    fi
    sleep $((try * 5))
done
tail -n 20 "$log" >&2
echo "apt-get failed three times; its last lines are above." >&2
[ -z "${CI:-}" ] || exit 1
