{{/* What all webhooks share. Argument: list of context, path. */}}
{{- define "tpguard.webhookCommon" -}}
{{- $root := index . 0 -}}
admissionReviewVersions: [v1]
clientConfig:
  service:
    name: {{ include "tpguard.fullname" $root }}
    namespace: {{ $root.Release.Namespace }}
    path: {{ index . 1 }}
    port: 443
  {{- if eq $root.Values.tls.mode "secret" }}
  caBundle: {{ $root.Values.tls.caBundle | b64enc }}
  {{- end }}
matchPolicy: Equivalent
timeoutSeconds: {{ $root.Values.webhook.timeoutSeconds | int64 }}
namespaceSelector:
  {{- include "tpguard.namespaceSelector" $root | nindent 2 }}
{{- end -}}

{{- define "tpguard.webhookWorkload" -}}
{{- include "tpguard.webhookCommon" (list . "/admit/workloads") }}
failurePolicy: Ignore
sideEffects: None
reinvocationPolicy: Never
{{- end -}}

{{- define "tpguard.celWorkload" -}}
- name: not-owned
  expression: "!object.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false))"
{{- end -}}
