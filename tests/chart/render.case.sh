# shellcheck shell=bash disable=SC2154,SC2016
# What every installation has, and what each value changes.

ok helm_here lint "$chart" --quiet -- "helm lint"
renders "the defaults"
holds 'map(.metadata.namespace // "-") | unique == ["-", "kube-system", "tpguard-system"]' "in the release's namespace, and kube-system for what must be there"
holds 'map([.kind, .metadata.namespace, .metadata.name]) | length == (unique | length)' "no object twice"
holds 'all(.metadata.labels["app.kubernetes.io/managed-by"] == "Helm")' "every object is labelled"
holds 'kind("Job") + map(select(.metadata.annotations["helm.sh/hook"])) == []' "no hooks"
holds '[.. | select(. == null)] == []' "nothing left empty"
is "$(grep -rlw lookup "$chart/templates")" "" "the same objects with and without a cluster (no lookup)"

# Pods
holds 'obj("Deployment"; "tpguard").spec.replicas == 2' "two webhook replicas"
holds 'obj("Deployment"; "tpguard").spec.strategy.rollingUpdate == {maxUnavailable: 0, maxSurge: 1}' "never fewer while they are replaced"
holds '[kind("Deployment")[].spec.template.spec | .securityContext.runAsNonRoot, .securityContext.runAsUser == 65532, .securityContext.seccompProfile.type == "RuntimeDefault"] | all' \
    "pods run as 65532, seccomp RuntimeDefault"
holds '[kind("Deployment")[].spec.template.spec.containers[].securityContext] | unique == [{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: ["ALL"]}}]' \
    "containers: read-only root, no capabilities, no escalation"
holds '[kind("Deployment")[].spec.template.spec.containers[] | .resources.requests.memory, .resources.limits.memory] | all' "requests and limits of memory"
holds 'kind("ServiceAccount") | all(.automountServiceAccountToken == false)' "accounts mount no token by themselves"
holds '[kind("Deployment")[].spec.template.spec.automountServiceAccountToken] | all' "these pods need one"
holds 'pod("tpguard").topologySpreadConstraints | map(.topologyKey) == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]' "spread over nodes and zones"
holds '[kind("Deployment")[].spec.template.spec.containers[] | select(.name == "tpguard") | .readinessProbe.httpGet] | unique == [{path: "/readyz", port: "https", scheme: "HTTPS"}]' "ready by /readyz over HTTPS"
holds '[kind("Deployment")[].spec.template.spec.containers[] | select(.name == "tpguard") | .livenessProbe.httpGet, .startupProbe.httpGet] | unique == [{path: "/healthz", port: "https", scheme: "HTTPS"}]' "alive by /healthz"
holds 'pod("tpguard").containers[0].lifecycle.preStop.sleep.seconds < pod("tpguard").terminationGracePeriodSeconds' "answers on while it goes"
holds 'obj("Service"; "tpguard").spec | .ports == [{name: "https", port: 443, targetPort: "https", appProtocol: "https"}]' "Service 443 to 9443"
holds '(obj("Service"; "tpguard").spec.selector | to_entries) - (obj("Deployment"; "tpguard").spec.template.metadata.labels | to_entries) == []' "the Service selects the webhook pods"
holds '(obj("Service"; "tpguard").spec.selector | to_entries) - (obj("Deployment"; "tpguard-scheduler").spec.template.metadata.labels | to_entries) != []' "... and not the scheduler's"
holds 'pod("tpguard").containers[0].image == "registry.example.com/gpu/tpguard:0.1.0"' "image and the chart's version"
is "$(sed -n 's/^appVersion: //p' "$chart/Chart.yaml")" "$("$tpguard" version | cut -d ' ' -f 2)" "appVersion is the program's version"
is "$(sed -n 's/^version: //p' "$chart/Chart.yaml")" "$("$tpguard" version | cut -d ' ' -f 2)" "the chart has the same"

# Arguments
holds 'args("tpguard"; "tpguard") | .[:2] == ["serve", "--role=webhook"] and (["--live", "--namespace=$(POD_NAMESPACE)", "--identity=$(POD_NAME)", "--listen=0.0.0.0:9443", "--mode=enforce", "--scheduler-name=tpguard-scheduler", "--issue-tls=tpguard-tls", "--webhook-config=tpguard", "--service=tpguard", "--tls-san=tpguard.tpguard-system.svc"] - . == [])' "arguments of the webhook"
holds 'args("tpguard-scheduler"; "tpguard") | .[:2] == ["serve", "--role=scheduler"] and (["--live", "--extender-listen=127.0.0.1:9444"] - . == []) and all(test("issue-tls|tls-cert|webhook-config") | not)' "arguments beside the scheduler"
holds '(args("tpguard"; "tpguard") - args("tpguard-scheduler"; "tpguard")) | map(sub("=.*"; "")) - ["--role", "--across-pcie", "--across-pcie-after", "--issue-tls", "--service", "--webhook-config", "--tls-san"] == []' "both roles decide by the same policy"
flags=$(jq -r '[.[] | select(.kind == "Deployment").spec.template.spec.containers[] | select(.name == "tpguard").args[] | select(startswith("--")) | sub("=.*"; "")] | unique[]' <<<"$objects")
renders "every optional argument" --set policy.autoscaler=true,policy.allowDegraded=true,tls.mode=secret,tls.secretName=s --set-string tls.caBundle='-----BEGIN CERTIFICATE-----'
flags=$(printf '%s\n' "$flags" "$(jq -r '[.[] | select(.kind == "Deployment").spec.template.spec.containers[] | select(.name == "tpguard").args[] | select(startswith("--")) | sub("=.*"; "")] | unique[]' <<<"$objects")" | sort -u)
help=$("$tpguard" serve --help)
unknown=$(for f in $flags; do grep -qE "^ +$f( |\$)" <<<"$help" || echo "$f"; done)
if grep -q -- '--live' <<<"$help"; then
    is "$unknown" "" "the program has every argument that the chart gives it"
else
    skip "the program has every argument that the chart gives it" "this build of tpguard has no --live"
fi

# Policy and log
renders "policy and log" --set policy.mode=warn,policy.rewrite=none,policy.unsatisfiable=wait,policy.autoscaler=true,policy.unknownTp=allow,policy.unknownTopology=allow,policy.allocation=exact,policy.workloads=deny,policy.allowDegraded=true,policy.freshnessSeconds=0,log.level=debug,log.format=text,webhook.deadlineSeconds=3,webhook.maxBodyBytes=67108864,webhook.extraArgs[0]=--x=1,scheduler.tpguardExtraArgs[0]=--y
holds 'args("tpguard"; "tpguard") | ["--mode=warn", "--rewrite=none", "--unsatisfiable=wait", "--autoscaler", "--unknown-tp=allow", "--unknown-topology=allow", "--allocation=exact", "--workloads=deny", "--allow-degraded", "--freshness=0", "--log-level=debug", "--log-format=text", "--deadline=3", "--max-body=67108864", "--x=1"] - . == []' "all of it arrives, large numbers too"
holds 'args("tpguard-scheduler"; "tpguard") | ["--mode=warn", "--y"] - . == []' "beside the scheduler too"
renders "two rewrites" --set-string 'policy.rewrite=steer\,repin'
holds 'args("tpguard"; "tpguard") | index("--rewrite=steer,repin") != null' "a list of rewrites"

# Image
renders "a digest" --set "image.digest=sha256:$(printf '%064d' 0)"
holds 'pod("tpguard").containers[0].image == "registry.example.com/gpu/tpguard@sha256:" + ("0" * 64)' "pins the image by content"
renders "a tag" --set image.tag=x.1,image.pullPolicy=Never,imagePullSecrets[0].name=pull
holds 'pod("tpguard").containers[0] | .image == "registry.example.com/gpu/tpguard:x.1" and .imagePullPolicy == "Never"' "tag and pull policy"
holds '[kind("Deployment")[].spec.template.spec.imagePullSecrets] | unique == [[{name: "pull"}]]' "pull secrets for both"

# Places
renders "placement" --set 'webhook.priorityClassName=system-cluster-critical,webhook.nodeSelector.pool=system,webhook.tolerations[0].operator=Exists,webhook.affinity.nodeAffinity.x=y,webhook.podLabels.a=b,webhook.podAnnotations.c=d,webhook.topologySpreadConstraints[0].maxSkew=1,webhook.terminationGracePeriodSeconds=60,scheduler.priorityClassName=p,scheduler.tolerations[0].operator=Exists,scheduler.affinity.podAffinity.x=y,scheduler.podLabels.a=b,scheduler.podAnnotations.c=d'
holds 'pod("tpguard") | .priorityClassName == "system-cluster-critical" and .nodeSelector.pool == "system" and .tolerations == [{operator: "Exists"}] and .affinity.nodeAffinity.x == "y" and .topologySpreadConstraints == [{maxSkew: 1}] and .terminationGracePeriodSeconds == 60' "of the webhook"
holds 'pod("tpguard-scheduler") | .priorityClassName == "p" and .tolerations == [{operator: "Exists"}] and .affinity.podAffinity.x == "y"' "of the scheduler"
holds '[kind("Deployment")[].spec.template.metadata | .labels.a == "b" and .annotations.c == "d"] | all' "labels and annotations of pods"

# Names
objects=
helm_here template gate "$chart" -n elsewhere "${base[@]}" >"$work/out.yaml" && objects=$(to_json <"$work/out.yaml")
holds 'obj("MutatingWebhookConfiguration"; "gate-tpguard").webhooks | all(.clientConfig.service | .name == "gate-tpguard" and .namespace == "elsewhere")' "another release and namespace"
holds 'obj("ValidatingAdmissionPolicy"; "gate-tpguard-annotations").spec.variables[1].expression == "request.userInfo.username == '"'system:serviceaccount:elsewhere:gate-tpguard'"'"' "... whose account may write the annotations"
renders "a name by hand" --set fullnameOverride=wires
holds 'obj("Deployment"; "wires-scheduler") != null and (args("wires"; "tpguard") | index("--issue-tls=wires-tls") != null)' "... is everywhere"
