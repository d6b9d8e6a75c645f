#!/usr/bin/env bash
# Runs the tests, and asks those that failed once more, alone.
#
# usage: suite.sh PYTEST [ARGUMENT…]
#
# The suite starts some thousand processes on a machine it shares, and a peer may be late although nothing is wrong
# (docs/decisions/0083). What fails a second time, with nothing beside it and everything started anew, has failed.
# What passes then is named as unsteady: a race that wants to be mended, in the test or in the product. More than a
# few failures are no accident, and nothing is asked twice.
set -euo pipefail
readonly few=5
readonly cache=.pytest_cache/suite  # of its own: what failed in this run, not what anybody ran before
pytest=$1
shift

# Containers often have this set. Here it would have each of a thousand starts compile all modules anew, a quarter of
# its time, and each process of tests rewrite every test file.
export PYTHONDONTWRITEBYTECODE=

rm -rf "$cache"
status=0
"$pytest" -o cache_dir="$cache" "$@" || status=$?
[ "$status" -eq 1 ] || exit "$status"  # 1 is pytest's "some tests failed"

failed=$("$(dirname "$pytest")/python" -c 'import json, sys; print(*json.load(open(sys.argv[1])), sep="\n")' "$cache/v/cache/lastfailed")
count=$(wc -l <<<"$failed")
if [ "$count" -gt "$few" ]; then
  exit "$status"
fi
printf '\n%s failed beside others; asking once more, alone:\n%s\n' "$count" "$failed"
"$pytest" -o cache_dir="$cache" -p no:xdist --last-failed --last-failed-no-failures none || exit 1
printf '\nUNSTEADY, passed only when asked alone:\n%s\n' "$failed"
