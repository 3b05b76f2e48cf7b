{{- define "tpguard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "tpguard.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "tpguard.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tpguard.schedulerFullname" -}}
{{- printf "%s-scheduler" (include "tpguard.fullname" .) -}}
{{- end -}}

{{- define "tpguard.agentFullname" -}}
{{- printf "%s-agent" (include "tpguard.fullname" .) -}}
{{- end -}}

{{/* Labels that select pods: never changed, so nothing that changes is among them. Argument: list of context, component. */}}
{{- define "tpguard.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "tpguard.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "tpguard.labels" -}}
{{- $root := index . 0 -}}
{{ include "tpguard.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_") }}
{{- end -}}

{{- define "tpguard.image" -}}
{{- $image := .Values.image -}}
{{- $repository := required "image.repository is not set: tpguard has no public registry. Build the image with `make image`, push build/image/tpguard.tar to a registry of yours (skopeo copy oci-archive:build/image/tpguard.tar docker://REGISTRY/tpguard:VERSION) and say --set image.repository=REGISTRY/tpguard; or load it on every node (ctr -n k8s.io images import tpguard.tar) and say --set image.repository=docker.io/library/tpguard,image.pullPolicy=Never" $image.repository -}}
{{- include "tpguard.ref" (dict "image" $image "repository" $repository "tag" (default .Chart.AppVersion $image.tag)) -}}
{{- end -}}

{{/* A vendor's suffix (-gke.1, +k3s1, -eks-1) is no tag of the stock image. */}}
{{- define "tpguard.schedulerImage" -}}
{{- $image := .Values.scheduler.image -}}
{{- $version := regexFind "^v[0-9]+\\.[0-9]+\\.[0-9]+" .Capabilities.KubeVersion.Version -}}
{{- include "tpguard.ref" (dict "image" $image "repository" $image.repository "tag" (default $version $image.tag)) -}}
{{- end -}}

{{- define "tpguard.ref" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .repository .tag -}}
{{- end -}}
{{- end -}}

{{- define "tpguard.tlsSecret" -}}
{{- if eq .Values.tls.mode "secret" -}}
{{- required "tls.secretName is not set: tls.mode=secret wants the name of a Secret of type kubernetes.io/tls in the release's namespace" .Values.tls.secretName -}}
{{- else -}}
{{- printf "%s-tls" (include "tpguard.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "tpguard.serviceHost" -}}
{{- printf "%s.%s.svc" (include "tpguard.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/* User names of the ServiceAccounts. */}}
{{- define "tpguard.user" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "tpguard.fullname" .) -}}
{{- end -}}

{{/* Policy and log, the same for both roles: two deciders that disagree would send a pod in circles. */}}
{{- define "tpguard.commonArgs" -}}
- --live
- --namespace=$(POD_NAMESPACE)
- --identity=$(POD_NAME)
- --listen=0.0.0.0:9443
- --mode={{ .Values.policy.mode }}
- --rewrite={{ .Values.policy.rewrite }}
- --unsatisfiable={{ .Values.policy.unsatisfiable }}
{{- if .Values.policy.autoscaler }}
- --autoscaler
{{- end }}
- --unknown-tp={{ .Values.policy.unknownTp }}
- --unknown-topology={{ .Values.policy.unknownTopology }}
- --workloads={{ .Values.policy.workloads }}
- --allocation={{ .Values.policy.allocation }}
{{- if .Values.policy.allowDegraded }}
- --allow-degraded
{{- end }}
- --freshness={{ .Values.policy.freshnessSeconds | int64 }}
{{- if .Values.scheduler.enabled }}
- --scheduler-name={{ .Values.scheduler.name }}
{{- end }}
- --max-body={{ .Values.webhook.maxBodyBytes | int64 }}
- --deadline={{ .Values.webhook.deadlineSeconds | int64 }}
- --log-level={{ .Values.log.level }}
- --log-format={{ .Values.log.format }}
{{- end -}}

{{- define "tpguard.env" -}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- end -}}

{{/* Long to start where the caches are large; then: dead after 30 s without an answer, out of the Service after 10 s. */}}
{{- define "tpguard.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: https, scheme: HTTPS}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: https, scheme: HTTPS}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: https, scheme: HTTPS}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end -}}

{{- define "tpguard.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "tpguard.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Argument: list of context, component, constraints of the values. */}}
{{- define "tpguard.spread" -}}
{{- $selector := include "tpguard.selector" . -}}
{{- if index . 2 -}}
{{- toYaml (index . 2) }}
{{- else -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- $selector | nindent 6 }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* CEL: does this pod spec ask for GPUs, or name them? Argument: the CEL expression of the pod's spec. Together with
tpguard.celClaims it must hold for every pod that the program calls a GPU pod (pod_is_gpu), and for none that asks for no
GPU ("nvidia.com/gpu: 0"): such a pod would wait for tpguard. tests/chart/pods.json has examples of all. */}}
{{- define "tpguard.celGpu" -}}
{{- $gpu := include "tpguard.celGpuName" . -}}
({{ . }}.?containers.orValue([]) + {{ . }}.?initContainers.orValue([])).exists(c,
  c.?resources.?limits.orValue({}).exists(k, k.matches('{{ $gpu }}') && c.resources.limits[k] != '0') ||
  c.?resources.?requests.orValue({}).exists(k, k.matches('{{ $gpu }}') && c.resources.requests[k] != '0') ||
  c.?env.orValue([]).exists(e,
    (e.name == 'NVIDIA_VISIBLE_DEVICES' && !has(e.valueFrom) && !(e.?value.orValue('').trim() in ['', 'none', 'void'])) ||
    (e.name == 'CUDA_VISIBLE_DEVICES' && e.?value.orValue('').trim().matches('^[0-9]'))))
{{- end -}}

{{/* CEL: does it hold claims (DRA)? Of a network card, a GPU, anything: the pod does not say. tpguard knows no wires of
claimed devices and refuses none of them, so the webhook on pods leaves them alone. */}}
{{- define "tpguard.celClaims" -}}
({{ . }}.?containers.orValue([]) + {{ . }}.?initContainers.orValue([])).exists(c, size(c.?resources.?claims.orValue([])) > 0)
{{- end -}}

{{- define "tpguard.celGpuName" -}}
^(nvidia[.]com/(gpu|mig-|vgpu)|volcano[.]sh/v?gpu-|aliyun[.]com/gpu-|tencent[.]com/vcuda-|koordinator[.]sh/gpu|amd[.]com/gpu|gpu[.]intel[.]com/|habana[.]ai/gaudi)
{{- end -}}

{{/* CEL: the pod does not say that it is none of ours. */}}
{{- define "tpguard.celNotIgnored" -}}
object.metadata.?labels[?'tpguard.io/ignore'].orValue('') != 'true'
{{- end -}}

{{/* Namespaces that are looked at, for webhooks and policies alike. */}}
{{- define "tpguard.namespaceSelector" -}}
matchExpressions:
- key: kubernetes.io/metadata.name
  operator: NotIn
  values:
  {{- range (prepend (default list .Values.excludedNamespaces) .Release.Namespace | uniq) }}
  - {{ . }}
  {{- end }}
- key: tpguard.io/mode
  operator: NotIn
  values: ["off"]
{{- end -}}
