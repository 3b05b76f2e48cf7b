# shellcheck shell=bash disable=SC2154
# What only tpguard may write on a pod, and asking twice: every patch is applied here as the API server does.

sed '/^# The node that nobody reports/,$d' "$cluster" >"$work/known.yaml"
start_server --cluster "$work/known.yaml" --scheduler-name tpguard-scheduler --rewrite steer,repin

# RFC 6902: add, replace and remove, on objects and lists.
# shellcheck disable=SC2016
apply='
def keys_of: ltrimstr("/") | split("/") | map(gsub("~1"; "/") | gsub("~0"; "~") | if test("^[0-9]+$") then tonumber else . end);
def step($o): ($o.path | keys_of) as $k |
    if $o.op == "remove" then if getpath($k) == null then error("nothing at " + $o.path) else delpaths([$k]) end
    elif $k[-1] == "-" then setpath($k[:-1]; (getpath($k[:-1]) + [$o.value]))
    elif getpath($k[:-1]) == null then error("no parent of " + $o.path)
    else setpath($k; $o.value) end;
. as $r | $answer.response | (if .patch then .patch | @base64d | fromjson else [] end) as $ops |
$r | .request.object |= reduce $ops[] as $o (.; step($o))'

# A review of a pod: NAMESPACE METADATA-JSON CONTAINER-JSON
pod_review() {
    jq -nc --arg ns "$1" --argjson meta "$2" --argjson c "$3" '{apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview",
        request: {uid: "u-1", namespace: $ns, operation: "CREATE", resource: {group: "", version: "v1", resource: "pods"},
        object: {metadata: ({name: "p"} + $meta), spec: {containers: [$c]}}}}'
}
# Asks, applies, asks again. Sets answer, once and twice (the objects).
admit_twice() { # REVIEW
    answer=$(post_text /admit/pods "$1")
    once=$(jq -c --argjson answer "$answer" "$apply" <<<"$1")
    twice=$(jq -c --argjson answer "$(post_text /admit/pods "$once")" "$apply" <<<"$once")
    once=$(jq -c .request.object <<<"$once")
    twice=$(jq -c .request.object <<<"$twice")
}
meta_of() { jq -c '.metadata' <<<"$once"; }

forged='{"labels":{"app":"x","tpguard.io/gated":"true"},"annotations":{"a":"b","tpguard.io/decision":"{\"v\":1}","tpguard.io/gpus":"2,3"}}'
bare='{"name":"p","labels":{"app":"x"},"annotations":{"a":"b"}}'
vllm() { # TP GPUS [ENV]
    jq -nc --arg tp "$1" --arg gpus "$2" --argjson env "${3:-[]}" '{name: "c", image: "vllm/vllm-openai",
        args: ["--model", "m", "--tensor-parallel-size", $tp], env: $env} + if $gpus == "0" then {} else {resources: {limits: {"nvidia.com/gpu": $gpus}}} end'
}
pin() { jq -nc --arg v "$1" '[{name: "NVIDIA_VISIBLE_DEVICES", value: $v}]'; }
web='{"name":"c","image":"nginx"}'

admit_twice "$(pod_review llm "$forged" "$(vllm 2 2)")"
is "$(jq -c '.metadata.labels' <<<"$once")" '{"app":"x","tpguard.io/gated":"true"}' "a GPU pod in mode enforce carries the label gated"
is "$(jq -r '.metadata.annotations["tpguard.io/decision"] | fromjson | .tp' <<<"$once")" 2 "a forged decision is overwritten"
is "$(jq -c '.metadata.annotations | has("tpguard.io/gpus")' <<<"$once")" false "forged GPUs are removed"
is "$twice" "$once" "asked again about its own work, tpguard changes nothing"
admit_twice "$(pod_review llm '{}' "$(vllm 1 1)")"
is "$(jq -c '[.metadata.labels, .spec.schedulerName]' <<<"$once")" '[{"tpguard.io/gated":"true"},"tpguard-scheduler"]' \
    "labels are made where there are none"
is "$twice" "$once" "TP=1, asked again: nothing more"
admit_twice "$(pod_review llm '{}' "$(vllm 2 0 "$(pin 2,3)")")"
is "$(jq -c '.metadata.labels' <<<"$once")" '{"tpguard.io/gated":"true"}' "a pod that names its GPUs without asking is ours as well"
is "$twice" "$once" "and asked again: nothing more"
placed=$(pod_review llm '{}' "$(vllm 2 2)" | jq -c '.request.object.spec.nodeName = "n1"')
admit_twice "$placed"
is "$(jq -c '[.metadata.labels, (.metadata.annotations | has("tpguard.io/decision")), .spec.schedulerName]' <<<"$once")" '[null,true,null]' "a pod that comes with its node is judged; no scheduler and no gate will see it"
for other in amd.com/gpu nvidia.com/mig-1g.5gb; do
    admit_twice "$(pod_review llm "$forged" "$(vllm 1 0 | jq -c --arg r $other '. + {resources: {limits: {($r): "1"}}}')")"
    is "$(jq -c '[.metadata.labels, (.metadata.annotations | has("tpguard.io/decision"))]' <<<"$once")" '[{"app":"x"},true]' "$other: judged, and not held at the gate, which refuses none of them"
    is "$twice" "$once" "and asked again: nothing more"
done
admit_twice "$(pod_review llm '{}' "$(vllm 2 2 "$(pin 0,1)")")"
is "$(jq -c '.spec.containers[0].env[0].value' <<<"$once")" '"2,3"' "a pin is moved"
is "$(jq -c 'del(.metadata.annotations)' <<<"$twice")" "$(jq -c 'del(.metadata.annotations)' <<<"$once")" "and stays there"

for where in exempt audited; do
    admit_twice "$(pod_review $where "$forged" "$(vllm 2 2)")"
    is "$(meta_of)" "$bare" "namespace $where: what is forged is removed, nothing is written"
    is "$twice" "$once" "namespace $where: and once is enough"
done
admit_twice "$(pod_review warned "$forged" "$(vllm 2 2)")"
is "$(jq -c '.metadata.labels' <<<"$once")" '{"app":"x"}' "mode warn: the label gated is removed"
is "$(jq -c '.metadata.annotations | has("tpguard.io/gpus")' <<<"$once")" false "mode warn: forged GPUs are removed"
admit_twice "$(pod_review llm "$forged" "$web")"
is "$(meta_of)" "$bare" "a pod without GPUs: what is forged is removed"
admit_twice "$(pod_review llm "$(jq -c '.labels["tpguard.io/ignore"] = "true"' <<<"$forged")" "$(vllm 2 2)")"
is "$(meta_of)" "$(jq -c '.labels["tpguard.io/ignore"] = "true"' <<<"$bare")" "a pod with the ignore label: what is forged is removed"
broken=$(pod_review warned "$forged" '{"name":"c","image":"vllm","args":7}')
admit_twice "$broken"
is "$(meta_of)" "$bare" "a pod that cannot be read, where it passes: what is forged is removed"
has "$(post_text /admit/pods "$(pod_review llm "$forged" '{"name":"c","args":7}')")" '"allowed":false' "in mode enforce it does not pass"

# Words instead of GPUs.
for word in none void; do
    admit_twice "$(pod_review llm '{}' "$(vllm 2 0 "$(pin $word)")")"
    is "$(jq -c '.metadata' <<<"$once")" '{"name":"p"}' "NVIDIA_VISIBLE_DEVICES=$word names no GPU: not ours"
done
admit_twice "$(pod_review llm '{}' "$(vllm 1 0 "$(pin all)")")"
is "$(jq -c '[.metadata | .labels, (.annotations | has("tpguard.io/decision"))]' <<<"$once")" '[null,true]' "NVIDIA_VISIBLE_DEVICES=all names them all: judged; it fits every node, so it is not held at the gate"
is "$twice" "$once" "and asked again: nothing more"
has "$(post_text /admit/pods "$(pod_review llm '{}' "$(vllm 4 0 "$(pin all)")")")" '(PinnedAcrossPCIe)' \
    "TP=4 over all GPUs of nodes that have only pairs is pinned across PCIe"
has "$(post_text /admit/pods "$(pod_review llm '{}' "$(vllm 2 0 "$(pin all)")")")" 'all GPUs' "so is TP=2, whose first GPUs are 0 and 1"
has "$(post_text /admit/pods "$(pod_review llm '{}' "$(vllm 2 2 "$(pin none)")")")" '"allowed":true' "none beside a request is no pin"
stop_server

start_server --cluster "$work/known.yaml"
admit_twice "$(pod_review llm '{}' "$(vllm 2 2)")"
is "$(jq -c '.spec | has("schedulerName")' <<<"$once")" false "without a scheduler of ours nothing sets schedulerName"
soft_of() { jq -c '[.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[]? | [.weight, .preference.matchExpressions[0].key]]' <<<"$once"; }
is "$(soft_of)" '[[100,"tpguard.io/nvlink-free"]]' "a free pair is preferred there"
is "$twice" "$once" "and asked again: nothing more"
admit_twice "$(pod_review llm '{}' "$(vllm 1 1)")"
is "$(soft_of)" '[[100,"tpguard.io/stranded"],[50,"tpguard.io/stranded"]]' "TP=1 prefers a stranded GPU"
is "$twice" "$once" "and asked again: nothing more"
zone='{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":7,"preference":{"matchExpressions":[{"key":"zone","operator":"Exists"}]}}]}}'
admit_twice "$(pod_review llm '{}' "$(vllm 2 2)" | jq -c --argjson a "$zone" '.request.object.spec.affinity = $a')"
is "$(soft_of)" '[[7,"zone"],[100,"tpguard.io/nvlink-free"]]' "behind what its author prefers"
is "$(jq -c '[.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[].matchExpressions[].key]' <<<"$once")" \
    '["tpguard.io/nvlink-set"]' "and required is the set, as ever"
is "$twice" "$once" "and asked again: nothing more"
admit_twice "$(pod_review llm '{"annotations":{"tpguard.io/rewrite":"none"}}' "$(vllm 2 2)")"
is "$(jq -c '.spec | has("affinity")' <<<"$once")" false "a pod that accepts no rewrite gets no affinity at all"
stop_server
