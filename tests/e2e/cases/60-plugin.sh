# Without tpguard: what the kubelet and NVIDIA's device plugin do with GPUs on a real node. The containers really run; the
# plugin is the stand-in, unless TPGUARD_E2E_PLUGIN names another.
# shellcheck shell=bash disable=SC2154
# shellcheck source=tests/e2e/plugin.sh
. "$e2e/plugin.sh"
ns=plugin
new_namespace $ns
k label ns $ns tpguard.io/mode=off >/dev/null
run_gpu() { gpu_container "$@" | k -n $ns create -f - >/dev/null; }
runs_with_gpu() { # NAME GPUS
    run_gpu "$@" && eventually 30 field_is True "pod/$1" '{.status.conditions[?(@.type=="Ready")].status}' -n $ns
}
no_pods() { [ -z "$(k -n $ns get pods -o name)" ]; }
clear_pods() { k -n $ns delete pods --all --wait=false >/dev/null && eventually 30 no_pods; }
# What the container, the kubelet's API and its file say: one answer when they agree.
three_say() { printf '%s\n' "$(env_of "$1" $ns)" "$(gpus_of "$1" $ns)" "$(checkpoint_of "$1" $ns)" | uniq; }
refusal() { field "pod/$1" '{.status.phase} {.status.reason} {.status.message}' -n $ns; }
refused() { [[ $(refusal "$1") == "Failed UnexpectedAdmissionError "* ]]; }

ok plugin_start '' -- "a device plugin registers with the kubelet"
is "$(plugin_gpus)" 4 "the node offers 4 GPUs"
ok runs_with_gpu one-a 1 -- "a container with one GPU runs"
ok runs_with_gpu one-b 1 -- "and another"
ok runs_with_gpu two 2 -- "and one with two"
has "$(inside curl -s -m 5 "http://$(field pod/two '{.status.podIP}' -n $ns):8080/")" NVIDIA_VISIBLE_DEVICES=GPU- \
    "it sees its GPUs in NVIDIA_VISIBLE_DEVICES"
all=
for p in one-a one-b two; do
    said=$(three_say $p)
    is "$(wc -l <<<"$said")" 1 "$p: container, PodResources and checkpoint agree"
    all+=,$said
done
is "$(tr , '\n' <<<"$all" | sort -n | paste -sd,)" ",0,1,2,3" "each GPU is given once"
ok clear_pods -- "the pods go"

ok plugin_scenario 'down 0 1' -- "the bridge 0-1 goes down"
ok runs_with_gpu first 2 -- "a TP=2 pod runs"
is "$(three_say first)" 2,3 "on the pair that is linked"
ok runs_with_gpu second 2 -- "a second TP=2 pod runs as well"
is "$(three_say second)" 0,1 "across PCIe"
is "$(events Pod/second $ns | grep -v '^Normal ')" "" "no event says so"
lacks "$(k -n $ns describe pod second; k describe node real1)" PCIe "nor does kubectl describe"
ok clear_pods -- "the pods go"

ok plugin_scenario 'blind 3 2' -- "GPU 2 sees a link that GPU 3 does not"
run_gpu asym 2
ok eventually 20 refused asym -- "a TP=2 pod fails"
has "$(refusal asym)" "device plugin GetPreferredAllocation rpc failed with err: rpc error: code = Unavailable desc = error reading from server" \
    "since the plugin does"
ok eventually 5 plugin_gone -- "its process is gone"
ok eventually 20 plugin_offers 0 -- "the node offers no GPU then"
clear_pods

ok plugin_start 'blind 3 2 4' -- "lanes that differ, but are there both ways"
ok runs_with_gpu uneven 2 -- "do not end it"
clear_pods

ok plugin_scenario 'lost 1' -- "a GPU is lost"
run_gpu lost-one 1
run_gpu lost-two 2
ok eventually 20 refused lost-one -- "a pod that wants another GPU fails"
has "$(refusal lost-one)" "unable to get device link information" "with the reason"
ok eventually 20 refused lost-two -- "and so does one that wants two"
ok plugin_running -- "the plugin goes on"
clear_pods

plugin_scenario 'xid 1 79; xid 2 43'
ok eventually 20 plugin_offers 3 -- "a GPU with Xid 79 is offered no more, one with the application's Xid 43 still is"
plugin_scenario ''
sleep 3
ok plugin_offers 3 -- "and remains so"
ok runs_with_gpu kept 2 -- "a pod runs"
is "$(three_say kept)" 2,3 "on the pair that is left"
"$e2e/cluster.sh" restart "${E2E_STATE##*/}" kubelet
plugin_came_back() { [ "$(plugin_log | grep -ci 'registered ')" -ge 2 ]; }
ok eventually 30 plugin_came_back -- "the kubelet starts anew: the plugin registers again"
ok eventually 30 plugin_offers 4 -- "and has forgotten the Xid"
ok eventually 20 node_is_ready real1 -- "the node is ready"
is "$(three_say kept)" 2,3 "the pod has what it had"
clear_pods

ok plugin_start '' --replicas 2 -- "time-slicing: two devices for a GPU"
is "$(plugin_gpus)" 8 "the node offers 8"
ok runs_with_gpu shared 2 -- "a pod with two runs"
has "$(inside "$plugin_tool" podresources)" "::" "its devices are named by GPU and number"
is "$(three_say shared | tr ',' '\n' | sort -u | wc -l)" 2 "two GPUs, as long as there are some"

k delete ns $ns --wait=false >/dev/null
no_namespace() { ! k get ns $ns >/dev/null 2>&1; }
ok eventually 60 no_namespace -- "all pods are gone"
ok plugin_stop -- "the plugin is stopped"
is "$(plugin_gpus)" 0 "the node offers no GPU"
