#!/usr/bin/env bash
# Make .venv with Python 3.11 or newer and install a hashed lock and Ridgeway itself into it.
# usage: venv.sh PYTHON LOCK
set -euo pipefail
python=$1 lock=$2
export PIP_USER=0  # a person's pip.conf may say user = true, which no virtual environment can obey

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "Ridgeway needs Python 3.11 or newer; '$python' is not. Name another: make run PYTHON=/usr/bin/python3.11" >&2
    exit 1
}
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing python3-venv, which Debian packs apart from Python …"
        DEBIAN_FRONTEND=noninteractive apt-get -q update >/dev/null
        DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends python3-venv >/dev/null
    else
        echo "Debian packs venv apart from Python; run this once: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
if [ ! -x .venv/bin/python ]; then
    echo "Making .venv …"
    "$python" -m venv .venv
fi
echo "Installing what $lock lists (the first time about a minute, by the network) …"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! .venv/bin/python -m pip install --disable-pip-version-check -q --require-hashes -r "$lock" >"$log" 2>&1 ||
   ! .venv/bin/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e . >>"$log" 2>&1; then
    cat "$log" >&2
    echo "The installation failed; the lines above say why. It can be repeated." >&2
    exit 1
fi
