# shellcheck shell=bash disable=SC2154,SC2016
# What is refused, in which words, and what the notes say.

refuses "image.repository is not set" "no image: refused"
has "$said" 'make image' "... and told how to build it"
has "$said" 'docker://REGISTRY/tpguard' "... how to push it"
has "$said" 'ctr -n k8s.io images import' "... how to load it"
refuses "chart requires kubeVersion" "Kubernetes 1.29 is too old" "${base[@]}" --kube-version v1.29.9
while read -r value text; do
    refuses "$text" "refused: $value" "${base[@]}" --set "$value"
done <<'T'
image.repo=x additional properties 'repo' not allowed
webhok.replicas=2 additional properties 'webhok' not allowed
policy.mode=strict at '/policy/mode': value must be one of
policy.rewrite=replicate at '/policy/rewrite': 'replicate' does not match pattern
policy.unsatisfiable=maybe at '/policy/unsatisfiable': value must be one of
policy.unknownTp=no at '/policy/unknownTp': value must be one of
policy.workloads=never at '/policy/workloads': value must be one of
policy.allocation=guess at '/policy/allocation': value must be one of
policy.freshnessSeconds=-1 at '/policy/freshnessSeconds': minimum
policy.autoscaler=perhaps at '/policy/autoscaler': got string, want boolean
webhook.replicas=0 at '/webhook/replicas': minimum
webhook.replicas=two at '/webhook/replicas': got string, want integer
webhook.failurePolicy=fail at '/webhook/failurePolicy': value must be one of
webhook.timeoutSeconds=31 at '/webhook/timeoutSeconds': maximum
webhook.terminationGracePeriodSeconds=5 at '/webhook/terminationGracePeriodSeconds': minimum
webhook.resources.limits.memory=lots at '/webhook/resources/limits/memory'
webhook.resources.limit.memory=1Gi additional properties 'limit' not allowed
workloads.extraRules[0].resources[0]=x missing properties
scheduler.weight=0 at '/scheduler/weight': minimum
scheduler.httpTimeout=5 at '/scheduler/httpTimeout'
scheduler.image.pullPolicy=Sometimes at '/scheduler/image/pullPolicy': value must be one of
scheduler.image.repository= at '/scheduler/image/repository': minLength
scheduler.name=Wires at '/scheduler/name'
tls.mode=manual at '/tls/mode': value must be one of
tls.caBundle=LS0t at '/tls/caBundle'
networkPolicy.apiServerPorts={0} at '/networkPolicy/apiServerPorts/0': minimum
service.type=ExternalName at '/service/type': value must be one of
excludedNamespaces={Kube} at '/excludedNamespaces/0'
image.digest=sha256:12 at '/image/digest'
image.tag=a/b at '/image/tag'
agent.driver.mode=magic at '/agent/driver/mode': value must be one of
agent.driver.hostPath=bin at '/agent/driver/hostPath'
agent.books=guess at '/agent/books': value must be one of
agent.pollSeconds=0 at '/agent/pollSeconds': minimum
agent.kubeletRoot= at '/agent/kubeletRoot'
agent.interval=3 additional properties 'interval' not allowed
log.level=trace at '/log/level': value must be one of
fullnameOverride=A at '/fullnameOverride'
T

# Every value is typed in the schema and said in words in values.yaml.
values=$(to_json <"$chart/values.yaml" | jq -c '.[0]')
untyped=$(jq -rn --argjson v "$values" --slurpfile s "$chart/values.schema.json" '
    def schema($p): reduce $p[] as $k ($s[0]; if . == null then null else
        (if ."$ref" then (."$ref" | ltrimstr("#/definitions/")) as $d | $s[0].definitions[$d] elif .allOf then (.allOf[0]."$ref" | ltrimstr("#/definitions/")) as $d | $s[0].definitions[$d] else . end)
        | if .properties then .properties[$k] else (.additionalProperties | if type == "object" then . else {} end) end end);
    [$v | paths(type != "object") | select(all(type == "string"))] | map(select(schema(.) == null) | join("."))[]')
is "$untyped" "" "the schema knows every value"
silent=$(awk '/^ *#/ { comment = 1; next } /^$/ { comment = 0; next }
    /^[a-zA-Z]+:/ { top = $1; toplevel = comment; comment = 0; if ($2 != "" && $2 != "{}" && !toplevel) print top; next }
    /^  [a-zA-Z]+:/ { if (!comment && !toplevel && $1 !~ /^(resources|tpguardResources|nodeSelector|tolerations|affinity|topologySpreadConstraints|pod(Annotations|Labels)|repository|priorityClassName|replicas|enabled|interval|labels|type|annotations|terminationGracePeriodSeconds|image|duration|renewBefore|certManager|caBundle):/) print top $1 }
    { comment = 0 }' "$chart/values.yaml")
is "$silent" "" "values.yaml says what each one means"

# A value that somebody left empty ("webhook:" with nothing below it) is null for helm, which takes the default away: then
# it is an empty list or map, or refused by its name. Never a template that fails, or 0 replicas.
while read -r path; do
    render "${base[@]}" --set "$path=null" || case $said in *"missing propert"* | *"is not set"*) ;; *) echo "$path: $said" ;; esac
done < <(jq -r 'paths(. != "" and . != [] and . != {}) | select(all(type == "string" and (test("[./]") | not))) | join(".")' <<<"$values") >"$work/nulls"
is "$(cat "$work/nulls")" "" "an empty value is as good as none, or refused"
refuses "missing property 'webhook'" "an empty section is refused" "${base[@]}" --set webhook=null
refuses "at '/webhook': missing property 'replicas'" "an empty number is refused" "${base[@]}" --set webhook.replicas=null
renders "no excluded namespaces by an empty value" --set excludedNamespaces=null
holds 'hooks[0].namespaceSelector.matchExpressions[0].values == ["tpguard-system"]' "... leaves its own"

# Notes
notes() { helm_here install --dry-run=client tpguard "$chart" -n tpguard-system "${base[@]}" "$@" 2>&1 | sed '1,/^NOTES:$/d'; }
n=$(notes)
has "$n" "tpguard is installed: 2 replicas, mode enforce, GPU pods only." "notes: what is installed"
has "$n" "kubectl get nodes -L tpguard.io/nvlink,tpguard.io/nvlink-set" "notes: how to see the wiring"
has "$n" "kubectl apply --dry-run=server -f" "notes: how to try it"
has "$n" 'tpguard.io/nvidia-smi-topo="$(nvidia-smi topo -m)"' "notes: what to do where no node has reported"
has "$n" "steered to the scheduler tpguard-scheduler (registry.k8s.io/kube-scheduler:v1." "notes: the scheduler"
has "$n" "delete secret tpguard-tls" "notes: what uninstall leaves"
has "$n" "kubectl label namespace NAMESPACE tpguard.io/mode=off" "notes: the way out"
lacks "$n" "ctr -n k8s.io" "notes: nothing about loading images by hand"
lacks "$n" '<no value>' "notes: nothing missing"
has "$n" "on nodes with nvidia.com/gpu.present=true (agent.nodeSelector)" "notes: where the agent runs"
has "$(notes --set agent.nodeSelector=null)" "The agent does it on every node (agent.nodeSelector)" "notes: ... everywhere"
n=$(notes --set image.pullPolicy=Never,webhook.replicas=1,policy.mode=warn,scheduler.enabled=false,webhook.failurePolicy=Ignore,bindingGate.required=false,policy.unknownTopology=allow)
has "$n" "1 replica, mode warn" "notes: one replica"
has "$n" "ctr -n k8s.io images import build/image/tpguard.tar" "notes: load the image"
has "$n" "https://tpguard.tpguard-system.svc/scheduler" "notes: the extender for a scheduler of one's own"
has "$n" "GPU pods start unjudged" "notes: failurePolicy Ignore"
has "$n" "bindingGate.required=false" "notes: the gate may be passed by"
lacks "$n" "steered to" "notes: no scheduler"
n=$(notes --set policy.mode=off,policy.rewrite=none,bindingGate.enabled=false,tls.mode=certManager)
has "$n" "Mode off: it watches and judges nothing" "notes: mode off"
has "$n" "give pods schedulerName tpguard-scheduler yourself" "notes: nothing is steered"
has "$n" "The binding gate is off" "notes: no gate"
has "$n" "describe certificate tpguard" "notes: cert-manager"
lacks "$n" "delete secret" "notes: no Secret of tpguard's"
n=$(notes --set tls.mode=secret,tls.secretName=mine --set-string tls.caBundle='-----BEGIN CERTIFICATE-----')
has "$n" "Secret mine, yours to renew" "notes: your own Secret"
