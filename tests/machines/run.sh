#!/usr/bin/env bash
# Recorded machines: what `tpguard topology` reads out of nvidia-smi text. NAME/topo.txt and NAME/nvlink.txt (either may
# be missing) give NAME/expect.json and the exit code in NAME/rc (0 when there is none). UPDATE=1 rewrites both.
# Usage: tests/machines/run.sh [PROGRAM]; prints TAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "${1:-$here/../../build/release/tpguard}")
count=0 failed=0
got=$(mktemp) raw=$(mktemp)
trap 'rm -f "$got" "$raw"' EXIT

ok() { # STATUS NAME
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else
        echo "not ok $count - $2"
        failed=$((failed + 1))
    fi
}

read_machine() { # in the machine's folder, so that errors name files and no paths
    local args=()
    [ -e topo.txt ] && args+=(topo.txt)
    [ -e nvlink.txt ] && args+=(--nvlink nvlink.txt)
    "$program" topology "${args[@]}" --output json >"$raw" 2>/dev/null
    rc=$?
    jq -S . "$raw" >"$got"
}

for dir in "$here"/*/; do
    name=$(basename "$dir")
    cd "$dir" || exit 2
    read_machine
    if [ "${UPDATE:-}" = 1 ]; then
        cp "$got" expect.json
        rm -f rc
        [ "$rc" -eq 0 ] || echo "$rc" >rc
    fi
    diff -u expect.json "$got" | sed 's/^/# /'
    ok "${PIPESTATUS[0]}" "$name reads as recorded"
    want=0
    [ ! -e rc ] || want=$(cat rc)
    [ "$rc" = "$want" ]
    ok $? "$name ends with exit code $want"
    # Reading what was written: the annotation says the same as the text.
    if [ -e topo.txt ] && [ "$rc" -eq 0 ]; then
        args=(topo.txt)
        [ -e nvlink.txt ] && args+=(--nvlink nvlink.txt)
        "$program" topology "${args[@]}" --annotation >"$raw" && "$program" topology "$raw" --output json |
            jq -S 'del(.observedAt)' | diff -u <(jq -S 'del(.observedAt)' expect.json) - | sed 's/^/# /'
        ok "${PIPESTATUS[2]}" "$name says the same after a trip through its annotation"
    fi
done
echo "1..$count"
[ "$failed" -eq 0 ] && [ "$count" -gt 0 ]
