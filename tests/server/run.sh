#!/usr/bin/env bash
# The real binary over real TLS: starts it on free ports, asks with curl and openssl. TAP on standard output.
# Usage: tests/server/run.sh [BINARY] [CASE...]   (CASE: a file of this folder without .case.sh; all by default)
# BINARY: $TPGUARD, or build/release/tpguard. The sanitizer builds are worth a run as well.
# shellcheck disable=SC2034,SC2119 # the cases use what is set here
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
TPGUARD=${1:-${TPGUARD:-$root/build/release/tpguard}}
[ $# -gt 0 ] && shift
# shellcheck source=tests/server/lib.sh
. "$here/lib.sh"
for tool in curl openssl; do
    command -v "$tool" >/dev/null || {
        echo "1..0 # SKIP $tool is not installed"
        exit 0
    }
done
[ -x "$TPGUARD" ] || {
    echo "Bail out! $TPGUARD is not there"
    exit 1
}
work=$(mktemp -d)
trap 'stop_server KILL 2>/dev/null; rm -rf "$work"' EXIT
cluster=$here/cluster.yaml
requests=$root/tests/requests
cases=("$@")
[ ${#cases[@]} -gt 0 ] || mapfile -t cases < <(cd "$here" && ls ./*.case.sh)
for c in "${cases[@]}"; do
    c=${c##*/}
    # shellcheck source=/dev/null
    . "$here/${c%.case.sh}.case.sh"
    stop_server
done
echo "1..$tap_count"
[ "$tap_failed" -eq 0 ]
