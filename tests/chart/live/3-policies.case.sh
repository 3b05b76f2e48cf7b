# shellcheck shell=bash disable=SC2154,SC2016,SC2086,SC2034,SC2317
# What tpguard writes on pods is nobody else's, and what it took charge of is bound only with its agreement.

as_tpguard=(--as "$account" --as-group system:serviceaccounts)
# Its own account may read and write pods here only to show what the policy, not RBAC, says to it.
k create clusterrolebinding chart-test --clusterrole=cluster-admin --user="$account" >/dev/null
eventually 10 k -n llm auth can-i --quiet patch pods "${as_tpguard[@]}"
pod_of() { # NAME CONTAINER-JSON LABELS-JSON ANNOTATIONS-JSON
    jq -nc --arg n "$1" --argjson c "$2" --argjson l "${3:-{\}}" --argjson a "${4:-{\}}" '{apiVersion: "v1", kind: "Pod", metadata: {name: $n, labels: $l, annotations: $a}, spec: {schedulerName: "nobody", containers: [{name: "c", image: "x"} + $c]}}' |
        k -n llm create -f - 2>&1
}
refused() { has "$1" "ValidatingAdmissionPolicy 'tpguard-annotations'" "$3"; has "$1" "$2" "... and told why"; }

refused "$(pod_of a '{}' '{}' '{"tpguard.io/gpus":"0,1"}')" "annotation tpguard.io/gpus (and gpu-uuids) is written by tpguard when the pod gets its node" "a pod that brings tpguard.io/gpus"
refused "$(pod_of a '{}' '{}' '{"tpguard.io/decision":"{}"}')" "annotation tpguard.io/decision is written by tpguard" "a pod without GPUs that brings tpguard.io/decision"
refused "$(pod_of a '{}' '{"tpguard.io/gated":"true"}')" "label tpguard.io/gated is written by tpguard" "a pod without GPUs that brings tpguard.io/gated"
refused "$(pod_of a "$gpu" '{"tpguard.io/ignore":"true","tpguard.io/gated":"true"}')" "label tpguard.io/gated" "an ignored pod that brings tpguard.io/gated"
ok quietly pod_of plain '{}' -- "a pod without any of them"
for who in "the administrator" "tpguard's account"; do
    as=()
    [ "$who" = "the administrator" ] || as=("${as_tpguard[@]}")
    for what in "annotate pod plain tpguard.io/gpus=0" "annotate pod plain tpguard.io/decision={}" "label pod plain tpguard.io/gated=true"; do
        said=$(k -n llm $what --overwrite "${as[@]}" 2>&1)
        rc=$?
        if [ "$who" = "the administrator" ]; then
            refused "$said" "only $account may write it" "added by $who: ${what#* pod plain }"
        else
            is "$rc" 0 "added by $who: ${what#* pod plain }"
        fi
    done
done
for what in "annotate pod plain --overwrite tpguard.io/gpus=1" "annotate pod plain tpguard.io/gpus-" "annotate pod plain --overwrite tpguard.io/decision=x" "annotate pod plain tpguard.io/decision-" "label pod plain tpguard.io/gated-" "label pod plain --overwrite tpguard.io/gated=false"; do
    refused "$(k -n llm $what 2>&1)" "only $account may write it" "the administrator: ${what#* pod plain }"
done
refused "$(k -n llm patch pod plain --subresource=status -p '{"metadata":{"annotations":{"tpguard.io/gpus":"3"}}}' 2>&1)" "only $account" "by way of the status"
k -n llm patch pod plain --subresource=resize -p '{"metadata":{"annotations":{"tpguard.io/gpus":"3"}}}' >/dev/null 2>&1
is "$(field pod/plain '{.metadata.annotations.tpguard\.io/gpus}' -n llm)" 0 "by way of resize nothing changes"
ok quietly k -n llm annotate pod plain other=x -- "other annotations are free"
ok quietly k -n llm patch pod plain --subresource=status -p '{"status":{"message":"x"}}' -- "the status is free"
ok quietly k -n llm delete pod plain --grace-period=0 --force -- "so is deleting the pod"
refused "$(k -n kube-system create --dry-run=server -f - 2>&1 <<<'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","annotations":{"tpguard.io/gpus":"0"}},"spec":{"containers":[{"name":"c","image":"x"}]}}')" "take it out" "in kube-system too"

# Pods as the pod webhook leaves them: it is out of the way for a moment.
k label namespace llm tpguard.io/mode=off >/dev/null
gated_pods() { pod_of "$1" "$gpu" '{"tpguard.io/gated":"true"}' | grep -q created; }
for p in gated-1 gated-2 gated-3; do ok eventually 10 gated_pods $p -- "a pod that tpguard took charge of: $p"; done
ok quietly pod_of free-1 '{}' -- "a pod without GPUs"
new_namespace elsewhere
k label namespace elsewhere tpguard.io/mode=off >/dev/null
in_elsewhere() { k -n elsewhere create -f - >/dev/null <<<'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"free-2","labels":{"tpguard.io/gated":"true"}},"spec":{"schedulerName":"nobody","containers":[{"name":"c","image":"x","resources":{"limits":{"nvidia.com/gpu":"1"}}}]}}'; }
ok eventually 10 in_elsewhere -- "one of the same kind elsewhere: free-2"
k -n llm create -f - >/dev/null <<<'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"free-2"},"spec":{"schedulerName":"nobody","containers":[{"name":"c","image":"x"}]}}'
k label namespace llm tpguard.io/mode- >/dev/null
gpu_node cpu-1 - 4
bind() { # POD [ANNOTATIONS-JSON] [NAMESPACE] [LABELS-JSON]
    jq -nc --arg n "$1" --argjson a "${2:-{\}}" --argjson l "${4:-{\}}" '{apiVersion: "v1", kind: "Binding", metadata: {name: $n, annotations: $a, labels: $l}, target: {apiVersion: "v1", kind: "Node", name: "cpu-1"}}' |
        k create --raw "/api/v1/namespaces/${3:-llm}/pods/$1/binding" -f - 2>&1
}
gate_is_back() { bind gated-1 | grep -q GateRequired; }
ok eventually 10 gate_is_back -- "a gated pod is not bound past the gate"
said=$(bind gated-1)
has "$said" "ValidatingAdmissionPolicy 'tpguard-binding'" "... refused by the policy"
has "$said" "no GPUs are reserved for this pod" "... and told why"
# The older way to write a Binding, which some schedulers in Python take.
older=$(jq -nc '{apiVersion: "v1", kind: "Binding", metadata: {name: "gated-1"}, target: {apiVersion: "v1", kind: "Node", name: "cpu-1"}}' | k create --raw /api/v1/namespaces/llm/bindings -f - 2>&1)
has "$older" "GateRequired" "... nor by the older way, the resource bindings"
has "$(bind free-1)" '"status":"Success"' "a pod without GPUs is bound while tpguard is down"
has "$(bind free-2)" '"status":"Success"' "... also one named like a gated pod of another namespace"
has "$(bind gated-2 '{"tpguard.io/gpus":"0"}')" '"status":"Success"' "with the annotation that the gate writes a gated pod is bound"
is "$(field pod/gated-2 '{.spec.nodeName} {.metadata.annotations.tpguard\.io/gpus}' -n llm)" "cpu-1 0" "... and has it together with its node"
has "$(bind gated-3)" "GateRequired" "each gated pod is looked at, however many there are"
# As the gate writes it.
has "$(bind gated-3 '{"tpguard.io/gpus":"1"}' llm '{"tpguard.io/gated":"bound"}')" '"status":"Success"' "a Binding that the gate labelled passes"
is "$(field pod/gated-3 '{.spec.nodeName} {.metadata.annotations.tpguard\.io/gpus} {.metadata.labels.tpguard\.io/gated}' -n llm)" "cpu-1 1 bound" "... and makes the pod no parameter any more (Kubernetes 1.35 and newer)"
has "$(bind gated-1)" "GateRequired" "... while the others still wait"
refused "$(k -n llm label --overwrite pod gated-3 tpguard.io/gated=true 2>&1)" "only $account may write it" "nobody sets it back"
has "$(bind free-2 '{}' elsewhere)" '"status":"Success"' "in mode off nothing is required"
k delete clusterrolebinding chart-test >/dev/null
k -n llm delete pods --all --grace-period=0 --force >/dev/null 2>&1
k delete namespace elsewhere --wait=false >/dev/null
