#!/usr/bin/env bash
# tpguard agent: the program, over the stand-in for NVIDIA's library and the scripted API server (no GPU, no root, no
# cluster). TAP. What a real kubelet and a real API server say to it: tests/e2e/cases/65-agent.sh.
set -u
cd "$(dirname "$0")/../.." || exit 2
tpguard=${TPGUARD:-build/release/tpguard}
fakeapi=$(dirname "$tpguard")/tests/fakeapi/fakeapi
library=$(dirname "$tpguard")/tests/nvml/libnvidia-ml.so.1
# shellcheck source=tests/tap.sh
. tests/tap.sh
agent='' api=''
end() {
    for p in $agent $api; do kill -KILL "$p" 2>/dev/null; wait "$p" 2>/dev/null; done
    rm -rf "$work"
}
trap end EXIT

# soon PART NAME: within 10 s the API server got a request with it
soon() {
    local i
    for ((i = 0; i < 100; i++)); do
        grep -qF -- "$1" "$work/api.log" 2>/dev/null && break
        sleep 0.1
    done
    grep -qF -- "$1" "$work/api.log"
    result $? "$2"
}
requests() { grep -c "^$1" "$work/api.log"; }

machine() { # FACT...: the scenario, never half a file
    { cat tests/nvml/scenarios/h100-nvl.txt; printf '%s\n' "$@"; } >"$work/new.txt"
    mv "$work/new.txt" "$work/machine.txt"
}
machine
export TPGUARD_NVML_SCENARIO=$work/machine.txt NO_PROXY='*'

# ---- the command line ----
refuses "no node" "--node-name is missing" env -u NODE_NAME "$tpguard" agent
refuses "an unknown option" "no option --nope" "$tpguard" agent --nope
refuses "a poll of nothing" '--poll "0": wants seconds, 1 to 86400' "$tpguard" agent --node-name n --poll 0
refuses "a deadline beyond a turn of the loop" '--deadline "31": wants seconds, 1 to 30' "$tpguard" agent --node-name n --deadline 31
refuses "an unknown source" "wants auto, nvml or nvidia-smi" "$tpguard" agent --source lspci
refuses "--check without a file" "--check wants --alive" "$tpguard" agent --check
refuses "a value too many" "--once takes no value" "$tpguard" agent --once=1
run 1 "not alive" "$tpguard" agent --check --alive "$work/alive"
touch -d '2 minutes ago' "$work/alive"
run 1 "not for long" "$tpguard" agent --check --alive "$work/alive"
says err "touched 120 s ago"
touch "$work/alive"
run 0 "alive" "$tpguard" agent --check --alive "$work/alive"
quiet=(--nvml-library "$library" --pod-resources '' --checkpoint '')
run 0 "--once" "$tpguard" agent --once "${quiet[@]}"
sed -n 's|^tpguard.io/topology ||p' "$work/out" >"$work/annotation"
run 0 "... prints the annotation" "$tpguard" topology --from-annotation "$work/annotation" -o json
jq -e '.pairs["0-1"] == "healthy"' "$work/out" >/dev/null
result $? "... of this node"
run 0 "--once without the kubelet" "$tpguard" agent --once --nvml-library "$library" --pod-resources "$work/none" --checkpoint "$work/none"
says err "no allocations"
machine 'hang nvmlDeviceGetCount_v2 all'
run 3 "--once with a driver that hangs" "$tpguard" agent --once "${quiet[@]}" --deadline 1
says err "did not answer within 1000 ms"
machine
run 3 "--once without a driver" "$tpguard" agent --once --source nvml --nvml-library "$work/none.so" --pod-resources '' --checkpoint ''

# ---- the loop ----
cat >"$work/api.txt" <<'S'
GET /api/v1/nodes has=fieldSelector=metadata.name%3Dgpu-a lacks=watch= always
  body {"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"gpu-a","uid":"u-1","annotations":{"other":"x"}}}]}
GET /api/v1/nodes has=watch= times=1
  wait 4000
  line {"type":"MODIFIED","object":{"metadata":{"name":"gpu-a","uid":"u-2","resourceVersion":"8"}}}
  hang
GET /api/v1/nodes has=watch= always
  hang
PATCH /api/v1/nodes/gpu-a times=1
  status 503
  header Retry-After: 1
  body {"kind":"Status","message":"later","code":503}
PATCH /api/v1/nodes/gpu-a always
  body {"metadata":{"name":"gpu-a"}}
PATCH /apis/coordination.k8s.io/v1/namespaces/tpguard-system/leases/agent.gpu-a times=1
  status 404
  body {"kind":"Status","code":404,"reason":"NotFound"}
POST /apis/coordination.k8s.io/v1/namespaces/tpguard-system/leases always
  status 201
  body {}
PATCH /apis/coordination.k8s.io/v1/namespaces/tpguard-system/leases/agent.gpu-a always
  body {}
S
"$fakeapi" "$work/api.txt" --port-file "$work/port" --log "$work/api.log" &
api=$!
for ((i = 0; i < 100; i++)); do [ ! -s "$work/port" ] || break; sleep 0.05; done
cat >"$work/kubeconfig" <<K
{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
 "clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:$(cat "$work/port")"}}],"users":[{"name":"u","user":{}}]}
K
"$tpguard" agent --node-name gpu-a --namespace tpguard-system --kubeconfig "$work/kubeconfig" "${quiet[@]}" --poll 1 --quiet 0 \
    --heartbeat 5 --alive "$work/alive" 2>"$work/agent.log" &
agent=$!
soon '"uid":"u-1","annotations":{"tpguard.io/topology"' "the wiring is written, to the Node that was met"
[ "$(requests 'PATCH /apis')" -eq 0 ]
result $? "no heartbeat for what is not there"
soon 'POST /apis/coordination.k8s.io/v1/namespaces/tpguard-system/leases' "tried again after an error, then vouched for"
[ "$(requests 'PATCH /api/v1/nodes/gpu-a?fieldManager=tpguard-agent')" -eq 2 ]
result $? "... with two patches in all"
soon '"uid":"u-2"' "the Node is made anew: written again, with its uid"
patches=$(requests 'PATCH /api/')
machine 'down 0 1'
soon '\"wires\":[[\"X\",\"NODE\"' "the bridge goes down: written"
sleep 3
[ "$(requests 'PATCH /api/')" -eq $((patches + 1)) ]
result $? "... by one patch"
beats=$(requests 'PATCH /apis')
sleep 6
[ "$(requests 'PATCH /api/')" -eq $((patches + 1)) ] && [ "$(requests 'PATCH /apis')" -gt "$beats" ]
result $? "then nothing but heartbeats"
run 0 "it is alive" "$tpguard" agent --check --alive "$work/alive"
kill -TERM $agent
wait $agent
result $? "SIGTERM ends it with 0"
agent=
[ "$(requests 'PATCH /api/')" -eq $((patches + 1)) ]
result $? "what it wrote is left"

echo "1..$count"
[ "$failed" -eq 0 ]
