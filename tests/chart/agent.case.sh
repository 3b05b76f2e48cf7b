# shellcheck shell=bash disable=SC2154,SC2016
# The agent: what it may, and what it is given of the node.

renders "the agent"
agent='obj("DaemonSet"; "tpguard-agent").spec.template.spec'
holds "$agent | .nodeSelector == {\"nvidia.com/gpu.present\": \"true\"} and .tolerations == [{key: \"nvidia.com/gpu\", operator: \"Exists\"}]" "on nodes with GPUs"
holds "$agent.containers[0].securityContext == {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [\"ALL\"]}}" "not privileged, no capability"
holds "$agent | (has(\"hostPID\") or has(\"hostNetwork\")) | not" "no namespace of the host"
holds "$agent | .runtimeClassName == \"nvidia\" and ([.containers[0].env[] | select(.value) | {(.name): .value}] | add == {NVIDIA_VISIBLE_DEVICES: \"all\", NVIDIA_DRIVER_CAPABILITIES: \"utility\"})" "NVIDIA's runtime brings the library and the devices"
holds "$agent.volumes | map(select(.hostPath) | .hostPath.path) == [\"/var/lib/kubelet/pod-resources\"]" "of the node it sees one folder"
holds "$agent.containers[0].volumeMounts | map(select(.name != \"alive\")) | all(.readOnly)" "and writes none"
holds "$agent.containers[0] | .livenessProbe.exec.command == [\"/tpguard\", \"agent\", \"--check\", \"--alive=/run/tpguard/alive\"] and .startupProbe.exec == .livenessProbe.exec" "alive by a file"
holds "$agent | .serviceAccountName == \"tpguard-agent\" and .automountServiceAccountToken" "an account of its own"
holds "$agent.containers[0].args | [\"agent\", \"--node-name=\$(NODE_NAME)\", \"--namespace=\$(POD_NAMESPACE)\", \"--pod-resources=/kubelet/kubelet.sock\", \"--checkpoint=\", \"--poll=10\", \"--quiet=300\", \"--heartbeat=150\"] - . == []" "arguments"
holds 'obj("ClusterRole"; "tpguard-agent").rules == [{apiGroups: [""], resources: ["nodes"], verbs: ["list", "watch", "patch"]}]' "it may list no pods"
holds 'obj("NetworkPolicy"; "tpguard-agent").spec | .ingress == [] and (.egress[0].ports | map(.port) == [443, 6443, 8443, 16443])' "nobody calls it, it calls the API server"
help=$("$tpguard" agent --help)
flags=$(jq -r '[.[] | select(.kind == "DaemonSet").spec.template.spec.containers[].args[] | select(startswith("--")) | sub("=.*"; "")] | unique[]' <<<"$objects")
renders "every optional argument" --set agent.traceProcesses=true,agent.driver.library=/x/lib.so,agent.books=checkpoint
flags=$(printf '%s\n' "$flags" "$(jq -r '[.[] | select(.kind == "DaemonSet").spec.template.spec.containers[].args[] | select(startswith("--")) | sub("=.*"; "")] | unique[]' <<<"$objects")" | sort -u)
is "$(for f in $flags; do grep -qE "^ +$f( |\$)" <<<"$help" || echo "$f"; done)" "" "the program has every argument that the chart gives it"
holds "$agent.hostPID and ($agent.containers[0].args | index(\"--trace-processes\") != null)" "tracing programs sees the host's processes"
holds "$agent.volumes | map(select(.hostPath) | .hostPath.path) == [\"/var/lib/kubelet/device-plugins\"]" "checkpoint: that folder instead of the socket's"
holds "$agent.containers[0].args | [\"--pod-resources=\", \"--checkpoint=/kubelet/kubelet_internal_checkpoint\", \"--nvml-library=/x/lib.so\"] - . == []" "... and is read"
holds 'obj("ClusterRole"; "tpguard-agent").rules[1] == {apiGroups: [""], resources: ["pods"], verbs: ["list"]}' "... and pods may be listed"

renders "a host without NVIDIA's runtime" --set agent.driver.mode=host,agent.driver.hostPath=/home/kubernetes/bin/nvidia,agent.driver.library=/driver/lib64/libnvidia-ml.so.1,agent.kubeletRoot=/data/kubelet/
holds "$agent.containers[0].securityContext == {privileged: true, readOnlyRootFilesystem: true}" "is the one that wants a privileged container"
holds "$agent | (has(\"runtimeClassName\") | not) and (.volumes | map(select(.hostPath) | .hostPath.path) == [\"/data/kubelet/pod-resources\", \"/home/kubernetes/bin/nvidia\"])" "... with the driver's folder, and a kubelet elsewhere"
refuses "agent.driver.hostPath is not set" "host without a folder is refused" "${base[@]}" --set agent.driver.mode=host
renders "freshness" --set policy.freshnessSeconds=60
holds "$agent.containers[0].args | index(\"--heartbeat=15\") != null" "four heartbeats in its limit"
renders "no freshness limit" --set policy.freshnessSeconds=0
holds "$agent.containers[0].args | index(\"--heartbeat=150\") != null" "a heartbeat all the same"
renders "no agent" --set agent.enabled=false
holds 'tostring | test("tpguard-agent") | not' "nothing of it is left"
