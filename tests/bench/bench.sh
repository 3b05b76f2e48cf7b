#!/usr/bin/env bash
# Starts the server with 5,000 nodes of 8 H100 (every tenth without a wiring report) and runs bench.c against it.
# Usage: tests/bench/bench.sh SERVER BENCH [ROUNDS [MILLISECONDS [LARGEST-RATIO]]]
set -eu
server=$1 bench=$2
shift 2
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$work"' EXIT

{
    echo '{"apiVersion":"v1","kind":"List","items":['
    awk -v n=5000 -v bare=1 -f "${0%/*}/nodes.awk"
    echo ']}'
} >"$work/cluster.json"

"$server" serve --listen 127.0.0.1:0 --cluster "$work/cluster.json" --write-ca "$work/ca.pem" --bench-echo 2>"$work/log" &
pid=$!
for _ in $(seq 600); do
    grep -q '"msg":"serving"' "$work/log" && break
    kill -0 "$pid" 2>/dev/null || { cat "$work/log" >&2; pid=; exit 2; }
    sleep 0.1
done
address=$(sed -n 's/.*"msg":"serving","address":"\([^"]*\)".*/\1/p' "$work/log")
"$bench" "${address%:*}" "${address##*:}" "$work/ca.pem" "$@"
