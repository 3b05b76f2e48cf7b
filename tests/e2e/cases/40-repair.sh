# A set is reserved with the bind; who finds none waits with the reason, and starts when the wire is repaired.
# The same with tpguard's scheduler and, by 70-webhook-only.sh, under the cluster's own.
# shellcheck shell=bash
repair_cases() { # NAMESPACE SCHEDULER
    local ns=$1 scheduler=$2 said shown
    new_namespace "$ns"
    # gpu-a alone: what happens is told of one node.
    k cordon gpu-b >/dev/null && k cordon gpu-d >/dev/null
    vllm_pod first 2 | k apply -n "$ns" -f - >/dev/null
    ok eventually 20 is_bound first "$ns" -- "$scheduler: a TP=2 pod is placed"
    is "$(node_of first "$ns") $(set_of first "$ns")" "gpu-a 2,3" "... on the healthy pair of gpu-a, written with the bind"
    has "$(field pod/first '{.metadata.annotations.tpguard\.io/gpu-uuids}' -n "$ns")" "GPU-" "... by UUID as well"
    ok eventually 10 has_event Pod/first "NVLinkSetReserved TP=2 on gpu-a GPUs 2,3: NVLink healthy, 12 of 12 lanes." "$ns" -- "describe says which set, and that it is healthy"
    vllm_pod second 2 | k apply -n "$ns" -f - >/dev/null
    ok eventually 30 has_event Pod/second "NVLinkSetBusy TP=2 waits for a healthy NVLink pair. Nearest: gpu-a: 2,3 in use by $ns/first, 0-1 down (0 of 12 lanes)." "$ns" -- \
        "the second waits: its event names the pair, its holder and the dead bridge"
    ok eventually 10 has_event Pod/second "128 all-reduces" "$ns" -- "... and what PCIe would cost"
    said=$(condition_of second "$ns")
    if [ "$scheduler" = tpguard-scheduler ]; then
        has "$said" "1 node(s) had all NVLink sets of 2 GPUs in use" "PodScheduled has the extender's phrase"
        has "$said" "1 node(s) had no NVLink" "... for each cause"
        shown=$(describe pod/second "$ns")
        has "$shown" "FailedScheduling" "describe pod: FailedScheduling"
        has "$shown" "had all NVLink sets of 2 GPUs in use" "... with that phrase"
    else
        ok eventually 20 condition_has second "$ns" "(NVLinkSetBusy)" -- "PodScheduled has the gate's refusal"
    fi
    is "$(node_of second "$ns")" "" "... and is on no node"

    rewire gpu-a '4xH100-NVL'
    ok eventually 15 is_bound second "$ns" -- "bridge 0-1 comes back: the pod is placed within seconds"
    is "$(node_of second "$ns") $(set_of second "$ns")" "gpu-a 0,1" "... on the repaired pair"
    becomes 15 healthy node/gpu-a '{.metadata.labels.tpguard\.io/nvlink}' -- "the node's label follows"
    becomes 15 False node/gpu-a '{.status.conditions[?(@.type=="NVLinkDegraded")].status}' -- "... its condition"
    ok eventually 15 has_event Node/gpu-a "Normal NVLinkUp GPUs 0-1: 0 lanes -> 12." -- "... and an event"

    k delete pod -n "$ns" second >/dev/null
    rewire gpu-a '4xH100-NVL down=0-1'
    becomes 15 degraded node/gpu-a '{.metadata.labels.tpguard\.io/nvlink}' -- "the bridge goes again: label"
    becomes 15 True node/gpu-a '{.status.conditions[?(@.type=="NVLinkDegraded")].status}' -- "... condition"
    ok eventually 15 has_event Node/gpu-a "Warning NVLinkDown GPUs 0-1: 12 lanes -> 0." -- "... event"
    vllm_pod third 2 | k apply -n "$ns" -f - >/dev/null
    ok eventually 20 has_event Pod/third NVLinkSetBusy "$ns" -- "the next pod is filtered"
    is "$(node_of third "$ns")" "" "... and on no node"

    one_gpu_pod replica | k apply -n "$ns" -f - >/dev/null
    ok eventually 20 is_bound replica "$ns" -- "a TP=1 replica starts meanwhile"
    is "$(node_of replica "$ns") $(set_of replica "$ns")" "gpu-a 0" "... planned for a GPU that no TP group can use"
    k delete ns "$ns" --wait=false >/dev/null
    k uncordon gpu-b >/dev/null && k uncordon gpu-d >/dev/null
    eventually 30 no_pods_on gpu-a
}
repair_cases repair tpguard-scheduler
