#!/usr/bin/env bash
# Runs TAP programs one after the other and sums up. Usage: tests/run.sh PROGRAM...
# Shows only what failed; V=1 shows all. The last line is "N passed, M failed[, K skipped]", the exit code follows it.
# A program that crashes, or whose plan does not match what it printed, counts as one failure more.
set -u
passed=0 failed=0 skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
[ $# -gt 0 ] || { echo "tests/run.sh: no test program given" >&2; exit 2; }
for t in "$@"; do
    "$t" >"$out" 2>&1 </dev/null
    rc=$?
    good=$(grep -c '^ok ' "$out")
    bad=$(grep -c '^not ok ' "$out")
    skip=$(grep -c '^ok .*# SKIP' "$out")
    plan=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$out" | tail -n 1)
    note=
    if [ "${plan:-none}" != $((good + bad)) ] || { [ $rc -ne 0 ] && [ "$bad" -eq 0 ]; }; then
        bad=$((bad + 1))
        note=" (exit $rc, planned ${plan:-nothing}, ran $good)"
    fi
    passed=$((passed + good - skip)) failed=$((failed + bad)) skipped=$((skipped + skip))
    name=${t#build/}
    if [ "$bad" -gt 0 ]; then
        echo "FAIL $name$note"
        if [ -n "$note" ]; then tail -n 40 "$out"; else grep -A4 '^not ok' "$out" | head -n 60; fi
    elif [ "${V:-}" = 1 ]; then
        cat "$out"
    else
        printf 'ok   %-52s %4d%s\n' "$name" "$good" "$([ "$skip" -gt 0 ] && echo " ($skip skipped)")"
    fi
done
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
