# Sourced by run.sh and nodes.sh: what the cases say. Needs E2E_STATE (the state folder of a cluster that is up, see
# cluster.sh) and TPGUARD (the binary, for the wiring of simulated nodes).
#   ok COMMAND... -- SENTENCE     is GOT WANT SENTENCE     has TEXT PART SENTENCE     lacks TEXT PART SENTENCE
#   k ARG...                      kubectl            helm ARG...           helm        inside COMMAND...  in the cluster
#   skip SENTENCE REASON          quietly COMMAND...                       eventually SECONDS COMMAND... until it succeeds
#   field KIND/NAME JSONPATH [-n NAMESPACE]          events KIND/NAME [NAMESPACE]
#   gpu_node NAME SYNTHETIC|- [GPUS]                 rewire NAME SYNTHETIC|-
#   load_image FILE.tar           kube_scheduler_image                     new_namespace NAME
# shellcheck shell=bash
e2e=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/server/lib.sh
. "$e2e/../server/lib.sh"
: "${E2E_STATE:?the state folder of a cluster}" "${TPGUARD:?the tpguard binary}"

tap_skipped=0
skip() { # SENTENCE REASON
    tap_count=$((tap_count + 1)) tap_skipped=$((tap_skipped + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}
quietly() { "$@" >/dev/null 2>&1; }

k() { "$E2E_STATE/kubectl" "$@"; }
helm() { "$E2E_STATE/helm" "$@"; }
inside() { "$E2E_STATE/enter" "$@"; }
load_image() { "$E2E_STATE/load-image" "$1" >/dev/null; }
# Address of the cluster's node from this machine: NodePorts answer there.
node_ip() { sed -n 's/^NODE_IP=//p' "$E2E_STATE/env"; }
web() { curl -sS -m 10 --noproxy '*' "$@"; }

# eventually SECONDS COMMAND...: twice a second; what it prints is dropped.
eventually() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.5
    done
}

# field KIND/NAME JSONPATH [KUBECTL-OPTION...]: the value, empty where there is none.
field() { k get "$1" -o "jsonpath=$2" "${@:3}" 2>/dev/null; }
# field_is VALUE KIND/NAME JSONPATH...: for eventually.
field_is() { [ "$(field "${@:2}")" = "$1" ]; }
# becomes SECONDS VALUE KIND/NAME JSONPATH [KUBECTL-OPTION...] -- SENTENCE
becomes() {
    local args=() most=$1 value=$2
    shift 2
    while [ "$1" != -- ]; do
        args+=("$1")
        shift
    done
    eventually "$most" field_is "$value" "${args[@]}"
    is "$(field "${args[@]}")" "$value" "${*:2}"
}
# events KIND/NAME [NAMESPACE]: one line each, "TYPE REASON MESSAGE", oldest first. The kind in any case, as in kubectl;
# the API's own selector would want "Pod".
events() {
    k -n "${2:-default}" get events --sort-by=.metadata.creationTimestamp \
        --field-selector "involvedObject.name=${1#*/}" -o json 2>/dev/null |
        jq -r --arg kind "${1%%/*}" '.items[] | select((.involvedObject.kind | ascii_downcase) == ($kind | ascii_downcase))
            | "\(.type) \(.reason) \(.message)"'
}
has_event() { # KIND/NAME PART [NAMESPACE]
    [[ $(events "$1" "${3:-default}") == *"$2"* ]]
}

new_namespace() {
    k create namespace "$1" >/dev/null && eventually 20 k -n "$1" get serviceaccount default
}

# ---- nodes ----

# The annotation of a synthetic machine, with GPU names of its own for each node.
wiring() { # NODE SYNTHETIC
    local own
    own=$(sha256sum <<<"$1" | cut -c1-8)
    "$TPGUARD" topology --synthetic "$2" --annotation | sed "s/GPU-00000000-/GPU-$own-/g"
}

# gpu_node NAME SYNTHETIC|- [GPUS]: a simulated node ("4xH100-NVL down=0-1"; - has no annotation, and then GPUS A100,
# 4 if not said), labelled and tainted as a GPU operator does it. Comes back when it is Ready. One that is there already
# is only wired anew.
gpu_node() {
    local name=$1 topo=null
    if quietly k get node "$name"; then
        rewire "$name" "$2"
        return
    fi
    [ "$2" = - ] || topo=$(wiring "$1" "$2") || return 1
    jq -nc --arg name "$name" --argjson topo "$topo" --argjson gpus "${3:-4}" '
        ($topo.gpus // [] | length | if . > 0 then . else $gpus end | tostring) as $n
        | ($topo.gpus[0].product // "NVIDIA A100 80GB PCIe" | gsub(" "; "-")) as $product
        | ($topo.gpus[0].memoryMiB // 81920 | tostring) as $memory
        | {cpu: "64", memory: "805306368Ki", pods: "110", "nvidia.com/gpu": $n} as $has
        | {apiVersion: "v1", kind: "Node",
           metadata: {name: $name,
             annotations: ({"kwok.x-k8s.io/node": "fake"}
               + if $topo then {"tpguard.io/topology": ($topo | tojson)} else {} end),
             labels: {"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": $name, "kubernetes.io/os": "linux",
               "nvidia.com/gpu.present": "true", "nvidia.com/gpu.count": $n, "nvidia.com/gpu.memory": $memory,
               "nvidia.com/gpu.product": $product}},
           spec: {taints: [{key: "nvidia.com/gpu", value: "present", effect: "NoSchedule"}]},
           status: {capacity: $has, allocatable: $has,
             nodeInfo: {architecture: "amd64", operatingSystem: "linux", osImage: "simulated", kernelVersion: "simulated",
               containerRuntimeVersion: "kwok://0.8.0", kubeletVersion: "v1.36.4", kubeProxyVersion: "",
               machineID: "", systemUUID: "", bootID: ""}}}' | k create -f - >/dev/null || return 1
    eventually 20 node_is_ready "$name"
}
node_is_ready() { field_is True "node/$1" '{.status.conditions[?(@.type=="Ready")].status}'; }

# rewire NAME SYNTHETIC|-: what an agent would write after the wires have changed.
rewire() {
    if [ "$2" = - ]; then
        k annotate node "$1" tpguard.io/topology- >/dev/null
        return
    fi
    k annotate --overwrite node "$1" tpguard.io/topology="$(wiring "$1" "$2")" >/dev/null
}

# The nodes of the worked example.
example_nodes() {
    gpu_node gpu-a '4xH100-NVL down=0-1' && gpu_node gpu-b '4xH100-NVL' && gpu_node gpu-c '4xL40S' && gpu_node gpu-d - 4
}

# ---- images ----

# The stock scheduler, under the name of the release's image.
kube_scheduler_image() {
    local bin version tar=$E2E_STATE/kube-scheduler.tar
    bin=$(sed -n "s/^BIN='\(.*\)'$/\1/p" "$E2E_STATE/env")
    version=$("$bin/kube-scheduler" --version | cut -d ' ' -f 2)
    # As in the release: no command, so a pod that uses it has to name one.
    "$e2e/oci.sh" "$tar" "registry.k8s.io/kube-scheduler:$version" \
        '{"Env":["PATH=/usr/local/bin:/usr/bin:/bin"]}' "$bin/kube-scheduler=/usr/local/bin/kube-scheduler" &&
        load_image "$tar" && rm -f "$tar"
}

# ---- when it went wrong ----

# dump [NAMESPACE]: pods, the last events and the logs of pods that are not well, as TAP comments.
dump() {
    {
        echo "pods:"
        k get pods -A -o wide --no-headers 2>&1 | head -n 60
        echo "events:"
        k get events -A --sort-by=.metadata.creationTimestamp --no-headers 2>&1 | tail -n 30
        k get pods -A --field-selector spec.nodeName=real1 --no-headers \
            -o custom-columns=NS:.metadata.namespace,NAME:.metadata.name 2>/dev/null | while read -r ns pod; do
            echo "log of $ns/$pod:"
            k -n "$ns" logs "$pod" --all-containers --prefix --tail=20 2>&1 | cut -c1-400
        done
    } | sed 's/^/#   /'
}
