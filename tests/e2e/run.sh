#!/usr/bin/env bash
# The end-to-end tests: a fresh cluster, the cases in the order of their numbers, the cluster gone again. TAP while it
# runs; the last line is "N passed, M failed[, K skipped]" and the exit code follows it.
# Usage: tests/e2e/run.sh [--keep] [--cases GLOB] [--cluster NAME]
#   --keep           leave the cluster up
#   --cases GLOB     cases/GLOB.sh instead of all; 00-* always makes sense in front: '0[0-2]*'
#   --cluster NAME   use this cluster, which is up, and leave it up
# TPGUARD: the binary, build/release/tpguard.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck disable=SC2034 # for the cases
TPGUARD=${TPGUARD:-$root/build/release/tpguard}
keep='' glob='[0-9][0-9]-*' name=''
while [ $# -gt 0 ]; do
    case $1 in
    --keep) keep=1 ;;
    --cases) glob=${2:?--cases GLOB} && shift ;;
    --cluster) name=${2:?--cluster NAME} && keep=1 && shift ;;
    *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2 ;;
    esac
    shift
done
mapfile -t cases < <(compgen -G "$here/cases/$glob" | sed 's/\.sh$//' | sort -u)
[ ${#cases[@]} -gt 0 ] || { echo "tests/e2e/run.sh: no case cases/$glob" >&2; exit 2; }
[ -x "$TPGUARD" ] || { echo "tests/e2e/run.sh: $TPGUARD is not there: make" >&2; exit 2; }

# Clusters of runs that were killed, or kept: theirs to end who started them.
for d in "${TPGUARD_RUN:-/run/tpguard}"/e2e-*; do
    if [ -d "$d" ] && ! kill -0 "${d##*/e2e-}" 2>/dev/null; then
        echo "# cluster ${d##*/} of an earlier run is still up: tests/e2e/cluster.sh down ${d##*/}"
    fi
done

own=
if [ -z "$name" ]; then
    name=e2e-$$ own=1
    # Also on an interrupt; "down" of a cluster that never came up does nothing.
    trap '[ -n "$keep" ] || "$here/cluster.sh" down "$name" >&2' EXIT
    trap 'exit 130' INT TERM
    "$here/cluster.sh" up "$name" || exit
fi
E2E_STATE=${TPGUARD_RUN:-/run/tpguard}/$name
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
work=$(mktemp -d "$E2E_STATE/cases.XXXXXX")

began=$SECONDS
for c in "${cases[@]}"; do
    echo "# ${c##*/}"
    before=$tap_failed ran=$tap_count
    # shellcheck source=/dev/null
    . "$c.sh"
    [ "$tap_count" -gt "$ran" ] || is "" "at least one test" "${c##*/} tests something"
    if [ "$tap_failed" -gt "$before" ]; then
        echo "# state of the cluster after ${c##*/}:"
        dump
    fi
done
echo "1..$tap_count"
echo "# $((SECONDS - began)) s"
rm -rf "$work"
if [ "$tap_failed" -gt 0 ] && [ -n "$own" ]; then
    logs=$root/build/e2e-logs
    rm -rf "$logs" && mkdir -p "$root/build" && cp -r "$E2E_STATE/log" "$logs" && echo "# logs of the cluster: $logs"
fi
[ -z "$own" ] || [ -z "$keep" ] || echo "# cluster $name is left up: tests/e2e/cluster.sh down $name"
echo "$((tap_count - tap_failed - tap_skipped)) passed, $tap_failed failed$([ $tap_skipped -eq 0 ] || echo ", $tap_skipped skipped")"
[ "$tap_failed" -eq 0 ] && [ "$tap_count" -gt 0 ]
