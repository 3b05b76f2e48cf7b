# shellcheck shell=bash disable=SC2154
# preempt: the real calls of a kube-scheduler, and a node whose two pairs are held by four pods.

pods=
for i in 0 1 2 3; do
    pods+="
- apiVersion: v1
  kind: Pod
  metadata: {name: hold-$i, namespace: tp, uid: hold-$i}
  spec:
    nodeName: b1
    containers: [{name: c, image: vllm/vllm-openai, args: [--model, m], resources: {limits: {nvidia.com/gpu: '1'}}}]
  status: {phase: Running}"
done
"$TPGUARD" topology --synthetic 4xH100-NVL --annotation >"$work/annotation" 2>/dev/null
cat "$cluster" - >"$work/busy.yaml" <<END
- apiVersion: v1
  kind: Node
  metadata:
    name: b1
    annotations:
      tpguard.io/topology: '$(cat "$work/annotation")'
      tpguard.io/allocations: '{"version":1,"observedAt":"2026-11-20T09:00:00Z","pods":[$(for i in 0 1 2 3; do
        printf '%s{"namespace":"tp","name":"hold-%s","gpus":[%s]}' "${sep:-}" $i $i
        sep=,
    done)]}'
  status:
    allocatable: {cpu: "64", nvidia.com/gpu: "4"}$pods
END
start_server --cluster "$work/busy.yaml" --extender-listen 127.0.0.1:0

args() { # NAMESPACE TP VICTIMS-JSON ({"node": ["uid", ...]}) [LABELS-JSON]
    jq -nc --arg ns "$1" --arg tp "$2" --argjson v "$3" --argjson labels "${4:-"{}"}" '{Pod: {metadata: {name: "hi", namespace: $ns, labels: $labels},
        spec: {containers: [{name: "c", image: "vllm/vllm-openai", args: ["--model", "m", "--tensor-parallel-size", $tp],
        resources: {limits: {"nvidia.com/gpu": $tp}}}]}}, NodeNameToVictims: null,
        NodeNameToMetaVictims: ($v | map_values({Pods: map({UID: .}), NumPDBViolations: 1}))}'
}
preempt() { post_text /scheduler/preempt "$(args "$@")"; }
kept() { jq -c '.NodeNameToMetaVictims | map_values(.Pods | map(.UID))'; }
none='{"NodeNameToMetaVictims":{}}'

for f in preempt-meta-victims preempt-victims; do
    is "$(post /scheduler/preempt "$requests/$f.json")" "$none" "$f: a real call for TP=4 where no node has a set of four"
done
is "$(preempt tp 2 '{"b1":["hold-0","hold-1"]}')" '{"NodeNameToMetaVictims":{"b1":{"Pods":[{"UID":"hold-0"},{"UID":"hold-1"}],"NumPDBViolations":1}}}' \
    "victims on the two GPUs of a bridge: the node is kept as it came"
is "$(preempt tp 2 '{"b1":["hold-0","hold-2"]}')" "$none" "victims on two bridges: evicting them would be in vain"
is "$(preempt tp 1 '{"b1":["hold-3"]}' | kept)" '{"b1":["hold-3"]}' "TP=1: any victim will do"
is "$(preempt tp 2 '{"b1":["hold-2","hold-3"],"n1":["x"],"n2":["y"],"n3":["z"],"gone":["u"]}' | kept)" '{"b1":["hold-2","hold-3"],"n1":["x"]}' \
    "each node by its own wires: not those without NVLink, with unknown wiring, or unknown themselves"
is "$(preempt tp 2 '{"b1":[],"n1":[]}')" "$none" "nobody named, nobody evicted"
is "$(jq -c '.NodeNameToVictims = {b1: {Pods: [{metadata: {uid: "hold-1"}}, {metadata: {uid: "hold-0"}}], NumPDBViolations: 0}} | .NodeNameToMetaVictims = null' \
    <<<"$(args tp 2 '{}')" | post /scheduler/preempt - | kept)" '{"b1":["hold-1","hold-0"]}' "whole pods as victims are answered as meta victims"
for where in warned audited exempt; do
    is "$(preempt $where 2 '{"b1":["hold-0","hold-2"]}' | kept)" '{"b1":["hold-0","hold-2"]}' "namespace $where: candidates pass unchanged"
done
is "$(preempt tp 2 '{"b1":["hold-0"],"gone":["x"]}' '{"tpguard.io/ignore":"true"}' | kept)" '{"b1":["hold-0"],"gone":["x"]}' "so they do for an ignored pod"
is "$(args tp 2 '{"b1":["hold-0","hold-1"]}' | sed 's/"2"\]/"two"]/' | post /scheduler/preempt -)" "$none" "a malformed TP size fits nowhere, whoever goes"
filtered=$(post_text /scheduler/filter "$(jq -c '{Pod, Nodes: null, NodeNames: ["b1"]}' <<<"$(args tp 2 '{}')")")
has "$filtered" '"FailedNodes":{"b1":"node(s) had all NVLink sets of 2 GPUs in use"}' "and filter still sees all four holders"

for bad in '{' '[]' '{"Pod":{"spec":{"containers":7}}}' '{"Pod":{"spec":{"containers":[]}},"NodeNameToMetaVictims":{"n1":{"Pods":[{"uid":"x"}]}}}'; do
    is "$(post_text /scheduler/preempt "$bad" -o /dev/null -w '%{http_code}')" 400 "not what a scheduler sends: 400: $bad"
done
has "$(post_text /scheduler/preempt "$bad")" '"path":"NodeNameToMetaVictims.n1.Pods[0].uid"' "with its path"
line=$(grep -F '"route":"preempt"' "$server_log" | grep -F '"in_vain":' | head -n 1)
for part in '"ns":"tp"' '"pod":"hi' '"tp":' '"nodes":' '"kept":' '"duration_us":'; do
    has "$line" "$part" "the log line has $part"
done
main=$url
url=https://$(log_value extender_address '"msg":"serving"')
is "$(preempt tp 2 '{"b1":["hold-0","hold-1"]}' | kept)" '{"b1":["hold-0","hold-1"]}' "the extender's listener answers as well"
url=$main
stop_server

start_server --cluster none
is "$(post_text /scheduler/preempt "$(args tp 2 '{}')" -o /dev/null -w '%{http_code}')" 503 "before the cluster is known: 503"
