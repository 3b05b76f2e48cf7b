#!/usr/bin/env bash
# Contracts: a recorded cluster, a request, the exact answer. One folder a cluster: `cluster` names a file of
# tests/clusters, `options` is what the server gets (a scheduler's name when there is none), NAME.ROUTE.json is a request
# with ROUTE admit, bindings, workloads, filter, prioritize or preempt, NAME.ROUTE.expect.json its answer with the JSON Patch decoded
# and keys sorted. UPDATE=1 rewrites the expectations: read the diff. TAP.
set -u
cd "$(dirname "$0")/../.." || exit 2
tpguard=${TPGUARD:-build/release/tpguard}
count=0 failed=0
work=$(mktemp -d)
pid=
finish() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

result() { # GOOD NAME
    count=$((count + 1))
    if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; failed=$((failed + 1)); fi
}

start() { # CLUSTER-FILE OPTION...
    : >"$work/log"
    "$tpguard" serve --listen 127.0.0.1:0 --cluster "$1" --write-ca "$work/ca.pem" "${@:2}" 2>"$work/log" &
    pid=$!
    address=
    for _ in $(seq 200); do
        address=$(jq -r 'select(.msg == "serving") | .address' "$work/log" 2>/dev/null | head -n 1)
        [ -z "$address" ] || return 0
        sleep 0.05
    done
    return 1
}
stop() { kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; pid=; }

declare -A path=([admit]=/admit/pods [bindings]=/admit/bindings [workloads]=/admit/workloads [preempt]=/scheduler/preempt [filter]=/scheduler/filter [prioritize]=/scheduler/prioritize)

for folder in tests/contract/*/; do
    cluster=tests/clusters/$(cat "$folder/cluster")
    options=(--scheduler-name tpguard-scheduler)
    [ ! -f "$folder/options" ] || read -ra options <"$folder/options"
    if ! start "$cluster" "${options[@]}"; then
        result 1 "the server starts on $cluster"
        sed 's/^/# /' "$work/log"
        continue
    fi
    for request in "$folder"*.json; do
        case $request in *.expect.json) continue ;; esac
        base=${request%.json}
        route=${base##*.}
        curl -sS --cacert "$work/ca.pem" -H 'Content-Type: application/json' --data-binary @"$request" \
            "https://$address${path[$route]}" >"$work/raw" 2>"$work/curl"
        jq -S 'if (.response?.patch? // null) != null then .response.patch |= (@base64d | fromjson) else . end' \
            "$work/raw" >"$work/got" 2>/dev/null || cp "$work/raw" "$work/got"
        want=$base.expect.json
        [ "${UPDATE:-}" != 1 ] || cp "$work/got" "$want"
        diff -u "$want" "$work/got" >"$work/diff" 2>&1
        result $? "$(basename "$folder"): $(basename "$base") is answered as agreed"
        sed 's/^/# /' "$work/diff" | head -n 40
    done
    stop
done
echo "1..$count"
[ "$failed" -eq 0 ]
