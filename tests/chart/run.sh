#!/usr/bin/env bash
# The chart as helm renders it, over every branch of its values; no cluster is needed. TAP.
# shellcheck disable=SC2034,SC2154 # for the cases; of tests/server/lib.sh
set -u
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/chart/lib.sh
. tests/chart/lib.sh
tpguard=${TPGUARD:-build/release/tpguard}
for c in tests/chart/*.case.sh; do
    echo "# ${c##*/}"
    # shellcheck source=/dev/null
    . "$c"
done
echo "1..$tap_count"
[ "$tap_failed" -eq 0 ]
