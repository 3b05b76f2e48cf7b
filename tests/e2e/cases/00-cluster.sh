# The harness itself: a container runs and is reached, simulated nodes carry GPU pods, Jobs end.
# shellcheck shell=bash

k apply -f - >/dev/null <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - name: web
    image: tpguard.test/pod:1
    imagePullPolicy: Never
    args: [serve, "8080"]
    volumeMounts: [{name: books, mountPath: /books}]
  volumes:
  # Ready only if the folder and its socket are where a pod looks for them.
  - {name: books, hostPath: {path: /var/lib/kubelet/pod-resources/kubelet.sock, type: Socket}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}
EOF
ok quietly k wait --for=condition=Ready pod/web --timeout=60s -- "a pod becomes ready"
is "$(field pod/web '{.spec.nodeName}')" real1 "it runs on the real node"
has "$(inside ctr -n k8s.io tasks ls)" RUNNING "as a container"
eventually 10 inside curl -sf -m 2 "http://$(field svc/web '{.spec.clusterIP}')/"
has "$(inside curl -s -m 5 "http://$(field svc/web '{.spec.clusterIP}')/")" "host web" "reached through its Service"
has "$(web "http://$(node_ip):30080/")" "host web" "reached from this machine through a NodePort"
has "$(k logs web)" "serving on port 8080" "kubectl logs"
has "$(k exec web -- /pod exit 0)" "ending with 0" "kubectl exec"

ok example_nodes -- "simulated nodes become ready"
is "$(field node/gpu-a '{.status.allocatable.nvidia\.com/gpu}')" 4 "a simulated node has its GPUs"
has "$(field node/gpu-a '{.metadata.annotations.tpguard\.io/topology}')" '"version":1' "a node says its wiring"

k apply -f - >/dev/null <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: gpu}
spec:
  containers: [{name: c, image: none, resources: {limits: {nvidia.com/gpu: 4}}}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: gpu-job}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: c, image: none, resources: {limits: {nvidia.com/gpu: 1}}}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: bad-job}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {tpguard.test/run-for: 2s, tpguard.test/exit: "3"}}
    spec:
      restartPolicy: Never
      containers: [{name: c, image: none, resources: {limits: {nvidia.com/gpu: 1}}}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: real-job}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: c, image: "tpguard.test/pod:1", imagePullPolicy: Never, args: [exit, "0"]}]
EOF
becomes 20 Running pod/gpu '{.status.phase}' -- "a pod that asks for GPUs runs"
has "$(field pod/gpu '{.spec.nodeName}')" gpu- "on a simulated node"
becomes 20 1 job/gpu-job '{.status.succeeded}' -- "a Job with GPUs completes"
becomes 20 1 job/bad-job '{.status.failed}' -- "a Job whose pod fails is failed"
is "$(k get pods -l job-name=bad-job -o 'jsonpath={.items[0].status.containerStatuses[0].state.terminated.exitCode}')" 3 \
    "with its exit code"
becomes 30 1 job/real-job '{.status.succeeded}' -- "a Job of containers completes"

ok kube_scheduler_image -- "the stock scheduler is an image of the node"
has "$(inside ctr -n k8s.io images ls -q)" registry.k8s.io/kube-scheduler:v "under the name of the release"

ok eventually 15 has_event job/real-job "Normal Completed" -- "events are told"
k delete pod/web pod/gpu svc/web job/gpu-job job/bad-job job/real-job --wait=false >/dev/null
none_left() { [ -z "$(k get pods -o name)" ]; }
ok eventually 45 none_left -- "pods go when they are deleted"
k delete node gpu-a gpu-b gpu-c gpu-d >/dev/null
