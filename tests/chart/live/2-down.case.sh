# shellcheck shell=bash disable=SC2154,SC2016,SC2086,SC2034,SC2317
# tpguard is down: who waits for it, and who does not. A pod that is created was not asked about.

new_namespace llm
# try CONTAINER-JSON [LABELS-JSON] [ANNOTATIONS-JSON] [NAMESPACE] [INIT-JSON]: what the API server says to a pod
try() {
    jq -c --argjson l "${2:-{\}}" --argjson a "${3:-{\}}" --argjson i "${5:-[]}" '. as $c | {apiVersion: "v1", kind: "Pod", metadata: {name: "p", labels: $l, annotations: $a},
        spec: {schedulerName: "nobody", resourceClaims: ($c.resources.claims // [] | map({name, resourceClaimName: "x"})), initContainers: $i, containers: [{name: "c", image: "x"} + $c]}}' <<<"$1" |
        k -n "${4:-llm}" create --dry-run=server -f - 2>&1
}
free() { # SENTENCE ARG-OF-TRY...
    is "$(try "${@:2}")" "pod/p created (server dry run)" "not asked about: $1"
}
waits() { # SENTENCE ARG-OF-TRY...
    has "$(try "${@:2}")" 'failed calling webhook "pods.tpguard.io"' "waits: $1"
}
env_of() { jq -nc --arg n "$1" --arg v "$2" '{env: [{name: "A", value: "b"}, {name: $n, value: $v}]}'; }

free "no resources" '{}'
free "CPU and memory" '{"resources":{"limits":{"cpu":"1","memory":"1Gi"}}}'
free "another device" '{"resources":{"limits":{"example.com/gpu":"1"}}}'
free "a sidecar without GPUs" '{}' '{}' '{}' llm '[{"name":"i","image":"x","restartPolicy":"Always"}]'
waits "one GPU" '{"resources":{"limits":{"nvidia.com/gpu":"1"}}}'
waits "an init container's GPU" '{}' '{}' '{}' llm '[{"name":"i","image":"x","resources":{"limits":{"nvidia.com/gpu":"1"}}}]'
while read -r r; do
    case $r in *-) r=${r}x ;; */) r=${r}x ;; esac
    waits "$r" "$(jq -nc --arg r "$r" '{resources: {limits: {($r): "1"}}}')"
done < <(sed -n 's/^    {"\([a-z.]*\/[a-z0-9.-]*\)", \(true\|false\), .*BUCKET_.*/\1/p' webhook/codec/resources.c)
free "a claim (DRA): nobody can tell of what" '{"resources":{"claims":[{"name":"gpu"}]}}'
# The same pods as the program is asked about in gates.case.sh.
odd=0
while read -r row; do
    got=$(jq -c '{apiVersion: "v1", kind: "Pod", metadata: {name: "p"}, spec: ({schedulerName: "nobody"} + .spec)}' <<<"$row" | k -n llm create --dry-run=server -f - 2>&1)
    want='failed calling webhook "pods.tpguard.io"'
    [ "$(jq .gpu <<<"$row")" = true ] || want="pod/p created (server dry run)"
    odd=$((odd + 1))
    case $got in *"$want"*) ;; *) has "$got" "$want" "pods.json: $(jq -r .what <<<"$row")" ;; esac
done < <(jq -c '.[]' tests/chart/pods.json)
is "$odd" "$(jq length tests/chart/pods.json)" "the condition says of all pods of pods.json what the program says"
waits "NVIDIA_VISIBLE_DEVICES=0,1 and no request" "$(env_of NVIDIA_VISIBLE_DEVICES 0,1)"
waits "NVIDIA_VISIBLE_DEVICES=all" "$(env_of NVIDIA_VISIBLE_DEVICES all)"
waits "NVIDIA_VISIBLE_DEVICES of an init container" '{}' '{}' '{}' llm "$(env_of NVIDIA_VISIBLE_DEVICES 0 | jq -c '[. + {name: "i", image: "x"}]')"
free "NVIDIA_VISIBLE_DEVICES=none" "$(env_of NVIDIA_VISIBLE_DEVICES none)"
free "NVIDIA_VISIBLE_DEVICES=void" "$(env_of NVIDIA_VISIBLE_DEVICES void)"
free "NVIDIA_VISIBLE_DEVICES empty" "$(env_of NVIDIA_VISIBLE_DEVICES '')"
free "NVIDIA_VISIBLE_DEVICES from elsewhere" '{"env":[{"name":"NVIDIA_VISIBLE_DEVICES","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}'
waits "CUDA_VISIBLE_DEVICES=0" "$(env_of CUDA_VISIBLE_DEVICES 0)"
waits "CUDA_VISIBLE_DEVICES=' 1'" "$(env_of CUDA_VISIBLE_DEVICES ' 1')"
free "CUDA_VISIBLE_DEVICES empty" "$(env_of CUDA_VISIBLE_DEVICES '')"
gpu='{"resources":{"limits":{"nvidia.com/gpu":"1"}}}'
free "a GPU pod that says tpguard.io/ignore" "$gpu" '{"tpguard.io/ignore":"true"}'
waits "... and one that says no to it" "$gpu" '{"tpguard.io/ignore":"false"}'
free "a GPU pod in kube-system" "$gpu" '{}' '{}' kube-system
k create namespace off >/dev/null
k label namespace off tpguard.io/mode=off >/dev/null
eventually 10 k -n off get serviceaccount default
free "a GPU pod in a namespace with mode off" "$gpu" '{}' '{}' off
k label --overwrite namespace off tpguard.io/mode=warn >/dev/null
waits_in_warn() { try "$gpu" '{}' '{}' off | grep -q 'failed calling webhook'; }
ok eventually 10 waits_in_warn -- "waits: mode warn is looked at"
k delete namespace off --wait=false >/dev/null

# As much text as a pod may have: the condition must not run out of its budget.
many=$(jq -nc '{env: [range(20000) | {name: "E\(.)", value: "v"}]}')
free "20,000 variables" "$many"
waits "... and a GPU" "$(jq -c --argjson g "$gpu" '. + $g' <<<"$many")"

# Workloads: looked at by a webhook that may fail, so the number of failures says who is looked at.
asked() { # WEBHOOK
    k get --raw /metrics | awk -v n="name=\"$1\"" '/^apiserver_admission_webhook_fail_open_count/ && index($0, n) { s = $2 } END { print s + 0 }'
}
workload() { # KIND TEMPLATE-SPEC [OWNED]
    jq -nc --arg kind "$1" --argjson spec "$2" --arg owned "${3:-}" '
        {metadata: {labels: {a: "b"}}, spec: $spec} as $t
        | {metadata: ({name: "w"} + if $owned != "" then {ownerReferences: [{apiVersion: "example.com/v1", kind: "Owner", name: "o", uid: "u", controller: true}]} else {} end)}
        + if $kind == "CronJob" then {apiVersion: "batch/v1", kind: $kind, spec: {schedule: "0 0 * * *", jobTemplate: {spec: {template: $t}}}}
          elif $kind == "Job" then {apiVersion: "batch/v1", kind: $kind, spec: {template: $t}}
          elif $kind == "StatefulSet" then {apiVersion: "apps/v1", kind: $kind, spec: {serviceName: "s", selector: {matchLabels: {a: "b"}}, template: $t}}
          else {apiVersion: "apps/v1", kind: $kind, spec: {selector: {matchLabels: {a: "b"}}, template: $t}} end' |
        k -n llm create --dry-run=server -f - 2>&1
}
gpu_spec='{"restartPolicy":"Never","containers":[{"name":"c","image":"x","resources":{"limits":{"nvidia.com/gpu":"2"}}}]}'
cpu_spec='{"restartPolicy":"Never","containers":[{"name":"c","image":"x"}]}'
for kind in Deployment StatefulSet DaemonSet ReplicaSet Job CronJob; do
    hook=workloads.tpguard.io
    [ $kind != CronJob ] || hook=cronjobs.tpguard.io
    always() { case $kind in *Job) echo "$1" ;; *) jq -c '.restartPolicy = "Always"' <<<"$1" ;; esac; }
    before=$(asked $hook)
    has "$(workload $kind "$(always "$gpu_spec")")" "created" "$kind with GPUs is created all the same"
    is "$(asked $hook)" $((before + 1)) "... and was asked about"
    workload $kind "$(always "$cpu_spec")" >/dev/null
    is "$(asked $hook)" $((before + 1)) "$kind without GPUs: not asked about"
done
before=$(asked workloads.tpguard.io)
has "$(workload ReplicaSet "$(jq -c '.restartPolicy = "Always"' <<<"$gpu_spec")" owned)" "created" "a ReplicaSet that a controller made is created"
is "$(asked workloads.tpguard.io)" "$before" "... not asked about: its owner was"
is "$(k get --raw /metrics | grep '^apiserver_admission_match_condition_evaluation_errors_total.*tpguard')" "" "no condition ended in an error"
