# shellcheck shell=bash disable=SC2154,SC2016
# TLS, scheduler, PDB, network policy, monitoring: each on and off.

# TLS
renders "tls.mode=self"
holds 'hooks | all(.clientConfig | has("caBundle") | not)' "self: caBundle is the leader's"
holds 'kind("Secret") + kind("Certificate") == [] and (pod("tpguard") | has("volumes") | not)' "no Secret of the chart's, no volume"
renders "tls.mode=certManager" --set tls.mode=certManager
holds 'obj("MutatingWebhookConfiguration"; "tpguard").metadata.annotations["cert-manager.io/inject-ca-from"] == "tpguard-system/tpguard"' "cert-manager injects the CA of our Certificate"
holds 'obj("Certificate"; "tpguard").spec | .secretName == "tpguard-tls" and .dnsNames == ["tpguard.tpguard-system.svc"] and .issuerRef.name == "tpguard-ca"' "a Certificate for the Service's name"
holds 'obj("Certificate"; "tpguard-ca").spec.isCA and obj("Issuer"; "tpguard-ca").spec.ca.secretName == "tpguard-ca"' "signed by a CA that stays"
holds 'args("tpguard"; "tpguard") | (["--tls-cert=/etc/tpguard/tls/tls.crt", "--tls-key=/etc/tpguard/tls/tls.key"] - . == []) and all(test("issue-tls|webhook-config|tls-san") | not)' "mounted, not made by tpguard"
holds 'pod("tpguard") | .volumes[0].secret.secretName == "tpguard-tls" and .containers[0].volumeMounts[0].mountPath == "/etc/tpguard/tls"' "from the Certificate's Secret"
holds '[kind("Role")[].rules[], kind("ClusterRole")[].rules[] | .resources[]] | index("secrets") == null and index("mutatingwebhookconfigurations") == null' "... and no right to Secrets or webhook configurations"
renders "an issuer of your own" --set tls.mode=certManager,tls.certManager.issuerRef.name=corp,tls.certManager.issuerRef.kind=ClusterIssuer
holds 'obj("Certificate"; "tpguard").spec.issuerRef == {name: "corp", kind: "ClusterIssuer"} and kind("Issuer") == [] and obj("Certificate"; "tpguard-ca") == null' "is used alone"
renders "tls.mode=secret" --set tls.mode=secret,tls.secretName=mine --set-string tls.caBundle=$'-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n'
holds 'hooks | all(.clientConfig.caBundle | @base64d | startswith("-----BEGIN CERTIFICATE-----\nx\n"))' "secret: the CA is yours"
holds 'pod("tpguard").volumes[0].secret.secretName == "mine"' "so is the Secret"
refuses "tls.secretName is not set" "secret without a name is refused" "${base[@]}" --set tls.mode=secret --set-string tls.caBundle='-----BEGIN CERTIFICATE-----'
refuses "tls.caBundle is not set" "secret without a CA is refused" "${base[@]}" --set tls.mode=secret,tls.secretName=mine

# Scheduler
renders "the scheduler"
config=$(jq -r '.[] | select(.kind == "ConfigMap" and .metadata.name == "tpguard-scheduler").data["scheduler.yaml"]' <<<"$objects" | to_json)
is "$(jq -c '.[0] | [.leaderElection, .percentageOfNodesToScore, .podMaxBackoffSeconds, .profiles]' <<<"$config")" \
    '[{"leaderElect":true,"resourceName":"tpguard-scheduler","resourceNamespace":"tpguard-system"},100,10,[{"schedulerName":"tpguard-scheduler"}]]' "looks at all nodes, elects in its own namespace"
is "$(jq -cS '.[0].extenders[0]' <<<"$config")" \
    '{"enableHTTPS":true,"filterVerb":"filter","httpTimeout":"5s","ignorable":false,"managedResources":[{"ignoredByScheduler":false,"name":"nvidia.com/gpu"}],"nodeCacheCapable":true,"preemptVerb":"preempt","prioritizeVerb":"prioritize","tlsConfig":{"insecure":true},"urlPrefix":"https://127.0.0.1:9444/scheduler","weight":5}' "the extender, on loopback; no bindVerb"
sum=$(jq -r '.[] | select(.kind == "Deployment" and .metadata.name == "tpguard-scheduler").spec.template.metadata.annotations["checksum/config"]' <<<"$objects")
for version in v1.33.4-gke.1172000:v1.33.4 v1.31.2+k3s1:v1.31.2 v1.30.14-eks-9af4c6b:v1.30.14 v1.36.4:v1.36.4; do
    renders "Kubernetes ${version%:*}" --kube-version "${version%:*}"
    holds "pod(\"tpguard-scheduler\").containers[0].image == \"registry.k8s.io/kube-scheduler:${version#*:}\"" "... takes kube-scheduler ${version#*:}"
done
renders "a scheduler of another name and image" --set scheduler.name=wires,scheduler.replicas=2,scheduler.weight=9,scheduler.image.tag=v1,scheduler.image.repository=mirror/ks,scheduler.extraArgs[0]=--z
holds 'args("tpguard"; "tpguard") | index("--scheduler-name=wires") != null' "pods are steered to it"
holds 'pod("tpguard-scheduler").containers[0] | .image == "mirror/ks:v1" and (.args | index("--z") != null)' "... its image and arguments"
holds "obj(\"Deployment\"; \"tpguard-scheduler\").spec.template.metadata.annotations[\"checksum/config\"] != \"$sum\"" "a new configuration restarts it"
renders "no scheduler" --set scheduler.enabled=false
holds 'tostring | test("kube-scheduler|volume-scheduler|tpguard-scheduler|scheduler-name") | not' "nothing of it is left"
holds 'kind("ServiceAccount") | map(.metadata.name) | index("tpguard-scheduler") == null' "no account of it"

# PDB
renders "the defaults again"
holds 'kind("PodDisruptionBudget") | map(.metadata.name) == ["tpguard-webhook"]' "a PDB where there are two replicas"
holds 'obj("PodDisruptionBudget"; "tpguard-webhook").spec | .maxUnavailable == 1 and .unhealthyPodEvictionPolicy == "AlwaysAllow"' "one at a time"
renders "one replica" --set webhook.replicas=1
holds 'kind("PodDisruptionBudget") == [] and obj("Deployment"; "tpguard").spec.replicas == 1' "no PDB: the node can be drained"
renders "two schedulers" --set scheduler.replicas=2
holds 'kind("PodDisruptionBudget") | map(.metadata.name) == ["tpguard-scheduler", "tpguard-webhook"]' "a PDB for each"
renders "podDisruptionBudget.enabled=false" --set podDisruptionBudget.enabled=false
holds 'kind("PodDisruptionBudget") == []' "none"

# Network policy
renders "the defaults once more"
holds 'kind("NetworkPolicy") | map(select(.metadata.name != "tpguard-agent")) | length == 2 and all(.spec.ingress == [{ports: [{port: 9443, protocol: "TCP"}]}])' "in: 9443 only"
holds 'kind("NetworkPolicy") | all(.spec.egress | length == 1 and (.[0].ports | map(.port) == [443, 6443, 8443, 16443]))' "out: the API server"
renders "networkPolicy.enabled=false" --set networkPolicy.enabled=false
holds 'kind("NetworkPolicy") == []' "none"
renders "one port, no scheduler" --set 'networkPolicy.apiServerPorts={7443},scheduler.enabled=false'
holds 'kind("NetworkPolicy") | map(select(.metadata.name != "tpguard-agent")) | length == 1 and (.[0].spec.egress[0].ports | map(.port) == [7443])' "as it says"

# Monitoring
holds 'kind("ServiceMonitor") == []' "no ServiceMonitor unless asked"
renders "a ServiceMonitor" --set serviceMonitor.enabled=true,serviceMonitor.labels.release=prom,serviceMonitor.interval=10s
holds 'obj("ServiceMonitor"; "tpguard") | .metadata.labels.release == "prom" and .spec.endpoints == [{port: "https", scheme: "https", path: "/metrics", interval: "10s", tlsConfig: {serverName: "tpguard.tpguard-system.svc", ca: {secret: {name: "tpguard-tls", key: "ca.crt"}}}}]' "checks the certificate"
renders "... that does not check" --set serviceMonitor.enabled=true,serviceMonitor.insecureSkipVerify=true
holds 'obj("ServiceMonitor"; "tpguard").spec.endpoints[0].tlsConfig == {insecureSkipVerify: true}' "if told so"

# Service, accounts
renders "Service and accounts" --set service.clusterIP=10.96.7.7,service.type=NodePort,service.annotations.a=b,serviceAccount.annotations.c=d
holds 'obj("Service"; "tpguard") | .spec.clusterIP == "10.96.7.7" and .spec.type == "NodePort" and .metadata.annotations == {a: "b"}' "as asked"
holds 'kind("ServiceAccount") | all(.metadata.annotations == {c: "d"})' "both accounts"
