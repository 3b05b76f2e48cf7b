#!/usr/bin/env bash
# The part of cluster.sh that runs inside the cluster's namespaces (mount, network, processes): it makes the node and
# starts and stops its programs. Not for people; cluster.sh calls it.
# Usage: tests/e2e/node.sh STATE_DIR prepare | boot | start PROGRAM | stop PROGRAM [SIGNAL]
set -euo pipefail
S=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$S/env" # BIN CGROUP NODE_IP HOST_IP KUBELET_ROOT
# shellcheck source=tests/e2e/conf.sh
. "$here/conf.sh"
# shellcheck source=tests/e2e/detached.sh
. "$here/detached.sh"
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
IP=10.77.0.1
API=https://$NODE_IP:6443

# Mounts and the network. Mounts are private to this namespace and end with it. What containerd, the CNI plugins and the
# kubelet keep at fixed places is laid over with folders of this cluster, so that several run beside each other and
# beside whatever else uses these places on the machine.
prepare() {
    local d
    while read -r d; do
        mkdir -p "$S/node$d"
        mount --bind "$S/node$d" "$d"
    done <"$S/mountpoints"
    mount --make-rshared "$KUBELET_ROOT"
    ip link set lo up
    # A bridge without ports stands in for the node's network card: it takes the default route, and all ends there.
    ip link add node0 type bridge
    ip addr add $IP/24 dev node0
    ip link set node0 up
    ip route add default dev node0
    echo 1 >/proc/sys/net/ipv4/ip_forward
    ip link set cluster up
    ip addr add "$NODE_IP/30" dev cluster
    mkdir -p "$S"/{conf,log,pid,tmp}
    conf_containerd
    conf_kubelet
    conf_control_plane
}

# start PROGRAM: its command line, in a clean environment, with a log and a process id.
start() {
    local p=$1 pki=$S/pki arg=() admission=NodeRestriction,ExtendedResourceToleration
    case $p in
    etcd) arg=("$BIN/etcd" --name=n0 --data-dir="$S/etcd" --listen-client-urls=http://127.0.0.1:2379
        --advertise-client-urls=http://127.0.0.1:2379 --listen-peer-urls=http://127.0.0.1:2380
        --initial-advertise-peer-urls=http://127.0.0.1:2380 --initial-cluster=n0=http://127.0.0.1:2380 --unsafe-no-fsync) ;;
    kube-apiserver) arg=("$BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --bind-address=0.0.0.0
        --advertise-address="$IP" --secure-port=6443 --tls-cert-file="$pki/apiserver.crt"
        --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt"
        --kubelet-client-certificate="$pki/kubelet-client.crt" --kubelet-client-key="$pki/kubelet-client.key"
        --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP
        --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/sa.pub"
        --service-account-signing-key-file="$pki/sa.key" --service-cluster-ip-range=10.96.0.0/16
        "--authorization-mode=Node,RBAC" --allow-privileged=true --cert-dir="$S/tmp"
        # The second plugin lets pods that ask for GPUs tolerate the taint of GPU nodes, as managed clusters do.
        --enable-admission-plugins="$admission") ;;
    kube-controller-manager) arg=("$BIN/kube-controller-manager" --kubeconfig="$pki/kube-controller-manager.kubeconfig"
        --bind-address=127.0.0.1 --leader-elect=false --use-service-account-credentials=true
        --service-account-private-key-file="$pki/sa.key" --root-ca-file="$pki/ca.crt" --cert-dir="$S/tmp") ;;
    kube-scheduler) arg=("$BIN/kube-scheduler" --config="$S/conf/kube-scheduler.yaml" --bind-address=127.0.0.1
        --cert-dir="$S/tmp") ;;
    containerd) arg=(containerd --config "$S/conf/containerd.toml") ;;
    kubelet) arg=("$BIN/kubelet" --kubeconfig="$pki/kubelet.kubeconfig" --config="$S/conf/kubelet.yaml"
        --root-dir="$KUBELET_ROOT" --hostname-override=real1 --node-ip="$IP" --cert-dir="$S/tmp") ;;
    kube-proxy) arg=("$BIN/kube-proxy" --config="$S/conf/kube-proxy.yaml") ;;
    kwok) arg=("$BIN/kwok" --kubeconfig="$pki/admin.kubeconfig" --config="$here/stages.yaml"
        --manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake --node-lease-duration-seconds=40
        --server-address=127.0.0.1:10247 --cidr=10.245.0.0/16 --node-ip=10.77.0.2) ;;
    *) echo "no program \"$p\" in the cluster" >&2; return 2 ;;
    esac
    detached env -i PATH="$PATH" HOME="$S/tmp" TMPDIR="$S/tmp" "${arg[@]}" >>"$S/log/$p.log" 2>&1 &
    echo $! >"$S/pid/$p"
}

alive() { [ -s "$S/pid/$1" ] && kill -0 "$(cat "$S/pid/$1")" 2>/dev/null; }

# stop PROGRAM [SIGNAL]: and wait, 5 s at most before SIGKILL.
stop() {
    local pid i=0
    alive "$1" || return 0
    pid=$(cat "$S/pid/$1")
    kill -"${2:-TERM}" "$pid"
    while kill -0 "$pid" 2>/dev/null; do
        i=$((i + 1))
        [ $i -ne 100 ] || kill -KILL "$pid" 2>/dev/null || true
        sleep 0.05
    done
    rm -f "$S/pid/$1"
}

# until_true SECONDS PROGRAM WHAT COMMAND...
until_true() {
    local began=$SECONDS most=$1 program=$2 what=$3
    shift 3
    until "$@" >/dev/null 2>&1; do
        alive "$program" || { echo "$program ended:"; tail -n 15 "$S/log/$program.log"; return 1; } >&2
        [ $((SECONDS - began)) -lt "$most" ] || { echo "no $what in $most s:"; tail -n 15 "$S/log/$program.log"; return 1; } >&2
        sleep 0.1
    done
    echo "  $what" >&2
}

k() { "$BIN/kubectl" --kubeconfig "$S/pki/admin.kubeconfig" "$@"; }
node_is_ready() {
    [ "$(k get node real1 -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]
}

boot() {
    start etcd
    start kube-apiserver
    start containerd
    until_true 30 containerd "container runtime answers" ctr version
    until_true 60 kube-apiserver "API server is ready" curl -sSf -m 5 --cacert "$S/pki/ca.crt" "$API/readyz"
    for p in kube-controller-manager kube-scheduler kubelet kube-proxy kwok; do start $p; done
    ctr -n k8s.io images import "$S/pod.tar" >/dev/null
    until_true 60 kubelet "node real1 is ready" node_is_ready
    until_true 60 kube-controller-manager "service accounts are there" k -n default get serviceaccount default
}

"$@"
