# What the person who applies reads, for pods and for workloads, in every mode.
# shellcheck shell=bash
apply() { k apply -n "$1" -f - 2>&1; }
denied='admission webhook "pods.tpguard.io" denied the request: TP=2 is pinned to GPUs 0,1'

# What is unknown may be anything, and gpu-b has a healthy pair 0,1: without these two the pin of the worked example can
# never be right.
k delete node gpu-d >/dev/null
rewire gpu-b '4xH100-NVL down=0-1'
becomes 20 degraded node/gpu-b '{.metadata.labels.tpguard\.io/nvlink}' -- "gpu-b's bridge 0-1 goes down too"

said=$(vllm_pod pinned 2 2 0,1 | apply llm)
has "$said" "$denied" "a pod pinned across the dead bridge is denied, with the pair"
has "$said" "Error from server (Forbidden)" "... as a refusal, not as a fault"
has "$said" "128 all-reduces per token would cross PCIe" "... and what it costs"
has "$said" "(PinnedAcrossPCIe)" "... and a code to search for"
lacks "$(k get pods -n llm --no-headers 2>&1)" pinned "... and is not there"

for kind in Deployment StatefulSet; do
    said=$(workload $kind "p-${kind,,}" 1 vllm_template 2 2 0,1 | apply llm)
    has "$said" "Warning: tpguard: " "kubectl apply of a $kind warns at once"
    has "$said" "PinnedAcrossPCIe" "... with the same code"
    has "$said" "created" "... and it is created"
done
said=$(workload Job p-job 1 vllm_template 2 2 0,1 | apply llm)
has "$said" "PinnedAcrossPCIe" "a Job as well"
eventually 20 has_event ReplicaSet/"$(k get rs -n llm -l app=p-deployment --no-headers -o custom-columns=:metadata.name)" PinnedAcrossPCIe llm
rs=$(k get rs -n llm -l app=p-deployment --no-headers -o custom-columns=:metadata.name)
shown=$(describe "rs/$rs" llm)
has "$shown" "FailedCreate" "describe of the ReplicaSet: FailedCreate"
has "$shown" "$denied" "... with the denial's own words"
is_failing() { [ -n "$(field deployment/p-deployment '{.status.conditions[?(@.type=="ReplicaFailure")].message}' -n llm)" ]; }
eventually 15 is_failing
shown=$(describe deployment/p-deployment llm)
has "$shown" "ReplicaFailure" "describe of the Deployment: ReplicaFailure"
has "$(field deployment/p-deployment '{.status.conditions[?(@.type=="ReplicaFailure")].message}' -n llm)" "$denied" "... with the same words"
k delete -n llm deployment/p-deployment statefulset/p-statefulset job/p-job --wait=false >/dev/null

said=$(vllm_pod two two 2 | apply llm)
has "$said" 'wants a whole number above 0, found "two"' "a size that is a word is named"
said=$(vllm_pod fits 2 | k apply -n llm --dry-run=server -f - 2>&1)
has "$said" "created (server dry run)" "a dry run answers"
lacks "$(k get lease -n "$SYSTEM" -o yaml)" '"name":"fits"' "... and reserves nothing"
is "$(vllm_pod dry 2 | k apply -n llm --dry-run=server -f - -o jsonpath='{.spec.schedulerName}')" tpguard-scheduler "a TP pod is steered to tpguard's scheduler"
is "$(plain_pod web | k apply -n llm -f - -o jsonpath='{.spec.schedulerName}{.metadata.annotations.tpguard\.io/decision}')" default-scheduler "a pod without GPUs is left as it is"

# The four modes and the label that says: not ours.
for mode in warn audit off; do
    new_namespace "m-$mode"
    k label ns "m-$mode" tpguard.io/mode=$mode >/dev/null
done
lets_pass() { [[ $(vllm_pod pinned 2 2 0,1 | k apply -n "$1" --dry-run=server -f - 2>&1) != *denied* ]]; }
for mode in warn audit off; do eventually 10 lets_pass "m-$mode"; done
said=$(vllm_pod pinned 2 2 0,1 | apply m-warn)
has "$said" "Warning: tpguard: TP=2 is pinned to GPUs 0,1" "mode warn: a warning"
has "$said" "pod/pinned created" "... and the pod"
is "$(vllm_pod pinned 2 2 0,1 | apply m-audit)" "pod/pinned created" "mode audit: not a word"
is "$(vllm_pod pinned 2 2 0,1 | apply m-off)" "pod/pinned created" "mode off: nothing"
is "$(field pod/pinned '{.metadata.labels.tpguard\.io/gated}' -n m-warn)" "" "outside enforce no pod is gated"
is "$(vllm_pod ignored 2 2 0,1 | sed 's/metadata: {/metadata: {labels: {tpguard.io\/ignore: "true"}, /' | apply llm)" "pod/ignored created" \
    "a pod that says tpguard.io/ignore is left alone"

rewire gpu-b '4xH100-NVL'
gpu_node gpu-d - 4
becomes 20 healthy node/gpu-b '{.metadata.labels.tpguard\.io/nvlink}' -- "gpu-b is repaired"
k delete pods -n llm --all --wait=false >/dev/null
k delete ns m-warn m-audit m-off --wait=false >/dev/null
# What is said of the nodes from here on is about nobody else's pods.
for n in gpu-a gpu-b gpu-c; do eventually 60 no_pods_on $n; done
