#!/usr/bin/env bash
# Starts the scripted API server (32 nodes of 8 H100, 8 pods that wait, nothing reserved) and the server on it, both with
# TLS, and runs bind.c against them.
# Usage: tests/bench/bind.sh SERVER BIND FAKEAPI [ROUNDS [MILLISECONDS]]
set -eu
server=$1 bind=$2 fakeapi=$3
shift 3
work=$(mktemp -d)
pids=()
trap '[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

wait_for() { # SECONDS COMMAND...
    for _ in $(seq $(($1 * 10))); do
        "${@:2}" && return 0
        sleep 0.1
    done
    cat "$work"/*.log >&2
    exit 2
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$work/api.key" -out "$work/api.pem" 2>/dev/null

leases=/apis/coordination.k8s.io/v1/namespaces/tpguard-system/leases
list() { # NAME ITEMS-FILE
    printf '{"metadata":{"resourceVersion":"10"},"items":[' >"$work/$1.json"
    cat "$2" >>"$work/$1.json"
    printf ']}' >>"$work/$1.json"
}
awk -v n=32 -f "${0%/*}/nodes.awk" >"$work/items"
list nodes "$work/items"
for i in {0..7}; do
    [ "$i" = 0 ] || printf ','
    printf '{"metadata":{"name":"chat-%s","namespace":"llm","uid":"u-chat-%s"},"spec":{"containers":[{"name":"main",' "$i" "$i"
    printf '"image":"vllm/vllm-openai:v0.10.0","args":["--model","Qwen/Qwen2.5-72B-Instruct","--tensor-parallel-size","4"],'
    printf '"resources":{"limits":{"nvidia.com/gpu":"4"}}}]},"status":{"phase":"Pending"}}'
done >"$work/items"
list pods "$work/items"
list none /dev/null
held='{"metadata":{"name":"tpguard-leader","resourceVersion":"5"},"spec":{"holderIdentity":"bench","leaseDurationSeconds":15,"leaseTransitions":0}}'
{
    for what in nodes pods; do printf 'GET /api/v1/%s?limit= always\n  file %s.json\n' "$what" "$what"; done
    printf 'GET /api/v1/namespaces?limit= always\n  file none.json\n'
    printf 'GET %s?limit= always\n  file none.json\n' "$leases"
    for what in /api/v1/nodes /api/v1/pods /api/v1/namespaces "$leases"; do
        printf 'GET %s?watch=1 always\n  part\n  hang\n' "$what"
    done
    printf 'GET %s/reserved. always\n  body {"metadata":{"name":"reserved","resourceVersion":"7"}}\n' "$leases"
    printf 'PATCH %s/reserved. always\n  body {"metadata":{"name":"reserved","resourceVersion":"8"}}\n' "$leases"
    printf 'PATCH %s/tpguard-leader always\n  body %s\n' "$leases" "$held"
    printf 'POST %s\n  status 201\n  body %s\n' "$leases" "$held"
    printf 'PATCH /api/v1/nodes always\n  body {}\n'
    printf 'POST /api/v1/namespaces/llm/events always\n  status 201\n  body {}\n'
} >"$work/scenario"

"$fakeapi" "$work/scenario" --port-file "$work/port" --tls "$work/api.pem" "$work/api.key" 2>"$work/api.log" &
pids+=($!)
wait_for 10 test -s "$work/port"
cat >"$work/kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: c
clusters: [{name: k, cluster: {server: "https://localhost:$(cat "$work/port")", certificate-authority: "$work/api.pem"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: c, context: {cluster: k, user: u, namespace: tpguard-system}}]
YAML
"$server" serve --listen 127.0.0.1:0 --kubeconfig "$work/kubeconfig" --identity bench --write-ca "$work/ca.pem" --bench-echo \
    2>"$work/serve.log" &
pids+=($!)
serving() { grep -q '"msg":"serving"' "$work/serve.log"; }
wait_for 60 serving
address=$(sed -n 's/.*"msg":"serving","address":"\([^"]*\)".*/\1/p' "$work/serve.log")
ready() { [ "$(curl -s --cacert "$work/ca.pem" --connect-to "localhost:${address##*:}:$address" "https://localhost:${address##*:}/readyz")" = ok ]; }
wait_for 60 ready
"$bind" "${address%:*}" "${address##*:}" "$work/ca.pem" "$(cat "$work/port")" "$work/api.pem" "$@"
