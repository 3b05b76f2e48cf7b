# Without the second scheduler a set in use is not seen before the bind. So nodes show what is free and pods prefer it:
# the cluster's scheduler goes where a set is free at once, instead of being refused on the same node again and again.
# shellcheck shell=bash
free_of() { field "node/$1" '{.metadata.labels.tpguard\.io/nvlink-free} {.metadata.labels.tpguard\.io/stranded}'; }
free_is() { [ "$(free_of "$1")" = "$2" ]; }
refusals() { k get events -n "$1" -o json | jq '[.items[] | select(.reason == "FailedScheduling") | .series.count // .count // 1] | add // 0'; }
no_free_labels() { [ -z "$(k get nodes -l 'tpguard.io/nvlink-free' -o name)$(k get nodes -l 'tpguard.io/stranded' -o name)" ]; }

ok example_nodes -- "gpu-a with one healthy pair, gpu-b with two, gpu-c without NVLink"
ok no_free_labels -- "with the second scheduler no node says what is free: it would change with every bind"
tpguard_install --set scheduler.enabled=false >/dev/null 2>&1
is $? 0 "helm upgrade --set scheduler.enabled=false"
ok eventually 60 tpguard_is_rolled_out -- "... serves"
ok eventually 30 free_is gpu-a '2 2' -- "gpu-a shows its free pair, and two stranded GPUs"
ok eventually 10 free_is gpu-b '2 0' -- "gpu-b a free pair, and no stranded GPU"
ok eventually 10 free_is gpu-c '0 4' -- "gpu-c no pair: all its GPUs are at home to replicas"
is "$(free_of gpu-d)" ' ' "gpu-d, which nobody described, shows nothing"
new_namespace soft
is "$(vllm_pod dry 2 | k apply -n soft --dry-run=server -f - -o json 2>/dev/null | jq -c '.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution')" \
    '[{"preference":{"matchExpressions":[{"key":"tpguard.io/nvlink-free","operator":"Gt","values":["1"]}]},"weight":100}]' \
    "a TP=2 pod prefers a node with a free pair, as the API server has it"
for i in 1 2 3; do
    vllm_pod "pair$i" 2 | k apply -n soft -f - >/dev/null 2>&1
    ok eventually 15 is_bound "pair$i" soft -- "TP=2 pod $i of 3 is bound within seconds"
    sleep 4 # labels follow within that
done
is "$(sets_of soft)" $'gpu-a 2,3\ngpu-b 0,1\ngpu-b 2,3' "all three pairs are taken"
is "$(refusals soft)" 0 "... and no bind was refused"
ok eventually 15 free_is gpu-b '0 0' -- "gpu-b shows that no pair is free"
ok eventually 15 free_is gpu-a '0 2' -- "so does gpu-a; its 0 and 1 are still stranded"
k delete pod -n soft pair1 pair2 pair3 --grace-period=0 --force >/dev/null 2>&1
ok eventually 10 free_is gpu-b '2 0' -- "the pods are gone: a pair is free again"
one_gpu_pod replica | k apply -n soft -f - >/dev/null 2>&1
ok eventually 10 is_bound replica soft -- "a TP=1 replica is bound"
is "$(node_of replica soft) $(set_of replica soft)" "gpu-a 0" "... where a GPU is stranded, before gpu-c and before a pair is broken"
k delete ns soft --wait=false >/dev/null

tpguard_install >/dev/null 2>&1
is $? 0 "and back: helm upgrade with the chart's own values"
ok eventually 60 tpguard_is_rolled_out -- "... serves"
ok eventually 30 no_free_labels -- "the two labels are gone"
