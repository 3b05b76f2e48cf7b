# Without the second scheduler: the cluster's own, steered by node affinity, and the binding gate as the last word. The
# same cases as with it.
# shellcheck shell=bash
tpguard_install --set scheduler.enabled=false >/dev/null 2>&1
is $? 0 "helm upgrade --set scheduler.enabled=false"
ok eventually 60 tpguard_is_rolled_out -- "the new replicas serve"
is "$(tpguard_pods scheduler)" "" "the second scheduler is gone"
new_namespace affinity
is "$(vllm_pod dry 2 | k apply -n affinity --dry-run=server -f - -o jsonpath='{.spec.schedulerName} {.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]}')" \
    'default-scheduler {"key":"tpguard.io/nvlink-set","operator":"Gt","values":["1"]}' "a TP=2 pod keeps its scheduler and asks for nodes with a set of 2"
vllm_pod four 4 | k apply -n affinity -f - >/dev/null 2>&1
ok eventually 20 condition_has four affinity "didn't match Pod's node affinity" -- "TP=4: no node has such a set, and the cluster's scheduler says so in its own words"
k delete ns affinity --wait=false >/dev/null
repair_cases repair-webhook default-scheduler

tpguard_install >/dev/null 2>&1
is $? 0 "and back: helm upgrade with the chart's own values"
ok eventually 60 tpguard_is_rolled_out -- "... serves"
