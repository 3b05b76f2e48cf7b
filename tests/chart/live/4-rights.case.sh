# shellcheck shell=bash disable=SC2154,SC2016,SC2086,SC2034,SC2317
# What the accounts may do, asked of the API server itself.

# may USER VERB GROUP/RESOURCE[/SUBRESOURCE][:NAME] [NAMESPACE]
may() {
    local what=${3%%:*} name=
    case $3 in *:*) name=${3#*:} ;; esac
    jq -nc --arg u "$1" --arg v "$2" --arg w "$what" --arg n "$name" --arg ns "${4:-}" '($w | split("/")) as $p | {apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview",
        spec: {user: $u, groups: ["system:serviceaccounts", "system:authenticated"], resourceAttributes: ({verb: $v, group: $p[0], resource: $p[1], subresource: ($p[2] // ""), name: $n} + if $ns == "" then {} else {namespace: $ns} end)}}' |
        k create -f - -o json | jq -r '.status.allowed // false'
}
yes() { is "$(may "$@")" true "${1##*:} may ${*:2}"; }
no() { is "$(may "$@")" false "${1##*:} may not ${*:2}"; }
for a in "$account" "$scheduler_account"; do
    for r in nodes pods namespaces; do yes "$a" watch /$r; done
    yes "$a" create authorization.k8s.io/selfsubjectaccessreviews
    no "$a" '*' '*/*'
    no "$a" get /secrets llm
    no "$a" list /secrets $ns
    no "$a" delete /nodes
    no "$a" create /pods llm
done
yes "$account" patch /nodes
yes "$account" patch /nodes/status
yes "$account" create /events llm
yes "$account" patch /events default
yes "$account" list karpenter.sh/nodepools
yes "$account" get /configmaps:cluster-autoscaler-status kube-system
for v in get list watch create patch; do yes "$account" $v coordination.k8s.io/leases $ns; done
yes "$account" get /secrets:tpguard-tls $ns
yes "$account" patch /secrets:tpguard-tls $ns
yes "$account" create /secrets $ns
yes "$account" patch admissionregistration.k8s.io/mutatingwebhookconfigurations:tpguard
no "$account" get /secrets:other $ns
no "$account" patch admissionregistration.k8s.io/mutatingwebhookconfigurations:other
no "$account" delete admissionregistration.k8s.io/mutatingwebhookconfigurations:tpguard
no "$account" patch admissionregistration.k8s.io/validatingadmissionpolicies:tpguard-binding
no "$account" get /configmaps:extension-apiserver-authentication kube-system
no "$account" get coordination.k8s.io/leases kube-system
no "$account" patch /pods llm
no "$account" delete /pods llm
no "$account" create /pods/binding llm
no "$account" update /nodes
no "$account" delete coordination.k8s.io/leases $ns
no "$account" list admissionregistration.k8s.io/mutatingwebhookconfigurations
yes "$account" get /pods llm
no "$scheduler_account" get /secrets $ns
no "$scheduler_account" patch /nodes
no "$scheduler_account" get /secrets:tpguard-tls $ns
no "$scheduler_account" delete coordination.k8s.io/leases $ns
no "$scheduler_account" update coordination.k8s.io/leases:tpguard-leader $ns
yes "$scheduler_account" update coordination.k8s.io/leases:tpguard-scheduler $ns
for v in list watch; do yes "$scheduler_account" $v coordination.k8s.io/leases $ns; done
yes "$scheduler_account" create /pods/binding llm
agent_account=system:serviceaccount:$ns:tpguard-agent
for v in list watch patch; do yes "$agent_account" $v /nodes; done
for v in create patch; do yes "$agent_account" $v coordination.k8s.io/leases $ns; done
no "$agent_account" patch /nodes/status
no "$agent_account" delete /nodes
no "$agent_account" list /pods
no "$agent_account" get /secrets $ns
no "$agent_account" create /events default
no "$agent_account" get coordination.k8s.io/leases:tpguard-leader $ns
no "$agent_account" patch coordination.k8s.io/leases kube-node-lease
