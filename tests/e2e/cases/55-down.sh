# tpguard is gone: no pod without GPUs notices; GPU pods are not judged by nobody, they wait.
# shellcheck shell=bash
new_namespace down
k cordon gpu-b >/dev/null
vllm_pod holds 2 | k apply -n down -f - >/dev/null 2>&1
eventually 20 is_bound holds down
# By the cluster's own scheduler, which knows nothing of tpguard.
SCHEDULER_NAME=default-scheduler vllm_pod foreign 2 |
    sed 's|metadata: {name: foreign}|metadata: {name: foreign, annotations: {tpguard.io/rewrite: none}}|' | k apply -n down -f - >/dev/null 2>&1
k scale -n "$SYSTEM" deployment/tpguard deployment/tpguard-scheduler --replicas=0 >/dev/null
no_tpguard() { [ -z "$(k -n "$SYSTEM" get pods -l 'app.kubernetes.io/component in (webhook, scheduler)' --no-headers 2>/dev/null)" ]; }
ok eventually 60 no_tpguard -- "no tpguard runs"

said=$(plain_pod web | k apply -n down -f - 2>&1)
is "$said" "pod/web created" "a pod without GPUs is created"
ok eventually 20 is_bound web down -- "... and bound"
said=$(k create deployment site --image=nginx -n down 2>&1)
is "$said" "deployment.apps/site created" "so is a Deployment"
said=$(vllm_pod unjudged 2 | k apply -n down -f - 2>&1)
has "$said" 'failed calling webhook "pods.tpguard.io"' "a GPU pod is refused, naming the webhook"
said=$(vllm_pod pin 1 0 0,1 | k apply -n down -f - 2>&1)
has "$said" 'failed calling webhook "pods.tpguard.io"' "one that only names GPUs as well"
# gpu-b alone has room for it: its scheduler asks nobody, and would try the others as well.
k uncordon gpu-b >/dev/null
k cordon gpu-a >/dev/null && k cordon gpu-c >/dev/null && k cordon gpu-d >/dev/null
ok eventually 30 condition_has foreign down "no GPUs are reserved for this pod" -- "a judged GPU pod is not bound past the gate, whatever scheduler it has"
is "$(node_of foreign down)" "" "... it waits"

# An autoscaler has come meanwhile: what no node could take today may fit one that it brings.
k create configmap cluster-autoscaler-status -n kube-system --from-literal=status=Running >/dev/null
k scale -n "$SYSTEM" deployment/tpguard --replicas=2 >/dev/null
k scale -n "$SYSTEM" deployment/tpguard-scheduler --replicas=1 >/dev/null
ok eventually 60 is_bound foreign down -- "tpguard is back: it is bound"
has "$(set_of foreign down)" "," "... with its set"
k uncordon gpu-a >/dev/null && k uncordon gpu-c >/dev/null
k delete node gpu-d >/dev/null
said=$(vllm_pod eight 8 | k apply -n down -f - 2>&1)
has "$said" "pod/eight created" "where an autoscaler is seen, TP=8 is not denied: it waits"
is "$(field pod/eight '{.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values[0]}' -n down)" 7 \
    "... with the affinity that autoscalers read"
k delete configmap cluster-autoscaler-status -n kube-system >/dev/null
gpu_node gpu-d - 4
k delete ns down --wait=false >/dev/null
k delete pods -n down --all --wait=false --grace-period=0 --force >/dev/null 2>&1
eventually 60 no_pods_on gpu-b
