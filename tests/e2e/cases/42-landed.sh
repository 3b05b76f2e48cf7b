# A TP group that runs is across PCIe by now: its pod is told, and with policy.acrossPCIe=evict moved. Nodes without an agent:
# what it would report is written here.
# shellcheck shell=bash disable=SC2154
# shellcheck source=tests/e2e/tpguard.sh
. "$e2e/tpguard.sh"
ns=landed
report() { # NODE POD GPUS
    k annotate --overwrite node "$1" "tpguard.io/allocations=$(jq -nc --arg ns $ns --arg pod "$2" --argjson gpus "[$3]" '
        {version: 1, observedAt: (now | todate), pods: (if $pod == "" then [] else [{namespace: $ns, name: $pod, container: "vllm", gpus: $gpus}] end)}')" >/dev/null
}
first_of() { k get pods -n $ns -l app=chat --sort-by=.metadata.creationTimestamp -o json | jq -r '[.items[] | select(.metadata.deletionTimestamp | not)][0].metadata.name // ""'; }
another_runs() { # THAN
    local now
    now=$(first_of)
    [ -n "$now" ] && [ "$now" != "$1" ] && is_bound "$now" $ns
}

new_namespace $ns
k cordon gpu-a >/dev/null && k cordon gpu-d >/dev/null
workload Deployment chat 1 vllm_template 2 | k apply -n $ns -f - >/dev/null 2>&1
bound_one() { [ -n "$(first_of)" ] && is_bound "$(first_of)" $ns; }
ok eventually 20 bound_one -- "a TP=2 Deployment runs"
chat=$(first_of)
was=$(set_of "$chat" $ns)
is "$(node_of "$chat" $ns)" gpu-b "on gpu-b"
report gpu-b "$chat" "$was"
sleep 3
lacks "$(events "Pod/$chat" $ns)" TPAcrossPCIe "on a healthy pair there is nothing to tell"
rewire gpu-b "4xH100-NVL down=${was/,/-}"
ok eventually 15 has_event "Pod/$chat" "Warning TPAcrossPCIe TP=2 runs on gpu-b GPUs $was: ${was/,/-} down (0 of 12 lanes). Its 128 all-reduces" $ns -- \
    "its link dies: the pod is told, with the cost"
has "$(describe "pod/$chat" $ns)" "Free and healthy now: gpu-b GPUs" "... and where there is a better place"
gauge() { inside curl -sk -m 5 "https://$(field "pod/$1" '{.status.podIP}' -n "$SYSTEM"):9443/metrics" | sed -n 's/^tpguard_pods_off_nvlink //p'; }
one_counts() { for p in $(tpguard_pods webhook); do gauge "$p"; done | grep -cx 1; } # not -q: it would end the pipe early
ok eventually 10 one_counts -- "... and counted in the leader's metrics"
ask() { NO_PROXY='*' "$TPGUARD" explain --kubeconfig "$E2E_STATE/admin.kubeconfig" "$@" 2>&1; }
said=$(ask --running)
is $? 1 "tpguard explain --running finds it, in the live cluster"
has "$said" "$ns/$chat  TP=2 on gpu-b GPUs $was: ${was/,/-} down (0 of 12 lanes) (TPAcrossPCIe)" "... and says what is wrong"
said=$(vllm_pod one-more 2 | ask -f - -o json | jq -r '.nodes[] | select(.fits).name' | tr '\n' ' ')
is "$said" "gpu-b " "tpguard explain -f - finds the place that is left"
sleep 5
is "$(first_of)" "$chat" "it is left where it is"

tpguard_install --set policy.acrossPCIe=evict,policy.acrossPCIeSeconds=3 >/dev/null 2>&1
is $? 0 "policy.acrossPCIe=evict"
ok eventually 60 another_runs "$chat" -- "it is evicted, and its successor runs"
ok eventually 15 has_event "Pod/$chat" "MovedOffPCIe Evicted, because its TP group runs across PCIe. Free and healthy now: gpu-b GPUs" $ns -- "... and its event says why"
next=$(first_of)
is "$(node_of "$next" $ns)" gpu-b "the successor is on gpu-b"
lacks "$(set_of "$next" $ns)" "$was" "... on the other pair"
tpguard_install >/dev/null 2>&1
ok eventually 60 tpguard_is_rolled_out -- "the chart's own values again"
k delete ns $ns --wait=false >/dev/null
k annotate node gpu-b tpguard.io/allocations- >/dev/null
rewire gpu-b 4xH100-NVL
k uncordon gpu-a >/dev/null && k uncordon gpu-d >/dev/null
eventually 30 no_pods_on gpu-b
