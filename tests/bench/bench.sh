#!/usr/bin/env bash
# Starts the server with 5,000 nodes of 8 H100 (every tenth without a wiring report) and runs bench.c against it.
# Usage: tests/bench/bench.sh SERVER BENCH [ROUNDS [MILLISECONDS [LARGEST-RATIO]]]
set -eu
server=$1 bench=$2
shift 2
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$work"' EXIT

# Node names as in bench.c.
awk 'BEGIN {
    wires = ""
    for (i = 0; i < 8; i++) {
        row = ""
        for (j = 0; j < 8; j++) row = row (j ? "," : "") (i == j ? "\\\"X\\\"" : "\\\"NV18\\\"")
        wires = wires (i ? "," : "") "[" row "]"
    }
    gpus = ""
    for (i = 0; i < 8; i++) gpus = gpus (i ? "," : "") "{\\\"index\\\":" i ",\\\"product\\\":\\\"NVIDIA H100 80GB HBM3\\\",\\\"fabric\\\":\\\"completed\\\"}"
    note = "{\\\"version\\\":1,\\\"source\\\":\\\"manual\\\",\\\"nvswitch\\\":true,\\\"gpus\\\":[" gpus "],\\\"wires\\\":[" wires "]}"
    print "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":["
    for (n = 0; n < 5000; n++) {
        printf "%s{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"gpu-node-%05d.example.internal\"", n ? ",\n" : "", n
        if (n % 10 != 9) printf ",\"annotations\":{\"tpguard.io/topology\":\"%s\"}", note
        printf "},\"status\":{\"allocatable\":{\"nvidia.com/gpu\":\"8\"}}}"
    }
    print "]}"
}' >"$work/cluster.json"

"$server" serve --listen 127.0.0.1:0 --cluster "$work/cluster.json" --write-ca "$work/ca.pem" --bench-echo 2>"$work/log" &
pid=$!
for _ in $(seq 600); do
    grep -q '"msg":"serving"' "$work/log" && break
    kill -0 "$pid" 2>/dev/null || { cat "$work/log" >&2; pid=; exit 2; }
    sleep 0.1
done
address=$(sed -n 's/.*"msg":"serving","address":"\([^"]*\)".*/\1/p' "$work/log")
"$bench" "${address%:*}" "${address##*:}" "$work/ca.pem" "$@"
