# The agent on a real node, under its real kubelet: the worked example, lived through. The driver is the stand-in library
# (tests/nvml), the device plugin the stand-in of tests/plugin; both play the same scenario file.
# shellcheck shell=bash disable=SC2154,SC1091,SC2086
# shellcheck source=tests/e2e/tpguard.sh
. "$e2e/tpguard.sh"
# shellcheck source=tests/e2e/plugin.sh
. "$e2e/plugin.sh"
ns=agent
library=${TPGUARD_E2E_NVML:-$(dirname "$TPGUARD")/tests/nvml/libnvidia-ml.so.1}
ok [ -f "$library" ] -- "the driver's stand-in is built"
mkdir -p "$E2E_STATE/gpus" && cp "$library" "$E2E_STATE/gpus/libnvidia-ml.so.1"
cat >"$work/agent.yaml" <<YAML
agent:
  enabled: true
  nodeSelector: {nvidia.com/gpu.present: null, kubernetes.io/hostname: real1}
  driver: {runtimeClassName: "", library: /gpus/libnvidia-ml.so.1}
  pollSeconds: 2
  quietSeconds: 15
  extraEnv: [{name: TPGUARD_NVML_SCENARIO, value: /gpus/scenario.txt}]
  extraVolumeMounts: [{name: gpus, mountPath: /gpus, readOnly: true}]
  extraVolumes: [{name: gpus, hostPath: {path: $E2E_STATE/gpus}}]
YAML
agent_install() { tpguard_install -f "$work/agent.yaml" --set agent.enabled=true "$@" >/dev/null 2>&1; }

note() { field node/real1 "{.metadata.annotations.tpguard\\.io/$1}"; }
wire() { note topology | jq -r ".wires[$1][$2]"; } # A B
wire_is() { [ "$(wire "$1" "$2")" = "$3" ]; }
label() { field node/real1 "{.metadata.labels.tpguard\\.io/$1}"; }
label_is() { [ "$(label "$1")" = "$2" ]; }
condition() { field node/real1 '{.status.conditions[?(@.type=="NVLinkDegraded")].status} {.status.conditions[?(@.type=="NVLinkDegraded")].message}'; }
condition_begins() { [[ $(condition) == "$1"* ]]; }
# Indices of the GPUs that the annotation gives to a pod.
told_of() { # POD [NAMESPACE]
    plugin_indices "$(note allocations | jq -r --arg p "$1" --arg n "${2:-$ns}" '[.pods[] | select(.namespace == $n and .name == $p).gpus[]] | join(",")')"
}
told() { [ -n "$(told_of "$@")" ]; }
told_none() { [ "$(note allocations | jq -c .pods)" = "[]" ]; }
ready() { [ "$(field "pod/$1" '{.status.conditions[?(@.type=="Ready")].status}' -n "${2:-$ns}")" = True ]; }
gone() { [ -z "$(k -n "$1" get pods -o name)" ]; }
clear_pods() { k -n "$1" delete pods --all --wait=false >/dev/null && eventually 30 gone "$1"; }
tp() { gpu_container "$1" "$2" | sed "s|{name: $1}|{name: $1, annotations: {tpguard.io/tensor-parallel-size: \"$2\"}}|"; } # NAME TP

# Only real1 is spoken of: tpguard's own Event on a waiting pod is silent while another node would have room for it.
simulated() { k get nodes -l nvidia.com/gpu.present=true --no-headers -o custom-columns=:metadata.name | grep -v real1; }
for n in $(simulated); do k cordon "$n" >/dev/null; done

# ---- without tpguard ----
new_namespace plain
k label ns plain tpguard.io/mode=off >/dev/null
ok plugin_start 'down 0 1' -- "real1 has 4 x H100 NVL, the bridge 0-1 is down"
gpu_container first 2 | k -n plain create -f - >/dev/null
ok eventually 30 ready first plain -- "without tpguard: a TP=2 pod runs"
gpu_container second 2 | k -n plain create -f - >/dev/null
ok eventually 30 ready second plain -- "and a second one"
is "$(env_of first plain) $(env_of second plain)" "2,3 0,1" "the second across PCIe"
is "$(events Pod/second plain | grep -v '^Normal '; note topology)" "" "and nobody is told"
ok clear_pods plain -- "both go"
k delete ns plain --wait=false >/dev/null

# ---- the agent ----
plugin_scenario 'remember'
ok agent_install -- "helm upgrade with the agent"
ok eventually 20 wire_is 0 1 NV12 -- "it publishes the wiring of real1"
is "$(note topology | jq -r '"\(.source) \(.driver) \(.gpus | length) \(.expected[0][1])"')" "nvml 550.163.01 4 12" "as the driver tells it"
ok eventually 10 told_none -- "nobody holds a GPU, and that is said"
ok eventually 10 label_is nvlink healthy -- "the leader labels the node"
is "$(label nvlink-set)" 2 "with its largest set"
pod=$(tpguard_pods agent)
is "$(field "pod/$pod" '{.spec.containers[0].securityContext}' -n $SYSTEM | jq -cS .)" \
    '{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true}' "it is not privileged and has no capability"
renewed() { field lease/agent.real1 '{.spec.renewTime}' -n $SYSTEM; }
has "$(renewed)" "T" "its heartbeat is a Lease"
written() { k get node real1 --show-managed-fields -o json | jq -r '.metadata.managedFields[] | select(.manager == "tpguard-agent").time'; }
wrote_at=$(written)

# ---- the bridge goes down ----
plugin_scenario 'remember; down 0 1'
ok eventually 10 wire_is 0 1 NODE -- "the bridge 0-1 goes down: published within seconds"
ok eventually 5 condition_begins "True GPUs 0-1: 0 of 12 lanes up" -- "the condition says so"
ok eventually 30 has_event Node/real1 "NVLinkDown GPUs 0-1: 12 lanes -> 0" -- "and an event of the node"
lacks "$(written)" "$wrote_at" "by one write of the agent"
new_namespace $ns
tp one 2 | k -n $ns apply -f - >/dev/null
ok eventually 30 ready one -- "with tpguard: a TP=2 pod runs"
is "$(env_of one $ns)" 2,3 "on the pair that is linked"
ok eventually 10 told one -- "within seconds the node tells who holds it"
is "$(told_of one)" 2,3 "and which GPUs"
tp two 2 | k -n $ns apply -f - >/dev/null
ok eventually 20 condition_has two $ns "node(s) had all NVLink sets of 2 GPUs in use" -- "the second one waits, with the reason"
sleep 3
is "$(node_of two $ns)" "" "it is not given 0,1"
ok eventually 15 has_event Pod/two "0-1 down" $ns -- "its own event names the bridge"

# ---- and comes back ----
plugin_scenario 'remember'
sleep 6
is "$(node_of two $ns)$(wire 0 1)" NODE "the bridge is back: not trusted yet"
ok eventually 40 ready two -- "after the quiet time the pod starts, by itself"
is "$(env_of two $ns)" 0,1 "on 0,1"
ok eventually 30 has_event Node/real1 "NVLinkUp GPUs 0-1: 0 lanes -> 12" -- "the node has an event of it"
ok eventually 10 told two -- "and tells who holds what"

# ---- and dies under the pod that runs ----
plugin_scenario 'remember; down 0 1'
ok eventually 15 has_event Pod/two "TPAcrossPCIe TP=2 runs on real1 GPUs 0,1: 0-1 down (0 of 12 lanes)." $ns -- "the bridge dies under the pod: its event says so"
has "$(k -n $ns describe pod two)" "Look: nvidia-smi nvlink --status -i 0" "kubectl describe shows where to look"
lacks "$(events Pod/one $ns)" TPAcrossPCIe "the pod on the other pair is not troubled"
plugin_scenario 'remember'
ok eventually 40 has_event Pod/two "NVLinkUp TP=2 on real1 GPUs 0,1" $ns -- "and that it is healthy again, after the quiet time"
ok clear_pods $ns -- "both go"
ok eventually 10 told_none -- "and are gone from the annotation"

# ---- the stock plugin picks for TP=1 ----
plugin_scenario 'remember; down 0 1'
ok eventually 10 wire_is 0 1 NODE -- "the bridge is down again"
for i in 1 2 3 4; do
    tp "single-$i" 1 | k -n $ns apply -f - >/dev/null
    ok eventually 30 ready "single-$i" -- "TP=1 pod $i runs"
    ok eventually 6 told "single-$i" -- "... is told within seconds"
    is "$(told_of "single-$i")" "$(env_of "single-$i" $ns)" "... with the GPU that the plugin gave it: $(env_of "single-$i" $ns)"
done
ok clear_pods $ns -- "they go"

# ---- what the kubelet's books do not say ----
plugin_scenario 'remember; process 2 4242 1000'
stray() { note allocations | jq -r '[.unassigned[]?.gpus[]] | join(",")'; }
stray_is() { [ "$(plugin_indices "$(stray)")" = "$1" ]; }
ok eventually 10 stray_is 2 -- "a program runs on GPU 2, which nobody was given: told as well"
plugin_scenario 'remember; blind 3 2'
ok eventually 10 has_event Node/real1 "NVLink one way only ends the stock device plugin" -- "2-3 is linked one way only: an event says that the stock plugin would fail here"
ok eventually 10 stray_is '' -- "the program is gone"
plugin_scenario 'remember; down 0 1'
ok eventually 10 wire_is 0 1 NODE -- "the bridge 0-1 is down once more"

# ---- what an agent may not do ----
server=$(k config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
uid=$(field "pod/$pod" '{.metadata.uid}' -n $SYSTEM)
token=$(k -n $SYSTEM create token tpguard-agent --bound-object-kind Pod --bound-object-name "$pod" --bound-object-uid "$uid")
loose=$(k -n $SYSTEM create token tpguard-agent)
as() { # TOKEN METHOD PATH BODY: status and message
    web -X "$2" --cacert "$E2E_STATE/pki/ca.crt" -H "Authorization: Bearer $1" -H "Content-Type: application/$([ "$2" = PATCH ] && echo merge-patch+)json" \
        -d "$4" "$server$3?dryRun=All" | jq -r '"\(.code // 200) \(.message // "")"'
}
mark='{"metadata":{"annotations":{"tpguard.io/topology":"x"}}}'
has "$(as "$token" PATCH /api/v1/nodes/real1 "$mark")" "200" "the agent may write the annotation of its own node"
other=$(k get nodes -o name | grep -v real1 | head -n 1)
[ -n "$other" ] || { gpu_node gpu-other 4xL40S && other=node/gpu-other; }
has "$(as "$token" PATCH "/api/v1/nodes/${other#node/}" "$mark")" "writes to the Node that it runs on, and to no other" "of another node it may not"
has "$(as "$loose" PATCH /api/v1/nodes/real1 "$mark")" "writes to the Node that it runs on, and to no other" "nor with a token that is bound to no pod"
has "$(as "$token" PATCH /api/v1/nodes/real1 '{"metadata":{"annotations":{"a":"b"}}}')" "and no others" "nor another annotation"
has "$(as "$token" PATCH /api/v1/nodes/real1 '{"metadata":{"annotations":{"volumes.kubernetes.io/controller-managed-attach-detach":null}}}')" "and no others" "nor take one off"
has "$(as "$token" PATCH /api/v1/nodes/real1 '{"metadata":{"labels":{"a":"b"}}}')" "nothing else of it" "nor a label"
has "$(as "$token" PATCH /api/v1/nodes/real1 '{"spec":{"unschedulable":true}}')" "nothing else of it" "nor cordon it"
has "$(as "$token" PATCH /api/v1/nodes/real1/status "$mark")" "403" "nor its status"
has "$(as "$token" DELETE /api/v1/nodes/real1 '')" "403" "nor delete it"
leases=/apis/coordination.k8s.io/v1/namespaces/$SYSTEM/leases
lease='{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"agent.gpu-z"},"spec":{"holderIdentity":"x"}}'
has "$(as "$token" POST $leases "$lease")" "no other Lease" "nor another node's heartbeat"
has "$(as "$token" PATCH $leases/tpguard-leader '{"spec":{"holderIdentity":"x"}}')" "no other Lease" "nor the leader's lease"
has "$(as "$token" PATCH $leases/agent.real1 '{"spec":{"holderIdentity":"real1"}}')" "200" "its own it may"
has "$(as "$token" GET /api/v1/namespaces/$SYSTEM/secrets '')" "403" "nor read Secrets"

# ---- others touch the node ----
k annotate node real1 tpguard.io/topology- >/dev/null
ok eventually 10 wire_is 0 1 NODE -- "somebody takes the annotation off: it is back within seconds"

# ---- freshness without writes to the node ----
ok agent_install --set policy.freshnessSeconds=20 -- "a freshness limit of 20 s: a heartbeat each 5 s"
ok eventually 60 label_is nvlink degraded -- "the node is labelled"
text=$(note topology) beat=$(renewed)
sleep 30
is "$(label nvlink)" degraded "30 s later the report is still good"
is "$(note topology)" "$text" "... though nobody wrote it again"
ok [ "$(renewed)" != "$beat" ] -- "... since the heartbeat was"
tpguard_install --set policy.freshnessSeconds=20 >/dev/null 2>&1
ok eventually 45 condition_begins "Unknown The last report of the GPU wiring is older than 20 s" -- "the agent is taken away: the age tells"
is "$(note topology)" "$text" "what it wrote is left"

# ---- without the socket ----
ok agent_install --set agent.books=checkpoint -- "the kubelet's socket is not mounted, its checkpoint is"
tp late 1 | k -n $ns apply -f - >/dev/null
ok eventually 30 ready late -- "a TP=1 pod runs"
ok eventually 10 told late -- "it is told all the same"
is "$(told_of late)" "$(env_of late $ns)" "with its GPU"

k delete ns $ns --wait=false >/dev/null
tpguard_install >/dev/null 2>&1
plugin_stop
k annotate node real1 tpguard.io/topology- tpguard.io/allocations- >/dev/null
quietly k delete node gpu-other
# shellcheck source=tests/e2e/tpguard.sh
. "$e2e/tpguard.sh"
for n in $(simulated); do k uncordon "$n" >/dev/null; done
