# shellcheck shell=bash disable=SC2154,SC2016
# The webhooks, the policies and the rights.

renders "the gates"
holds 'hooks | map(.name) == ["pods.tpguard.io", "bindings.tpguard.io", "workloads.tpguard.io", "cronjobs.tpguard.io", "custom.tpguard.io"]' "all gates in one configuration, in order"
holds 'hooks | map(.failurePolicy) == ["Fail", "Ignore", "Ignore", "Ignore", "Ignore"]' "only GPU pods wait for tpguard"
holds 'hooks | map(.clientConfig.service.path) == ["/admit/pods", "/admit/bindings", "/admit/workloads", "/admit/workloads", "/admit/workloads"]' "paths"
holds 'hooks | map(.sideEffects) == ["NoneOnDryRun", "NoneOnDryRun", "None", "None", "None"]' "a dry run is answered"
holds 'hooks | map(.reinvocationPolicy) == ["IfNeeded", "Never", "Never", "Never", "Never"]' "asked again when another webhook changed the pod"
holds 'hooks | all(.timeoutSeconds == 10 and .matchPolicy == "Equivalent" and .admissionReviewVersions == ["v1"])' "what they share"
holds 'hooks | all(.namespaceSelector.matchExpressions == [{key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["tpguard-system", "kube-system", "gpu-operator", "nvidia-gpu-operator", "nvidia-device-plugin", "nvidia-dra-driver-gpu"]}, {key: "tpguard.io/mode", operator: "NotIn", values: ["off"]}])' "never its own namespace, nor kube-system, nor mode off"
holds 'hooks[0].rules == [{apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"], scope: "Namespaced"}]' "pods when they are created"
holds 'hooks[1] | .rules[0].resources == ["pods/binding", "bindings"] and (has("matchConditions") | not)' "every binding"
holds '[hooks[2:][] | .rules[] | .apiGroups[0] as $g | .resources[] | "\(.).\($g)"] | sort == ["cronjobs.batch", "daemonsets.apps", "deployments.apps", "inferenceservices.serving.kserve.io", "jobs.batch", "jobsets.jobset.x-k8s.io", "leaderworkersets.leaderworkerset.x-k8s.io", "rayclusters.ray.io", "rayjobs.ray.io", "rayservices.ray.io", "replicasets.apps", "statefulsets.apps"]' "workloads of twelve kinds"
holds 'hooks[2:] | all(.matchConditions[0].name == "not-owned")' "not what a controller made"
holds 'hooks[2:4] | all(.matchConditions[1].name == "gpu-template")' "only templates with GPUs, where the place is known"
holds 'hooks[2:4] | all(.matchConditions[1].expression | contains("claims"))' "... or claims"
holds 'hooks[0].matchConditions | map(.name) == ["not-ignored", "gpu-pod"] and all(.expression | contains("claims") | not)' "a claim alone waits for nobody"

# The condition must let through every pod that the program calls a GPU pod.
cel=$(jq -r '.[] | select(.kind == "MutatingWebhookConfiguration").webhooks[0].matchConditions[1].expression' <<<"$objects")
regex=$(grep -o "k.matches('[^']*')" <<<"$cel" | sort -u | sed "s/^k.matches('//; s/')\$//")
is "$(wc -l <<<"$regex")" 1 "limits and requests are looked at with the same names"
names=$(sed -n 's/^    {"\([a-z.]*\/[a-z0-9.-]*\)", \(true\|false\), .*BUCKET_.*/\1/p' webhook/codec/resources.c)
ok [ "$(wc -l <<<"$names")" -ge 15 ] -- "resources.c lists GPU resources ($(wc -l <<<"$names"))"
missed=$(for n in nvidia.com/gpu $names; do jq -ne --arg n "$n" --arg r "$regex" '$n | test($r)' >/dev/null || echo "$n"; done)
is "$missed" "" "the condition knows every GPU resource that the program knows"
for n in cpu memory nvidia.com/nic amd.com/cpu example.com/gpu hugepages-2Mi; do
    jq -ne --arg n "$n" --arg r "$regex" '$n | test($r) | not' >/dev/null || missed="$missed $n"
done
is "$missed" "" "and takes nothing else for one"
while read -r v; do
    has "$cel" "e.name == '$v'" "the condition looks at $v"
done < <(sed -n 's/.*span_is(name, "\([A-Z_]*\)").*/\1/p' webhook/core/workload_gpus.c)
# Pods of all sorts: what the program says is what pods.json says. tests/chart/live asks the API server the same. A
# server that is not ready refuses GPU pods and no others.
TPGUARD=$tpguard start_server --cluster none
wrong=$(jq -c 'to_entries[] | .value + {review: {apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: {uid: "u\(.key)", namespace: "llm", operation: "CREATE",
    resource: {group: "", version: "v1", resource: "pods"}, object: {metadata: {name: "p"}, spec: .value.spec}}}}' tests/chart/pods.json | while read -r row; do
    [ "$(status_of post_text /admit/pods "$(jq -c .review <<<"$row")")" = "$(jq 'if .gpu == false then 200 else 503 end' <<<"$row")" ] || jq -r .what <<<"$row"
done)
stop_server
is "$wrong" "" "the program knows GPU pods from others ($(jq length tests/chart/pods.json) pods)"
conditions=$(jq -r '[.[] | select(.kind == "MutatingWebhookConfiguration").webhooks[].matchConditions[]?.expression, (select(.kind == "ValidatingAdmissionPolicy").spec | .matchConditions[]?.expression, .variables[]?.expression, .validations[].expression)] | .[]' <<<"$objects")
has "$conditions" "object.spec" "expressions of webhooks and policies are there"
lacks "$conditions" "{{" "no expression has template text in it"

renders "more kinds" --set-json 'workloads.extraRules=[{"apiGroups":["kubeflow.org"],"apiVersions":["v1"],"resources":["pytorchjobs","mpijobs"]}]'
holds 'hooks[4].rules[-1] == {apiGroups: ["kubeflow.org"], apiVersions: ["v1"], resources: ["pytorchjobs", "mpijobs"], operations: ["CREATE", "UPDATE"], scope: "Namespaced"}' "are asked about too"
renders "without workloads" --set workloads.enabled=false
holds 'hooks | map(.name) == ["pods.tpguard.io", "bindings.tpguard.io"]' "two gates"
renders "failurePolicy Ignore" --set webhook.failurePolicy=Ignore,webhook.timeoutSeconds=3
holds 'hooks | all(.failurePolicy == "Ignore" and .timeoutSeconds == 3)' "nothing waits"
renders "other namespaces" --set 'excludedNamespaces={kube-system,tpguard-system}'
holds 'hooks[0].namespaceSelector.matchExpressions[0].values == ["tpguard-system", "kube-system"]' "its own namespace once"
renders "no excluded namespaces" --set-json 'excludedNamespaces=[]'
holds 'hooks[0].namespaceSelector.matchExpressions[0].values == ["tpguard-system"]' "its own always"

# Policies
renders "the policies"
holds 'kind("ValidatingAdmissionPolicy") | map(.metadata.name) == ["tpguard-agent-node", "tpguard-agent-lease", "tpguard-annotations", "tpguard-binding"] and all(.spec.failurePolicy == "Fail")' "four, closed on failure"
holds 'kind("ValidatingAdmissionPolicyBinding") | map(.spec.policyName) == ["tpguard-agent-node", "tpguard-agent-lease", "tpguard-annotations", "tpguard-binding"] and all(.spec.validationActions == ["Deny"])' "each bound"
holds 'obj("ValidatingAdmissionPolicy"; "tpguard-annotations").spec.matchConstraints | has("namespaceSelector") | not' "the annotations are guarded in every namespace"
holds 'obj("ValidatingAdmissionPolicy"; "tpguard-binding").spec.matchConstraints.resourceRules == hooks[1].rules' "the gate is required for whatever it is asked about"
holds 'obj("ValidatingAdmissionPolicy"; "tpguard-binding").spec.matchConstraints.namespaceSelector == hooks[1].namespaceSelector' "the gate is required exactly where it stands"
holds 'obj("ValidatingAdmissionPolicy"; "tpguard-binding").spec.matchConstraints.objectSelector.matchExpressions == [{key: "tpguard.io/gated", operator: "NotIn", values: ["bound"]}]' "not where the gate has spoken"
holds 'obj("ValidatingAdmissionPolicyBinding"; "tpguard-binding").spec.paramRef == {selector: {matchLabels: {"tpguard.io/gated": "true"}}, parameterNotFoundAction: "Allow"}' "by the pods that tpguard labelled"
holds '[kind("ValidatingAdmissionPolicy")[].spec.validations[] | .reason == "Forbidden" and (.message | length < 256)] | all' "each refusal says why, in one breath"
renders "bindingGate.required=false" --set bindingGate.required=false
holds 'obj("ValidatingAdmissionPolicy"; "tpguard-binding") == null' "the gate may be passed by"
renders "no binding gate" --set bindingGate.enabled=false
holds 'obj("Deployment"; "tpguard").spec.template.spec.containers[0].args | index("--no-binding-gate") != null' "no binding gate: serve knows it"
holds '(hooks | map(.name) | index("bindings.tpguard.io") == null) and obj("ValidatingAdmissionPolicy"; "tpguard-binding") == null' "no gate, and none required"

# Who may be moved.
renders "the defaults"
holds 'obj("Deployment"; "tpguard").spec.template.spec.containers[0].args | index("--across-pcie=tell") != null' "pods across PCIe are told"
holds '[kind("ClusterRole")[].rules[].resources[]] | index("pods/eviction") == null' "... and there is no right to evict"
renders "policy.acrossPCIe=evict" --set policy.acrossPCIe=evict
holds 'obj("Deployment"; "tpguard").spec.template.spec.containers[0].args | index("--across-pcie=evict") != null' "... or moved"
holds '[kind("ClusterRole")[] | select(.metadata.name == "tpguard").rules[] | select(.resources == ["pods/eviction"]).verbs] == [["create"]]' "... with the right to"
refuses "acrossPCIe" "no other word" --set policy.acrossPCIe=delete

# Rights, one line each. A new one shows here.
renders "the rights"
rights=$(jq -r '[.[] | select(.kind == "Role" or .kind == "ClusterRole") | . as $r | .rules[] |
    "\($r.kind) \($r.metadata.namespace // "-")/\($r.metadata.name): \(.verbs | join(",")) \(.apiGroups | map(if . == "" then "core" else . end) | join(","))/\(.resources | join(","))\(if .resourceNames then " named " + (.resourceNames | join(",")) else "" end)"] | sort[]' <<<"$objects")
is "$rights" "$(cat tests/chart/rights.txt)" "are those of tests/chart/rights.txt"
bound=$(jq -r '[.[] | select(.kind == "RoleBinding" or .kind == "ClusterRoleBinding") | "\(.metadata.namespace // "-") \(.roleRef.kind)/\(.roleRef.name): \(.subjects | map(.name) | join(","))"] | sort[]' <<<"$objects")
is "$bound" "$(cat tests/chart/bindings.txt)" "go to whom tests/chart/bindings.txt says"
lacks "$rights" '*' "no wildcard"
