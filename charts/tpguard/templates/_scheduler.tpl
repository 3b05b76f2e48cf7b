{{/* Every node is looked at (100): with a sample, all of it may be without NVLink while a fit node was left out. The
extender is on loopback in the same pod: nobody stands between, so its certificate is not checked. No bindVerb: the
binding gate holds under any scheduler. */}}
{{- define "tpguard.schedulerConfig" -}}
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection:
  leaderElect: true
  resourceName: tpguard-scheduler
  resourceNamespace: {{ .Release.Namespace }}
percentageOfNodesToScore: 100
podMaxBackoffSeconds: 10
profiles:
- schedulerName: {{ .Values.scheduler.name }}
extenders:
- urlPrefix: https://127.0.0.1:9444/scheduler
  filterVerb: filter
  prioritizeVerb: prioritize
  preemptVerb: preempt
  weight: {{ .Values.scheduler.weight | int64 }}
  enableHTTPS: true
  tlsConfig:
    insecure: true
  httpTimeout: {{ .Values.scheduler.httpTimeout }}
  nodeCacheCapable: true
  managedResources:
  - name: nvidia.com/gpu
    ignoredByScheduler: false
  ignorable: false
{{- end -}}
