# Sourced by lib.sh's users: tpguard itself in the cluster, and the pods that people run.
#   tpguard_install [HELM-OPTION...]   tpguard_ready   tpguard_pods   tpguard_logs
#   vllm_pod NAME TP [GPUS [PIN]]      one_gpu_pod NAME      plain_pod NAME      (YAML on standard output)
#   vllm_template TP [GPUS [PIN]]      the pod's spec of a Deployment and the like
# SCHEDULER_NAME: put into the pods when it is set.
# shellcheck shell=bash
RELEASE=tpguard
SYSTEM=tpguard-system
IMAGE_REPOSITORY=docker.io/library/tpguard

tpguard_images() {
    load_image "${IMAGE_TAR:-build/image/tpguard.tar}" && kube_scheduler_image
}

# The chart's own values but for the image's name. On simulated nodes the agent only seems to run (kwok), and the cases
# annotate those themselves; the RuntimeClass is what NVIDIA's operator brings.
tpguard_install() {
    runtime_class

    helm upgrade --install "$RELEASE" charts/tpguard --namespace "$SYSTEM" --create-namespace --wait --timeout 180s \
        --set "image.repository=$IMAGE_REPOSITORY" "$@"
}

runtime_class() {
    printf 'apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: nvidia}\nhandler: runc\n' | k apply -f - >/dev/null
}

tpguard_pods() { # COMPONENT
    k -n "$SYSTEM" get pods -l "app.kubernetes.io/component=$1" --no-headers -o custom-columns=:metadata.name
}

tpguard_logs() { k -n "$SYSTEM" logs -l app.kubernetes.io/name=tpguard --all-containers --prefix --tail="${1:-200}"; }

caBundle_is_set() {
    [ -n "$(field mutatingwebhookconfiguration/tpguard '{.webhooks[0].clientConfig.caBundle}')" ]
}

# ---- pods ----

vllm_template() { # TP [GPUS [PIN]]
    local tp=$1 gpus=${2-$1} pin=${3-}
    cat <<YAML
    ${SCHEDULER_NAME:+schedulerName: $SCHEDULER_NAME}
    tolerations: [{key: nvidia.com/gpu, operator: Exists}]
    containers:
    - name: vllm
      image: vllm/vllm-openai:v0.11.0
      args: [--model, qwen35-27b-fp8, --tensor-parallel-size, "$tp"]
YAML
    [ -z "$pin" ] || echo "      env: [{name: NVIDIA_VISIBLE_DEVICES, value: \"$pin\"}]"
    [ "$gpus" = 0 ] || echo "      resources: {limits: {nvidia.com/gpu: $gpus}}"
}

vllm_pod() { # NAME TP [GPUS [PIN]]
    printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n' "$1"
    vllm_template "${@:2}" | sed 's/^  //'
    echo '---'
}

plain_pod() { # NAME
    cat <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  tolerations: [{key: nvidia.com/gpu, operator: Exists}]
  nodeSelector: {nvidia.com/gpu.present: "true"}
  containers: [{name: web, image: nginx}]
---
YAML
}

workload() { # KIND NAME REPLICAS TEMPLATE-FUNCTION ARG...
    local kind=$1 name=$2 replicas=$3 api=apps/v1
    shift 3
    [ "$kind" != Job ] || api=batch/v1
    printf 'apiVersion: %s\nkind: %s\nmetadata: {name: %s}\nspec:\n' "$api" "$kind" "$name"
    if [ "$kind" = Job ]; then
        printf '  parallelism: %s\n  completions: %s\n' "$replicas" "$replicas"
    else
        printf '  replicas: %s\n  selector: {matchLabels: {app: %s}}\n' "$replicas" "$name"
    fi
    printf '  template:\n    metadata: {labels: {app: %s}}\n    spec:\n' "$name"
    [ "$kind" != Job ] || echo '      restartPolicy: Never'
    "$@" | sed 's/^/  /'
    echo '---'
}

# What describe shows, and single values of pods.
describe() { k describe "$1" -n "${2:-default}"; }
node_of() { field "pod/$1" '{.spec.nodeName}' -n "$2"; }
set_of() { field "pod/$1" '{.metadata.annotations.tpguard\.io/gpus}' -n "$2"; }
condition_of() { field "pod/$1" '{.status.conditions[?(@.type=="PodScheduled")].message}' -n "$2"; }
is_bound() { [ -n "$(node_of "$1" "$2")" ]; }
condition_has() { [[ $(condition_of "$1" "$2") == *"$3"* ]]; } # POD NAMESPACE PART
no_pods_on() { [ -z "$(k get pods -A --field-selector "spec.nodeName=$1,metadata.namespace!=$SYSTEM" --no-headers 2>/dev/null)" ]; }
one_gpu_pod() { vllm_pod "$1" 1; }

# ---- many pods ----

# One line a bound pod with a GPU set: NODE SET.
sets_of() { # NAMESPACE
    k get pods -n "$1" -o json | jq -r '.items[] | select(.spec.nodeName and (.status.phase | IN("Succeeded", "Failed") | not))
        | "\(.spec.nodeName) \(.metadata.annotations["tpguard.io/gpus"] // "none")"' | sort
}
sets_twice() { sets_of "$1" | grep -v ' none$' | uniq -d; }
bound_count() { k get pods -n "$1" -o json | jq '[.items[] | select(.spec.nodeName)] | length'; }
bound_is() { [ "$(bound_count "$1")" = "$2" ]; }
# Nodes that hold more GPUs than they have.
over_count() {
    local held
    held=$(k get pods -A -o json | jq -c '[.items[] | select(.spec.nodeName and (.status.phase | IN("Succeeded", "Failed") | not))
        | {n: .spec.nodeName, g: ([.spec.containers[].resources.limits["nvidia.com/gpu"] // "0" | tonumber] | add)}]
        | group_by(.n) | map({key: .[0].n, value: (map(.g) | add)}) | from_entries')
    k get nodes -o json | jq -r --argjson held "$held" '.items[]
        | (.status.allocatable["nvidia.com/gpu"] // "0" | tonumber) as $has
        | select(($held[.metadata.name] // 0) > $has) | .metadata.name'
}
tpguard_is_rolled_out() {
    k -n "$SYSTEM" rollout status deployment/tpguard --timeout=1s &&
        [ "$(k -n "$SYSTEM" get pods -l app.kubernetes.io/component=webhook --no-headers | wc -l)" = 2 ]
}
bundle_is_whole() { # every webhook has one
    [ "$(k get mutatingwebhookconfiguration tpguard -o json | jq '[.webhooks[].clientConfig.caBundle // ""] | any(. == "")')" = false ]
}
