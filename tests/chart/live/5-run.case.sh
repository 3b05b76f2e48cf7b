# shellcheck shell=bash disable=SC2154,SC2016,SC2086,SC2034,SC2317
# The second scheduler runs, an upgrade keeps what tpguard wrote, uninstalling leaves nothing.

scheduler_runs() { [ "$(k -n $ns get pods -l app.kubernetes.io/component=scheduler -o json | jq '[.items[].status.containerStatuses[]? | select(.name == "kube-scheduler" and .started)] | length')" = 1 ]; }
ok eventually 60 scheduler_runs -- "kube-scheduler runs as 65532 on a read-only root, and is alive"
leads() { [[ $(field lease/tpguard-scheduler '{.spec.holderIdentity}' -n $ns) == tpguard-scheduler-* ]]; }
ok eventually 30 leads -- "it leads by the Lease tpguard-scheduler"
k -n llm create -f - >/dev/null <<<'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"cpu"},"spec":{"schedulerName":"tpguard-scheduler","nodeSelector":{"kubernetes.io/hostname":"cpu-1"},"tolerations":[{"operator":"Exists"}],"containers":[{"name":"c","image":"x"}]}}'
becomes 30 cpu-1 pod/cpu '{.spec.nodeName}' -n llm -- "it places pods without GPUs, and does not ask tpguard"
k -n llm create -f - >/dev/null <<<'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"gpu","labels":{"tpguard.io/ignore":"true"}},"spec":{"schedulerName":"tpguard-scheduler","tolerations":[{"operator":"Exists"}],"containers":[{"name":"c","image":"x","resources":{"limits":{"nvidia.com/gpu":"1"}}}]}}'
ok eventually 30 has_event Pod/gpu 'https://127.0.0.1:9444/scheduler/filter' llm -- "for a GPU pod it asks the extender on loopback, and waits for it"
log=$(k -n $ns logs deployment/tpguard-scheduler -c kube-scheduler --tail=-1 2>&1)
is "$(grep -iE 'forbidden|unable to (load|get) configmap|cannot (list|get|watch)' <<<"$log" | head -n 3)" "" "its rights are enough"

# What the leader writes, written here in its name.
ca=$(base64 -w0 <"$work/ca.crt")
n=$(k get mutatingwebhookconfiguration tpguard -o json | jq '.webhooks | length')
ops=$(jq -nc --arg ca "$ca" --argjson n "$n" '[range($n) | {op: "add", path: "/webhooks/\(.)/clientConfig/caBundle", value: $ca}]')
ok quietly k patch mutatingwebhookconfiguration tpguard --type=json -p "$ops" --as "$account" -- "tpguard's account sets caBundle"
bundles() { k get mutatingwebhookconfiguration tpguard -o json | jq -r '[.webhooks[].clientConfig.caBundle] | unique | length, .[0]' | paste -sd ' '; }
is "$(bundles)" "1 $ca" "... in all webhooks"
said=$(helm upgrade tpguard $chart -n $ns "${down[@]}" --set webhook.timeoutSeconds=7,policy.mode=warn 2>&1)
is "$?" 0 "helm upgrade with other values"
is "$(field mutatingwebhookconfiguration/tpguard '{.webhooks[0].timeoutSeconds}')" 7 "... has changed the webhooks"
is "$(bundles)" "1 $ca" "... and left caBundle alone"
said=$(helm upgrade tpguard $chart -n $ns "${down[@]}" --set workloads.enabled=false 2>&1)
is "$?" 0 "an upgrade that takes webhooks away"
is "$(bundles) $(k get mutatingwebhookconfiguration tpguard -o json | jq '.webhooks | length')" "1 $ca 2" "... leaves caBundle of the others alone"
said=$(helm upgrade tpguard $chart -n $ns "${down[@]}" --set bindingGate.required=false 2>&1)
is "$(k get validatingadmissionpolicies -o name | wc -l)" 3 "bindingGate.required=false takes the policy away"
k annotate mutatingwebhookconfiguration tpguard --overwrite x=y >/dev/null
said=$(helm rollback tpguard 2 -n $ns 2>&1)
is "$?" 0 "helm rollback"
is "$(k get validatingadmissionpolicies -o name | wc -l)" 4 "... brings it back"

said=$(helm uninstall tpguard -n $ns 2>&1)
is "$?" 0 "helm uninstall"
left=$(k get mutatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings -o name | grep -i tpguard)
is "$left" "" "nothing of the cluster's is left"
is "$(k get roles,rolebindings -n kube-system -o name | grep -i tpguard)" "" "nor in kube-system"
is "$(k -n $ns get deployments,daemonsets,services,configmaps,serviceaccounts,networkpolicies,poddisruptionbudgets,roles,rolebindings -o name | grep -i tpguard)" "" "nor in its namespace"
gpu_free() { [[ $(try "$gpu") == *created* ]]; }
ok eventually 10 gpu_free -- "GPU pods are created as before"
