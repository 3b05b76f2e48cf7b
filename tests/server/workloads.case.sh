# shellcheck shell=bash disable=SC2154
# Admission of workloads: what a person is told at kubectl apply, with real reviews and our own.

sed '/^# The node that nobody reports/,$d' "$cluster" >"$work/known.yaml"

# A review: NAMESPACE KIND API-VERSION SPEC-JSON [REQUEST-JSON]
workload() {
    jq -nc --arg ns "$1" --arg kind "$2" --arg api "$3" --argjson spec "$4" --argjson more "${5:-"{}"}" \
        '{apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: ({uid: "u-1", namespace: $ns, name: "m",
        kind: {kind: $kind}, resource: {resource: "things"}, operation: "CREATE",
        object: {apiVersion: $api, kind: $kind, metadata: {name: "m"}, spec: $spec}} + $more)}'
}
pod_of() { # TP GPUS [PIN [LABELS-JSON]]
    jq -nc --arg tp "$1" --arg gpus "$2" --arg pin "${3:-}" --argjson labels "${4:-"{}"}" '{metadata: {labels: $labels},
        spec: {containers: [{name: "c", image: "vllm/vllm-openai", args: ["--model", "m", "--tensor-parallel-size", $tp],
        env: (if $pin == "" then [] else [{name: "NVIDIA_VISIBLE_DEVICES", value: $pin}] end),
        resources: (if $gpus == "0" then {} else {limits: {"nvidia.com/gpu": $gpus}} end)}]}}'
}
deployment() { workload "$1" Deployment apps/v1 "{\"replicas\":1,\"template\":$2}" "${3:-"{}"}"; }
apply() { post_text '/admit/workloads?timeout=10s' "$1"; }
warnings() { jq -r '.response.warnings[]?'; }
silent='{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true}}'
across='tpguard: TP=2 is pinned to GPUs 0,1: no node has healthy NVLink there, all-reduces would cross PCIe (PinnedAcrossPCIe)'
denied_later='tpguard: its pods will be denied, tpguard explain -f FILE says what to do (PinnedAcrossPCIe)'

start_server --cluster "$work/known.yaml"
for f in admit-deployment admit-statefulset admit-job admit-cronjob; do
    got=$(post /admit/workloads "$requests/$f.json")
    has "$got" '"allowed":true,"auditAnnotations":{"verdict":"allow","code":"none"}' "$f: a real request is judged"
    has "$(warnings <<<"$got")" '(FitsOneGPU)' "$f: and the person is told that replicas do as well"
done
lacks "$got" '"patch"' "nothing is rewritten here"
for f in admit-deployment-dryrun-update admit-pod admit-pod-job admit-binding; do
    has "$(post /admit/workloads "$requests/$f.json")" '"allowed":true}}' "$f: is not news, or not a workload"
done
pinned=$(pod_of 2 2 0,1)
got=$(apply "$(deployment llm "$pinned")")
has "$got" '"allowed":true' "mode enforce: a workload whose pods will be denied is let through by default"
is "$(warnings <<<"$got")" "$denied_later"$'\n'"$across" "with what will happen, and why"
has "$got" '"auditAnnotations":{"verdict":"deny","code":"PinnedAcrossPCIe"}' "the audit log has the verdict"
is "$(apply "$(deployment llm "$pinned" '{"dryRun":true}')")" "$got" "a dry run gets the same answer"
got=$(apply "$(deployment warned "$pinned")")
is "$(warnings <<<"$got")" "$across" "mode warn: the reason alone, for nothing will be denied"
got=$(apply "$(deployment audited "$pinned")")
is "$got" "${silent%\}\}},\"auditAnnotations\":{\"verdict\":\"deny\",\"code\":\"PinnedAcrossPCIe\"}}}" "mode audit: only the audit log is told"
is "$(apply "$(deployment exempt "$pinned")")" "$silent" "mode off: nothing is said"
is "$(apply "$(deployment llm "$(pod_of 2 2 0,1 '{"tpguard.io/ignore":"true"}')")")" "$silent" "a template with the ignore label: nothing is said"
is "$(apply "$(deployment llm "$(pod_of 2 0)")")" "$silent" "no GPUs: nothing is said"
is "$(apply "$(workload llm Service v1 '{"ports":[{"port":80}]}')")" "$silent" "no pod template: nothing is said"

old() { jq -nc --argjson t "$1" '{operation: "UPDATE", oldObject: {apiVersion: "apps/v1", kind: "Deployment", metadata: {name: "m", labels: {a: "b"}}, spec: {replicas: 7, template: $t}}}'; }
is "$(apply "$(deployment llm "$pinned" "$(old "$pinned")")")" "$silent" "an UPDATE that leaves the template alone is no news"
has "$(apply "$(deployment llm "$pinned" "$(old "$(pod_of 2 2 2,3)")")")" "$denied_later" "one that changes it is"
has "$(apply "$(deployment llm "$pinned" '{"operation":"UPDATE","oldObject":{"kind":"Deployment","spec":7}}')")" "$denied_later" \
    "one whose old object cannot be read is judged as new"
is "$(apply "$(deployment llm "$pinned" '{"operation":"DELETE"}')")" "$silent" "a DELETE is let through"
is "$(apply "$(deployment llm "$pinned" '{"subResource":"scale","operation":"UPDATE"}')")" "$silent" "so is a subresource"
owned=$(jq -c '.request.object.metadata.ownerReferences = [{kind: "Deployment", controller: true}]' <<<"$(workload llm ReplicaSet apps/v1 "{\"template\":$pinned}")")
is "$(apply "$owned")" "$silent" "what another object manages was judged with that one"

lws=$(workload llm LeaderWorkerSet leaderworkerset.x-k8s.io/v1 "{\"leaderWorkerTemplate\":{\"size\":1,\"leaderTemplate\":$(pod_of 2 2),\"workerTemplate\":$pinned}}")
got=$(apply "$lws")
has "$(warnings <<<"$got")" 'tpguard: worker: its pods will be denied' "several templates: lines say whose they are"
has "$got" '"template":"spec.leaderWorkerTemplate.workerTemplate"' "and the audit log which is worst off"
is "$(warnings <<<"$got" | awk 'length > 120' | wc -l)" 0 "no line is longer than 120 characters"
custom='{"resources":{"limits":{"nvidia.com/gpu":2}}}'
got=$(apply "$(workload llm NIMService apps.nvidia.com/v1alpha1 "$custom")")
has "$(warnings <<<"$got")" '(TPUnknown)' "a kind that shows no pods cannot be told"
is "$(apply "$(workload exempt NIMService apps.nvidia.com/v1alpha1 "$custom")")" "$silent" "not in mode off"
got=$(apply "$(deployment llm '{"spec":{"containers":[{"name":"c","args":[7]}]}}')")
has "$got" '"allowed":true' "what cannot be read is let through: the pods have a gate that refuses them"
has "$(warnings <<<"$got")" 'request.object.spec.template.spec.containers[0].args[0]' "with its path"
has "$(apply "$(deployment audited '{"spec":{"containers":7}}')")" '"allowed":true,"auditAnnotations":{"verdict":"unknown","error":' "mode audit: for the audit log alone"
is "$(apply "$(deployment exempt '{"spec":{"containers":7}}')")" "$silent" "mode off: nothing is read at all"
ok log_has '"msg":"a workload cannot be read"' -- "and a line in the log"
is "$(post_text /admit/workloads '{"kind":"Deployment"}' -o /dev/null -w '%{http_code}')" 400 "what is no review is a 400"
line=$(grep -F '"route":"admit_workloads"' "$server_log" | grep -F '"code":"PinnedAcrossPCIe"' | head -n 1)
for part in '"kind":"Deployment"' '"name":"m"' '"verdict":"deny"' '"allowed":true' '"templates":1' '"template":"spec.template"'; do
    has "$line" "$part" "the log line has $part"
done
has "$(get /metrics)" 'tpguard_workload_decisions_total{verdict="deny",code="PinnedAcrossPCIe"} ' "workloads are counted apart from pods"
stop_server

start_server --cluster "$work/known.yaml" --workloads deny
got=$(apply "$(deployment llm "$pinned")")
has "$got" '"allowed":false,"status":{"code":403,"message":"TP=2 is pinned to GPUs 0,1' "--workloads deny: denied in the words of the pod gate"
lacks "$got" '"warnings"' "and without a line beside it"
has "$(apply "$lws")" '"message":"worker: TP=2 is pinned' "of several templates, whose it is"
has "$(apply "$(deployment warned "$pinned")")" '"allowed":true' "not in a namespace of mode warn"
has "$(apply "$(deployment llm "$(pod_of 2 2)")")" '"allowed":true' "nor what only waits or fits"
stop_server

start_server --cluster none
is "$(post_text /admit/workloads "$(deployment llm "$pinned")" -o /dev/null -w '%{http_code}')" 503 "before the cluster is known: 503"
is "$(apply "$(deployment llm "$(pod_of 2 0)")")" "$silent" "but for workloads without GPUs"
is "$(apply "$(deployment llm "$pinned" "$(old "$pinned")")")" "$silent" "and for updates that bring no news"
