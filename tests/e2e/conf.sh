# Sourced by node.sh: writes the configuration files of the cluster into $S/conf. No effect beyond that.
# shellcheck shell=bash disable=SC2154

# Overlay on overlay does not mount; plain copies do.
snapshotter() { [ "$(stat -f -c %T "$S")" = overlayfs ] && echo native || echo overlayfs; }

conf_containerd() {
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE no sandbox starts ("can't get final child's PID from pipe").
    # The opt plugin would leave a folder in /opt.
    cat >"$S/conf/containerd.toml" <<EOF
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "tpguard.test/pod:1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$S/conf/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "$(snapshotter)"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
EOF
    mkdir -p "$S/conf/cni"
    cat >"$S/conf/cni/10-bridge.conflist" <<EOF
{"cniVersion": "0.4.0", "name": "tpguard", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
EOF
    echo '{"cniVersion": "0.4.0", "name": "lo", "type": "loopback"}' >"$S/conf/cni/99-loopback.conf"
}

conf_kubelet() {
    # failCgroupV1: from 1.35 on a kubelet refuses version 1 unless told. cgroupsPerQOS off: pods then sit in cgroupRoot,
    # which is this cluster's own and goes with it. No eviction: the disk and the memory are not ours to judge.
    cat >"$S/conf/kubelet.yaml" <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "$S/pki/ca.crt"}}
authorization: {mode: Webhook}
tlsCertFile: "$S/pki/kubelet-server.crt"
tlsPrivateKeyFile: "$S/pki/kubelet-server.key"
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: "/$CGROUP"
cgroupsPerQOS: false
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
evictionHard: {}
imageGCHighThresholdPercent: 100
serializeImagePulls: false
registerWithTaints: []
volumePluginDir: "$KUBELET_ROOT/volumeplugins"
resolvConf: "$S/conf/resolv.conf"
healthzBindAddress: 127.0.0.1
syncFrequency: 10s
fileCheckFrequency: 1h
nodeStatusUpdateFrequency: 5s
EOF
    # Nothing outside can be reached, so nobody is asked for names.
    echo 'nameserver 127.0.0.1' >"$S/conf/resolv.conf"
}

conf_control_plane() {
    cat >"$S/conf/kube-scheduler.yaml" <<EOF
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: "$S/pki/kube-scheduler.kubeconfig"}
leaderElection: {leaderElect: false}
EOF
    cat >"$S/conf/kube-proxy.yaml" <<EOF
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: "$S/pki/kube-proxy.kubeconfig"}
mode: iptables
clusterCIDR: 10.244.0.0/16
hostnameOverride: real1
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
iptables: {minSyncPeriod: 100ms}
EOF
}
