# helm upgrade from the values before, a restart that rebuilds from objects alone, helm uninstall that leaves nothing in
# anybody's way.
# shellcheck shell=bash
bundle=$(field mutatingwebhookconfiguration/tpguard '{.webhooks[0].clientConfig.caBundle}')
has "$(tpguard_install --reuse-values --set policy.mode=warn 2>&1)" "mode warn" "helm upgrade --reuse-values with another mode"
ok eventually 60 tpguard_is_rolled_out -- "... is rolled out"
is "$(field mutatingwebhookconfiguration/tpguard '{.webhooks[0].clientConfig.caBundle}')" "$bundle" "caBundle has survived"
new_namespace upgrade
# No node has a set of 8.
said=$(vllm_pod eight 8 | k apply -n upgrade -f - 2>&1)
has "$said" "Warning: tpguard: " "the new mode is in force: a warning"
has "$said" "pod/eight created" "... and the pod"
tpguard_install >/dev/null 2>&1
is $? 0 "and back to the chart's own values"
ok eventually 60 tpguard_is_rolled_out -- "... is rolled out"
said=$(vllm_pod nine 8 | k apply -n upgrade -f - 2>&1)
lacks "$said" "pod/nine created" "mode enforce denies what no node could ever take"

helm uninstall tpguard -n "$SYSTEM" --wait >/dev/null 2>&1
is $? 0 "helm uninstall"
is "$(vllm_pod after 2 | k apply -n upgrade -f - 2>&1)" "pod/after created" "GPU pods are created as if tpguard had never been there"
is "$(k get mutatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings -o name | grep tpguard)" "" "no webhook and no policy is left"
is "$(k get clusterroles,clusterrolebindings -o name | grep tpguard)" "" "... no right"
ok eventually 30 is_bound after upgrade -- "... and bound by the cluster's own scheduler"
# The API server lets go of a policy that was deleted a moment later.
annotated() { [[ $(k annotate -n upgrade pod/after --overwrite tpguard.io/gpus=mine 2>&1) == *annotated* ]]; }
ok eventually 30 annotated -- "its annotations are anybody's again"
k delete ns upgrade "$SYSTEM" --wait=false >/dev/null
