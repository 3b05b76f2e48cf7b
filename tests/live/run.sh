#!/usr/bin/env bash
# The leader election and the shared certificate on a real cluster: replicas that are killed, stopped and started again;
# certificates and CAs that are renewed every few seconds while the API server and other clients keep calling.
# Usage: tests/live/run.sh REPLICA CLUSTER_DIR [autoscaler|lease|issue]
#   REPLICA      build/release/tests/live/replica
#   CLUSTER_DIR  of a running cluster: /run/tpguard/NAME (tests/e2e/cluster.sh up NAME)
# Prints TAP. Leaves the cluster up and takes its own objects away.
set -u
replica=${1:?REPLICA} cluster=${2:?CLUSTER_DIR} part=${3:-all}
replica=$(realpath "$replica")
ns=tpguard-live
work=$(mktemp -d)
n=0 failed=0
pids=()
k() { "$cluster/kubectl" "$@"; }
ok() { # CONDITION WHAT
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=$((failed + 1)); fi
}
is() { # GOT WANT WHAT
    if [ "$1" = "$2" ]; then ok 0 "$3"; else ok 1 "$3"; printf '#  got: %s\n# want: %s\n' "$1" "$2"; fi
}
end_all() {
    local p
    for p in "${pids[@]}"; do kill -CONT "$p" 2>/dev/null; kill -9 "$p" 2>/dev/null; done
    pids=()
}
# shellcheck disable=SC2329 # by the trap
finish() {
    end_all
    wait 2>/dev/null
    k delete namespace "$ns" --wait=false >/dev/null 2>&1
    k delete mutatingwebhookconfiguration tpguard-live >/dev/null 2>&1
    k delete crd nodepools.karpenter.sh >/dev/null 2>&1
    k -n kube-system delete configmap cluster-autoscaler-status >/dev/null 2>&1
    k delete clusterrole,clusterrolebinding tpguard-live >/dev/null 2>&1
    k -n kube-system delete role,rolebinding tpguard-live >/dev/null 2>&1
    if [ "${KEEP:-}" ]; then echo "# logs: $work"; else rm -rf "$work"; fi
}
trap finish EXIT
mono() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }
within() { # SECONDS COMMAND...
    local end=$(($(date +%s) + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt $end ] || return 1
        sleep 0.1
    done
}
holder() { k -n "$ns" get lease tpguard-leader -o jsonpath='{.spec.holderIdentity}'; }
held_by() { [ "$(holder)" = "$1" ]; }

# ---- what the chart grants, and nothing more ----
rights() {
    k wait --for=delete namespace "$ns" --timeout=60s >/dev/null 2>&1 # of the run before
    k create namespace "$ns" >/dev/null
    k apply -f - >/dev/null <<EOF
apiVersion: v1
kind: ServiceAccount
metadata: {name: tpguard, namespace: $ns}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tpguard, namespace: $ns}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create]}
- {apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [tpguard-leader], verbs: [get, patch]}
- {apiGroups: [""], resources: [secrets], verbs: [create]}
- {apiGroups: [""], resources: [secrets], resourceNames: [tpguard-tls], verbs: [get, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: tpguard, namespace: $ns}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: tpguard}
subjects: [{kind: ServiceAccount, name: tpguard, namespace: $ns}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tpguard-live}
rules:
- apiGroups: [admissionregistration.k8s.io]
  resources: [mutatingwebhookconfigurations, validatingwebhookconfigurations]
  resourceNames: [tpguard-live]
  verbs: [get, patch]
- {apiGroups: [karpenter.sh], resources: [nodepools], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: tpguard-live}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: tpguard-live}
subjects: [{kind: ServiceAccount, name: tpguard, namespace: $ns}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tpguard-live, namespace: kube-system}
rules:
- {apiGroups: [""], resources: [configmaps], resourceNames: [cluster-autoscaler-status], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: tpguard-live, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: tpguard-live}
subjects: [{kind: ServiceAccount, name: tpguard, namespace: $ns}]
EOF
    k config view --raw -o json >"$work/admin.json"
    k -n "$ns" create token tpguard --duration 2h >"$work/token"
    jq --rawfile t "$work/token" '.users[0].user = {token: ($t | rtrimstr("\n"))}' "$work/admin.json" >"$work/kubeconfig"
}

# ---- the election ----
start() { # ID OPTIONS...: one more replica; its process in $last
    local id=$1
    shift
    "$replica" --kubeconfig "$work/kubeconfig" --ns "$ns" --identity "$id" "$@" >>"$work/$id.out" 2>>"$work/$id.err" &
    last=$!
    pids+=("$last")
}

lease_real_times() {
    start a
    local a=$last b from took
    within 5 held_by a
    ok $? "the first replica leads"
    start b
    b=$last
    sleep 3
    held_by a
    ok $? "and goes on leading beside another"
    kill -9 "$a"
    wait "$a" 2>/dev/null
    from=$(mono)
    within 25 held_by b
    ok $? "killed, it is followed by the other"
    took=$(($(mono) - from))
    [ $took -ge 10000 ] && [ $took -le 20000 ]
    ok $? "not before its lease was over ($took ms)"
    kill -9 "$b"
    wait "$b" 2>/dev/null
    from=$(mono)
    start b
    b=$last
    while [ -z "$(awk -v t="$from" '$1 > t' "$work/b.out")" ] && [ $(($(mono) - from)) -lt 5000 ]; do sleep 0.02; done
    took=$(($(mono) - from))
    [ $took -lt 1000 ]
    ok $? "a container that starts again in the same pod leads at once ($took ms)"
    start c
    sleep 3
    kill "$b"
    from=$(mono)
    within 10 held_by c
    ok $? "one that ends in order hands the lease over"
    took=$(($(mono) - from))
    [ $took -lt 6000 ]
    ok $? "without waiting for it to end ($took ms)"
    end_all
    wait 2>/dev/null
}

# Spans of leading, out of the lines of all replicas; two of different replicas may not touch.
overlaps() {
    cat "$work"/f*.out | sort -n | awk '
        { if (!($2 in last) || $1 - last[$2] > 200) from[$2] = $1
          for (o in last) if (o != $2 && last[o] > from[$2]) bad++
          last[$2] = $1; if ($2 != who) { turns++; who = $2 } }
        END { print bad + 0, turns + 0 }'
}

lease_fight() {
    local i victim end round=0 state=()
    for i in 1 2 3 4; do start "f$i" --lease 3000,2000,400; state[i]=$last; done
    end=$(($(date +%s) + ${FIGHT_S:-60}))
    while [ "$(date +%s)" -lt $end ]; do
        sleep 2
        victim=$(tail -qn 1 "$work"/f*.out | sort -n | awk '{ who = $2 } END { print substr(who, 2) }') # who leads
        [[ $victim =~ ^[1-4]$ ]] || continue
        case $((round % 3)) in
        0) kill -9 "${state[victim]}"; wait "${state[victim]}" 2>/dev/null
           sleep $((RANDOM % 3 + 4))
           start "f$victim" --lease 3000,2000,400; state[victim]=$last ;;
        1) kill -STOP "${state[victim]}"; sleep $((RANDOM % 6 + 1)); kill -CONT "${state[victim]}" ;;
        2) kill "${state[victim]}"; wait "${state[victim]}" 2>/dev/null
           start "f$victim" --lease 3000,2000,400; state[victim]=$last ;;
        esac
        round=$((round + 1))
    done
    sleep 8
    local bad turns now
    read -r bad turns < <(overlaps)
    is "$bad" 0 "four replicas killed, stopped and ended whenever they lead: never do two lead at once"
    [ "$turns" -ge 3 ]
    ok $? "the lease went from one to another $turns times"
    now=$(mono)
    [ -n "$(cat "$work"/f*.out | awk -v t="$((now - 500))" '$1 > t')" ]
    ok $? "and in the end one leads"
    end_all
    wait 2>/dev/null
}

# ---- do nodes come and go ----
said() { # STATE: the last thing that was said about it
    [ "$(grep -h '"msg":"nodes come and go"' "$work/s.err" | tail -n 1 | jq -r .state)" = "$1" ]
}
autoscaler() {
    start s --autoscaler
    within 10 said no
    ok $? "no autoscaler here, found out with the rights of the chart alone"
    k -n kube-system create configmap cluster-autoscaler-status --from-literal=status=x >/dev/null
    within 10 said yes
    ok $? "Cluster Autoscaler's status appears: nodes come and go"
    k -n kube-system annotate configmap cluster-autoscaler-status \
        "cluster-autoscaler.kubernetes.io/last-updated=2020-01-01 00:00:00.0 +0000 UTC" >/dev/null
    within 10 said no
    ok $? "left over from years ago it counts no more"
    k -n kube-system delete configmap cluster-autoscaler-status >/dev/null
    k apply -f - >/dev/null <<EOF
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: nodepools.karpenter.sh}
spec:
  group: karpenter.sh
  scope: Cluster
  names: {kind: NodePool, plural: nodepools, singular: nodepool}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
EOF
    k wait --for=condition=Established crd/nodepools.karpenter.sh --timeout=10s >/dev/null
    sleep 2
    said no
    ok $? "Karpenter without a NodePool: no"
    until echo '{"apiVersion":"karpenter.sh/v1","kind":"NodePool","metadata":{"name":"p"}}' | k apply -f - >/dev/null 2>&1; do sleep 0.5; done
    within 10 said yes
    ok $? "with one: yes"
    k delete clusterrole tpguard-live >/dev/null
    within 10 grep -q 'must allow \\"list\\" on nodepools.karpenter.sh' "$work/s.err"
    ok $? "the right is taken away: it is said which one is missing"
    said yes
    ok $? "and what was known stays"
    k delete crd nodepools.karpenter.sh >/dev/null
    end_all
    wait 2>/dev/null
}

rights
case $part in
autoscaler | all) autoscaler && { k delete namespace "$ns" >/dev/null; rights; } ;;
esac
case $part in
lease | all)
    lease_real_times
    lease_fight
    ;;
esac
case $part in
issue | all)
    # shellcheck disable=SC1091 # linted on its own
    . "$(dirname "$0")/issue.sh"
    issue_all
    ;;
esac
echo "1..$n"
[ "$failed" = 0 ]
