#!/usr/bin/env bash
# A real Kubernetes cluster on this machine: control plane, one node that runs containers, and kwok for GPU nodes that
# are simulated. It lives in namespaces of its own (network, mounts, processes): several run beside each other, nothing
# leaves it, and when its first process ends the kernel ends all of it.
#   tests/e2e/cluster.sh up [NAME]                   NAME: tpguard; up to 20 of a-z, 0-9 and "-"
#   tests/e2e/cluster.sh down [NAME]
#   tests/e2e/cluster.sh status [NAME]
#   tests/e2e/cluster.sh restart NAME PROGRAM        kube-apiserver, etcd, kubelet, ...; also stop (as SIGNAL) and start
#   tests/e2e/cluster.sh stop NAME PROGRAM [SIGNAL]
#   tests/e2e/cluster.sh start NAME PROGRAM
# State: ${TPGUARD_RUN:-/run/tpguard}/NAME: admin.kubeconfig, kubectl, helm, enter, load-image, log/, conf/.
# TPGUARD_KUBELET_ROOT: the kubelet's folder inside the cluster, /var/lib/kubelet.
# Exit codes: 0 done, 1 it did not work, 2 wrong usage or something is missing on this machine.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
run=${TPGUARD_RUN:-/run/tpguard}
export PATH=$PATH:/usr/sbin:/sbin

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
need() { echo "tests/e2e/cluster.sh: $*" >&2; exit 2; }

verb=${1:-} name=${2:-tpguard}
case $verb in up | down | status) [ $# -le 2 ] || usage ;; restart | start) [ $# -eq 3 ] || usage ;;
stop) [ $# -eq 3 ] || [ $# -eq 4 ] || usage ;; *) usage ;; esac
[[ $name =~ ^[a-z0-9][a-z0-9-]{0,19}$ ]] || need "a name is up to 20 of a-z, 0-9 and \"-\", not \"$name\""
[ "$(id -u)" -eq 0 ] || need "needs root, for namespaces, mounts and containers: run it with sudo"
mkdir -p "$run"
run=$(cd "$run" && pwd -P)
S=$run/$name
cgroup=tpguard-$name

# shellcheck source=tests/e2e/detached.sh
. "$here/detached.sh"

# One at a time on this machine, for the moments in which addresses and mount points are taken or given back.
lock() {
    exec 8</run/lock
    flock -w 60 8 || { echo "another cluster.sh holds the lock of /run/lock for over 60 s" >&2; return 1; }
}

# ---- what is there ----

# The first process of the cluster, whose end is the end of all. Its program is a file of this cluster alone, so that a
# number used again by somebody else is never taken for it.
first() {
    local pid
    pid=$(cat "$S/first.pid" 2>/dev/null) || return 1
    [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$S/pod" ] && echo "$pid"
}
inside() {
    local pid
    pid=$(first) || { echo "cluster $name is not up" >&2; return 1; }
    nsenter -t "$pid" -n -m -p -- "$@"
}

preconditions() {
    local tool
    for tool in containerd:containerd ctr:containerd runc:runc ip:iproute2 iptables:iptables conntrack:conntrack \
        nsenter:util-linux unshare:util-linux setsid:util-linux openssl:openssl jq:jq curl:curl gcc:gcc; do
        command -v "${tool%:*}" >/dev/null || need "${tool%:*} is not installed: apt-get install ${tool#*:}, or tests/deps.sh build test e2e"
    done
    [ -x /usr/lib/cni/bridge ] || need "/usr/lib/cni/bridge is not there: apt-get install containernetworking-plugins"
    [ -e /sys/fs/cgroup/cgroup.controllers ] || [ -d /sys/fs/cgroup/memory ] ||
        need "no cgroups below /sys/fs/cgroup: a container cannot run here; mount them or use another machine"
    unshare -n -m -p --fork true 2>/dev/null || need "namespaces cannot be made here (unshare): use a machine or a privileged container"
    unshare -n ip link add t0 type bridge 2>/dev/null || need "the kernel has no bridge device: modprobe bridge veth"
}

# ---- up ----

# Places that containerd, the CNI plugins and the kubelet insist on.
mountpoints=("${TPGUARD_KUBELET_ROOT:-/var/lib/kubelet}" /var/lib/containerd /var/lib/cni /run/containerd /run/netns
    /var/log/pods /var/log/containers)

make_mountpoints() {
    local d
    for d in "${mountpoints[@]}"; do
        [ -d "$d" ] || { mkdir -p "$d" && echo "$d" >>"$run/.made"; }
    done
    printf '%s\n' "${mountpoints[@]}" >"$S/mountpoints"
}

# A pair of addresses of 198.18.77.0/24 (kept for benchmarks, routed nowhere) that no device here has: HOST CLUSTER
free_addresses() {
    local i have
    have=$(ip -4 -o addr show)
    for ((i = 0; i < 64; i++)); do
        case $have in *" 198.18.77.$((4 * i + 1))/"*) continue ;; esac
        echo "198.18.77.$((4 * i + 1)) 198.18.77.$((4 * i + 2))"
        return 0
    done
    echo "64 clusters are up already" >&2
    return 1
}

start_first() {
    local parent i pid=
    detached unshare --net --mount --pid --fork --mount-proc --propagation private "$S/pod" >/dev/null 2>&1 &
    parent=$!
    for ((i = 0; i < 100; i++)); do
        pid=$(pgrep -P "$parent" || true)
        echo "$pid" >"$S/first.pid"
        [ -z "$pid" ] || [ -z "$(first)" ] || return 0
        sleep 0.05
    done
    echo "the first process does not start" >&2
    return 1
}

script() { # NAME LINE...
    printf '#!/bin/sh\n' >"$S/$1"
    printf '%s\n' "${@:2}" >>"$S/$1"
    chmod 0755 "$S/$1"
}
write_wrappers() {
    script enter "exec nsenter -t $(cat "$S/first.pid") -n -m -p -- \"\$@\""
    # A proxy of the environment is not for addresses of this machine.
    script kubectl "export KUBECONFIG='$S/admin.kubeconfig' NO_PROXY='*'" "exec '$bin/kubectl' \"\$@\""
    script helm "export KUBECONFIG='$S/admin.kubeconfig' NO_PROXY='*' HELM_CACHE_HOME='$S/helm-home' HELM_CONFIG_HOME='$S/helm-home' HELM_DATA_HOME='$S/helm-home'" \
        "exec '$bin/helm' \"\$@\""
    # shellcheck disable=SC2016 # for the script, not for us
    script load-image 'f=$(realpath -- "${1:?load-image FILE.tar}")' "exec '$S/enter' ctr -n k8s.io images import \"\$f\""
}

# Everything that two clusters starting at once must not do at the same time.
claim() {
    local pair device
    lock
    make_mountpoints
    pair=$(free_addresses)
    host_ip=${pair% *} node_ip=${pair#* }
    cat >"$S/env" <<EOF
BIN='$bin'
CGROUP='$cgroup'
HOST_IP=$host_ip
NODE_IP=$node_ip
KUBELET_ROOT='${mountpoints[0]}'
EOF
    start_first
    device=tpg$(cut -d. -f4 <<<"$host_ip")
    ip link add "$device" type veth peer name cluster netns "$(cat "$S/first.pid")"
    ip addr add "$host_ip/30" dev "$device"
    ip link set "$device" up
    inside "$here/node.sh" "$S" prepare
    exec 8<&-
}

up() {
    if first >/dev/null; then
        echo "cluster $name is already up"
        show_use
        return 0
    fi
    preconditions
    bin=$("$here/build.sh")
    clean_up
    began=$(date +%s%N)
    echo "starting cluster $name ..." >&2
    mkdir -m 0755 "$S"
    trap 'failed' EXIT
    gcc -O2 -static -o "$S/pod" "$here/pod.c"
    "$here/oci.sh" "$S/pod.tar" tpguard.test/pod:1 '{"Entrypoint":["/pod"]}' "$S/pod=/pod"
    claim
    "$here/certs.sh" "$S/pki" "https://$node_ip:6443" 10.77.0.1 "$node_ip"
    install -m 0600 "$S/pki/admin.kubeconfig" "$S/admin.kubeconfig"
    write_wrappers
    inside "$here/node.sh" "$S" boot
    # shellcheck disable=SC2016
    curl -sSf -m 5 --noproxy '*' -o /dev/null --cacert "$S/pki/ca.crt" "https://$node_ip:6443/readyz"
    trap - EXIT
    echo "cluster $name is up after $((($(date +%s%N) - began) / 100000000))" | sed 's/\(.\)$/.\1 s/'
    show_use
}

failed() {
    local kept=${TMPDIR:-/tmp}/tpguard-$name-log
    rm -rf "$kept"
    cp -r "$S/log" "$kept" 2>/dev/null || true
    echo "cluster $name did not come up; logs: $kept" >&2
    down >/dev/null
    exit 1
}

show_use() {
    cat <<EOF
  kubectl    export KUBECONFIG=$S/admin.kubeconfig, or $S/kubectl
  helm       $S/helm
  images     $S/load-image FILE.tar (an OCI or docker archive)
  inside     $S/enter COMMAND (Services at 10.96.0.0/16, pods at 10.244.0.0/24)
  NodePorts  $(sed -n 's/^NODE_IP=//p' "$S/env"):PORT from this machine
  kubelet    $S/node${mountpoints[0]} (device-plugins, pod-resources), a hostPath of pods as ${mountpoints[0]}
  logs       $S/log
  end        tests/e2e/cluster.sh down $name
EOF
}

# ---- down ----

# The API server before etcd: one whose etcd has gone waits for minutes. Then nothing is left worth a farewell.
down() {
    local pid p
    if pid=$(first); then
        for p in kwok:TERM kubelet:TERM kube-apiserver:KILL etcd:TERM; do
            inside timeout 10 "$here/node.sh" "$S" stop "${p%:*}" "${p#*:}" 2>/dev/null || true
        done
        kill -KILL "$pid" 2>/dev/null || true
        while [ -e "/proc/$pid" ]; do sleep 0.02; done
    fi
    clean_up
}

# What stays when all processes have gone: cgroups, the state, mount points we made. Fine to call at any time.
clean_up() {
    local i d
    for ((i = 0; i < 100; i++)); do
        # A cgroup is removed from the leaves up, and only once the kernel is done with its processes.
        find /sys/fs/cgroup -mindepth 1 -maxdepth 2 -type d -name "$cgroup" -exec find {} -depth -type d -exec rmdir {} + ';' 2>/dev/null || true
        [ -n "$(find /sys/fs/cgroup -mindepth 1 -maxdepth 2 -type d -name "$cgroup")" ] || break
        sleep 0.05
    done
    rm -rf "$S"
    [ "$verb" != up ] || return 0
    lock
    if [ -s "$run/.made" ]; then
        while read -r d; do
            # Removing a folder that another cluster has laid over would take its mount away.
            grep -qs " $d " /proc/[0-9]*/mountinfo || rmdir "$d" 2>/dev/null || true
        done <"$run/.made"
    fi
    [ -n "$(find "$run" -mindepth 1 -maxdepth 1 -type d)" ] || rm -f "$run/.made"
    rmdir "$run" 2>/dev/null || true
    exec 8<&-
}

status() {
    local pid p out
    pid=$(first) || { echo "cluster $name is not up"; return 1; }
    echo "cluster $name is up since $(ps -o lstart= -p "$pid")"
    for p in etcd kube-apiserver kube-controller-manager kube-scheduler containerd kubelet kube-proxy kwok; do
        # shellcheck disable=SC2016
        out=$(inside sh -c 'ps -o rss=,pid= -p "$(cat "$1")"' sh "$S/pid/$p" 2>/dev/null) || out="0 gone"
        awk -v p=$p '{ printf "  %-24s %5d MiB  %s\n", p, $1 / 1024, $2 == "gone" ? "gone" : "" }' <<<"$out"
    done
    "$S/kubectl" get nodes -o wide
}

case $verb in
up) up ;;
down)
    existed=
    [ ! -d "$S" ] || existed=1
    down
    [ -n "$existed" ] && echo "cluster $name is gone" || echo "cluster $name was not up"
    ;;
status) status ;;
start) inside "$here/node.sh" "$S" start "$3" ;;
stop) inside "$here/node.sh" "$S" stop "$3" "${4:-TERM}" ;;
restart)
    inside "$here/node.sh" "$S" stop "$3" "$([ "$3" = kube-apiserver ] && echo KILL || echo TERM)"
    inside "$here/node.sh" "$S" start "$3"
    ;;
esac
