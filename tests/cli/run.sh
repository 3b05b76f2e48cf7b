#!/usr/bin/env bash
# The command line as people use it: outputs, exit codes, one clear line for wrong input. TAP.
set -u
cd "$(dirname "$0")/../.." || exit 2
tpguard=${TPGUARD:-build/release/tpguard}
worked=tests/clusters/worked-example.yaml
six=tests/clusters/six-nodes.yaml
m=tests/manifests
# shellcheck source=tests/tap.sh
. tests/tap.sh
trap 'rm -rf "$work"' EXIT


run 2 "no command" "$tpguard"
run 0 "--help" "$tpguard" --help
says out "topology"
run 0 "version" "$tpguard" version
refuses "an unknown command" 'no command "sevre"' "$tpguard" sevre
for c in serve agent explain topology; do
    run 0 "$c --help" "$tpguard" $c --help
    says out "Usage: tpguard $c"
done

# explain: verdicts
run 1 "a pin across the dead bridge" "$tpguard" explain -f $m/qwen35-pinned.yaml --cluster $worked
says out "denied (PinnedAcrossPCIe)"
says out "0-1 down (0 of 12 lanes)"
run 0 "the same without the pin" "$tpguard" explain -f $m/qwen35.yaml --cluster $worked
says out "allowed"
run 0 "a one-GPU replica" "$tpguard" explain -f $m/qwen35-replica.yaml --cluster $worked
run 1 "four GPUs where there are only pairs" "$tpguard" explain -f $m/llama70b-tp4.yaml --cluster $worked
says out "Unsatisfiable"
run 0 "four GPUs with a switch in the cluster" "$tpguard" explain -f $m/llama70b-tp4.yaml --cluster $six
run 0 "the pin moved, where that is allowed" "$tpguard" explain -f $m/qwen35-pinned.yaml --cluster $worked --rewrite repin
says out "the pin becomes 2,3"
run 0 "its patch alone" "$tpguard" explain -f $m/qwen35-pinned.yaml --cluster $worked --rewrite repin --patch
json 'map(select(.path == "/spec/containers/0/env/0/value")) | .[0].value == "2,3"' "... replaces the variable"
run 1 "mode warn says the same and lets it through" "$tpguard" explain -f $m/qwen35-pinned.yaml --cluster $worked --mode warn -o json
json '.verdict == "deny" and .allowed' "... verdict deny, allowed true"
"$tpguard" explain -f - --cluster $worked <$m/qwen35-pinned.yaml >"$work/out" 2>"$work/err"
[ $? -eq 1 ]
result $? "a manifest on standard input"
grep -q $'\x1b' "$work/out"
[ $? -eq 1 ]
result $? "no colour where the output is no terminal"

# explain: JSON
run 1 "JSON of a denial" "$tpguard" explain -f $m/qwen35-pinned.yaml --cluster $worked --output json
json '.version == 1 and .verdict == "deny" and .reasons[0].code == "PinnedAcrossPCIe" and (.reasons[0].sentence | length > 20)' \
    "... verdict and reasons"
json '.group | .engine == "vllm" and .tp == 2 and .pp == 1 and .dp == 1 and .gpus == 2 and .scope == "single" and .pin == [0, 1] and .quantization == "fp8"' \
    "... the group"
json '.group.evidence.tp | .source == "flag" and .value == "2" and (.where | test("args"))' "... where the size was read"
json '.nodes[0] | .name == "gpu-a" and .fits == false and .code == "PinnedAcrossPCIe" and .resolvable == false and .score == 0' \
    "... the node"
json '.cost.allReducesPerToken == 128 and .cost.steps[1].tokens == 64 and .cost.steps[1].pcieMs > .cost.steps[1].nvlinkMs' \
    "... the cost"
json '(.advice | length > 1) and .patch == []' "... advice and no patch"
run 0 "JSON of an allowed pod" "$tpguard" explain -f $m/qwen35.yaml --cluster $worked -o json
json '.nodes[0].set == [2, 3] and .nodes[0].fits and (.rewrites == ["steer"])' "... steered, with the set"
jq -c '.patch' "$work/out" >"$work/patch"
grep -q 'nvlink-set' "$work/patch"
result $? "... by a patch on the node affinity"

# explain: what the pod asks of its node (every GPU node of that cluster has the taint nvidia.com/gpu)
sed 's|^  containers:|  nodeSelector: {kubernetes.io/hostname: gpu-f}\n&|' $m/qwen35.yaml >"$work/selected.yaml"
run 1 "the one node that is selected is full" "$tpguard" explain -f "$work/selected.yaml" --cluster $six
says out "allowed, would wait (NVLinkSetBusy)"
says out "Nearest: gpu-f: 0,1 in use by llm/chat-1."
grep -q "gpu-a .* no .* NodeNotAllowed .*; nodeSelector wants kubernetes.io/hostname=gpu-f" "$work/out"
result $? "... and the others are listed as not allowed, with what says so"
run 1 "as JSON" "$tpguard" explain -f "$work/selected.yaml" --cluster $six -o json
json '.nodes[0] | .name == "gpu-a" and .fits == false and .code == "NodeNotAllowed" and .resolvable == false and .score == 0 and .keptOffBy == "nodeSelector wants kubernetes.io/hostname=gpu-f"' \
    "... a node that the pod may not use"
json '.nodes[5] | .name == "gpu-f" and .code == "NVLinkSetBusy" and .keptOffBy == null' "... and the one that it may"
sed 's|hostname: gpu-f|hostname: web-a|' "$work/selected.yaml" >"$work/nowhere.yaml"
run 1 "no node with GPUs is selected" "$tpguard" explain -f "$work/nowhere.yaml" --cluster $six
says out "allowed, would wait (NodeNotAllowed)"
says out "It may use none of the 6 nodes with GPUs. gpu-a would fit,"
says out "2  change the nodeSelector, or label a node"
run 0 "a manifest without a toleration: Kubernetes may add it" "$tpguard" explain -f $m/qwen35.yaml --cluster $six
sed 's|^  name: qwen35-27b|&\n  uid: 0f2c|' $m/qwen35.yaml >"$work/made.yaml"
run 1 "the same pod as it was made: it has none" "$tpguard" explain -f "$work/made.yaml" --cluster $six
says out "taint nvidia.com/gpu=present:NoSchedule is not tolerated."
sed 's|^  containers:|  tolerations: [{key: nvidia.com/gpu, operator: Exists}]\n&|' "$work/made.yaml" >"$work/tolerant.yaml"
run 0 "... and one that has" "$tpguard" explain -f "$work/tolerant.yaml" --cluster $six
sed 's|^  containers:|  nodeSelector: {kubernetes.io/hostname: gpu-b}\n&|' $m/qwen35-pinned.yaml >"$work/elsewhere.yaml"
run 1 "a pin across PCIe is denied wherever the pod may be" "$tpguard" explain -f "$work/elsewhere.yaml" --cluster $worked
says out "denied (PinnedAcrossPCIe)"

# explain: what is not judged
printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: nginx}]}\n' >"$work/web.yaml"
run 0 "a pod without a GPU" "$tpguard" explain -f "$work/web.yaml" --cluster $worked -o json
json '.verdict == "allow" and .code == "Ignored" and .group.tp == 1 and .nodes == []' "... is none of ours"
printf 'apiVersion: apps.nvidia.com/v1\nkind: NIMService\nmetadata: {name: nim}\nspec: {gpus: 2}\n' >"$work/cr.yaml"
run 3 "a custom resource whose pods an operator makes" "$tpguard" explain -f "$work/cr.yaml" --cluster $worked -o json
json '.verdict == "unknown" and .group.tp == null' "... cannot be told"

# explain: wrong input
refuses "no file" "wants a manifest" "$tpguard" explain
refuses "a file that is not there" "No such file" "$tpguard" explain -f "$work/none.yaml" --cluster $worked
refuses "an unknown option" "no option --nope" "$tpguard" explain -f $m/qwen35.yaml --nope
refuses "a word that is no mode" '--mode "loud"' "$tpguard" explain -f $m/qwen35.yaml --mode loud
printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n  - name: c\n    args: [1, {a: b}]\n' >"$work/type.yaml"
refuses "a wrong type, with file, line and path" "type.yaml:7: spec.containers[0].args[0]" \
    "$tpguard" explain -f "$work/type.yaml" --cluster $worked
printf 'a: [1\nb: 2\n' >"$work/broken.yaml"
refuses "broken YAML" "broken.yaml" "$tpguard" explain -f "$work/broken.yaml" --cluster $worked
run 2 "a size that is a word" "$tpguard" explain -f $m/wrong-size.yaml --cluster $worked
says err 'wrong-size.yaml:14: containers[0].args[3]: --tensor-parallel-size wants a whole number above 0, found "two"'
printf 'kind: List\napiVersion: v1\nitems: [{apiVersion: v1, kind: Node}]\n' >"$work/c.yaml"
refuses "a cluster file with a nameless node" "c.yaml" "$tpguard" explain -f $m/qwen35.yaml --cluster "$work/c.yaml"
printf 'kind: List\napiVersion: v1\nitems: [{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {allocatable: {nvidia.com/gpu: lots}}}]\n' >"$work/s.yaml"
refuses "a node with a strange count: file, then place" "s.yaml: items[0].status.allocatable['nvidia.com/gpu']: line " \
    "$tpguard" explain -f $m/qwen35.yaml --cluster "$work/s.yaml"
printf '{"kind":"Service","apiVersion":"v1","metadata":{"name":"s"}}' >"$work/service.json"
run 3 "nothing to judge in it" "$tpguard" explain -f "$work/service.json" --cluster $worked
sed 's/"expected"/"expectad"/' $worked >"$work/odd.yaml"
run 3 "a node annotation that cannot be read is unknown" "$tpguard" explain -f $m/qwen35.yaml --cluster "$work/odd.yaml"
says err "node gpu-a"

# what runs
six=tests/clusters/six-nodes.yaml
run 0 "pods that run on healthy NVLink" "$tpguard" explain --running --cluster $six
says out "2 pods with a TP group run: 0 not on healthy NVLink."
sed '/tpguard.io\/allocations/{s/GPU-43b99cac-375e-4449-a1ef-d741ba1b89f7/OTHER/;s/GPU-24b26a26-7b2f-40b1-a3e0-6adb53e1ae84/GPU-43b99cac-375e-4449-a1ef-d741ba1b89f7/;s/OTHER/GPU-24b26a26-7b2f-40b1-a3e0-6adb53e1ae84/}' \
    $six >"$work/across.yaml"
run 1 "two that the kubelet gave the wrong GPUs" "$tpguard" explain --running --cluster "$work/across.yaml"
says out "llm/chat-0  TP=2 on gpu-f GPUs 0,2: 0-2 has no NVLink (TPAcrossPCIe)"
says out "2 pods with a TP group run: 2 not on healthy NVLink."
run 1 "... as JSON" "$tpguard" explain --running --cluster "$work/across.yaml" -o json
json 'select(.name == "chat-0") | .kind == "RunningPod" and .state == "bad" and .code == "TPAcrossPCIe" and .pair == "0-2" and .gpus == "0,2"' "... one a line"
grep -v 'tpguard.io/allocations' $six >"$work/untold.yaml"
run 3 "nobody reported their GPUs: it cannot be told" "$tpguard" explain --running --cluster "$work/untold.yaml"
says out "2 pods with a TP group run: 0 not on healthy NVLink, 2 cannot be told."
refuses "a patch of what runs" "--running changes nothing" "$tpguard" explain --running --patch
refuses "a manifest and what runs at once" "--running takes no manifest" "$tpguard" explain --running -f $m/qwen35.yaml

# a live cluster that is not there, or not said
cat >"$work/nowhere" <<'YAML'
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: t}}]
current-context: x
YAML
refuses "a live cluster that does not answer" "the live cluster: " \
    "$tpguard" explain -f $m/qwen35.yaml --kubeconfig "$work/nowhere"
refuses "a kubeconfig that is not there" "wants a kubeconfig file, found none" \
    env KUBECONFIG=/nowhere/config "$tpguard" explain -f $m/qwen35.yaml --live
refuses "live and recorded at once" "exclude each other" \
    "$tpguard" explain -f $m/qwen35.yaml --live --cluster $worked

# topology
run 0 "a synthetic machine" "$tpguard" topology --synthetic '4xH100-NVL down=0-1' -o json
json '.pairs["0-1"] == "down" and .pairs["2-3"] == "healthy" and .edges == [[2,3,12]] and .sets.largest == 2 and .wires[0][0] == "X"' \
    "... as JSON"
"$tpguard" topology --synthetic '4xH100-NVL down=0-1' --annotation >"$work/annotation" 2>/dev/null
run 0 "its annotation, read back" "$tpguard" topology --from-annotation "$work/annotation" -o json
json '.pairs["0-1"] == "down"' "... still knows what was fitted"
refuses "a cordon of a GPU that is not there" "--cordon wants GPUs of this machine" \
    "$tpguard" topology --synthetic 4xH100-NVL --cordon 9
refuses "text that is no topology" "standard input" bash -c "echo hello | $tpguard topology -"
run 3 "a failed nvidia-smi is unknown" bash -c "printf 'Failed to run topology matrix\n' | $tpguard topology - -o json"
json '.state == "unknown" and .edges == null' "... never no NVLink"

# README and code say the same
"$tpguard" explain --reasons >"$work/out" 2>"$work/err"
missing=$(grep -vxFf README.md "$work/out")
[ -z "$missing" ]
result $? "README has the table of reasons as the program prints it"
"$tpguard" explain --engines >"$work/out" 2>"$work/err"
bad=0
while read -r e; do grep -q "\`$e\`" README.md || bad=1; done <"$work/out"
result $bad "README names every engine"

echo "1..$count"
[ "$failed" -eq 0 ]
