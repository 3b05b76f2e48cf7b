#!/usr/bin/env bash
# The chart before a real API server, scheduler and kubelet. tpguard itself never runs here: an image stands in for it
# that answers nobody, so this also shows what the cluster does while tpguard is down. TAP.
# Usage: tests/chart/cluster.sh [NAME]     NAME: a cluster of tests/e2e/cluster.sh that is up, and is left up
# shellcheck disable=SC1091,SC2154,SC2016,SC2317 # tests/e2e/lib.sh; jq's variables; functions called by name
set -u
cd "$(dirname "$0")/../.." || exit 2
harness=${TPGUARD_HARNESS:-tests/e2e}
TPGUARD=${TPGUARD:-build/release/tpguard}
[ -x "$harness/cluster.sh" ] || { echo "tests/chart/cluster.sh: $harness/cluster.sh is not there" >&2; exit 2; }
name=${1:-}
work=$(mktemp -d)
if [ -z "$name" ]; then
    name=chart-$$
    trap '"$harness/cluster.sh" down "$name" >/dev/null; rm -rf "$work"' EXIT
    "$harness/cluster.sh" up "$name" >/dev/null || exit 1
else
    trap 'rm -rf "$work"' EXIT
fi
E2E_STATE=${TPGUARD_RUN:-/run/tpguard}/$name
export TPGUARD E2E_STATE
. "$harness/lib.sh"
for c in tests/chart/live/*.case.sh; do
    echo "# ${c##*/}"
    # shellcheck source=/dev/null
    . "$c"
done
echo "1..$tap_count"
[ "$tap_failed" -eq 0 ]
