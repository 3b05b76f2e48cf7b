# shellcheck shell=bash disable=SC2154,SC2016,SC2086,SC2034,SC2317
# Everything is accepted: by the API server, by pod security, by the CEL compiler.

ns=tpguard-system
chart=charts/tpguard
# In tpguard's place: it starts, and answers nobody.
down=(--set "image.repository=tpguard.test/silent,image.pullPolicy=Never")
silent() {
    gcc -O2 -static -o "$work/silent" -x c - <<'C' &&
#include <signal.h>
#include <unistd.h>
static void end(int sig) { (void)sig; _exit(0); }
int main(void) { signal(SIGTERM, end); for (;;) pause(); }
C
        "$harness/oci.sh" "$work/silent.tar" "tpguard.test/silent:$(sed -n 's/^appVersion: //p' $chart/Chart.yaml)" '{"Entrypoint":["/silent"]}' "$work/silent=/silent" &&
        load_image "$work/silent.tar"
}
account=system:serviceaccount:$ns:tpguard
scheduler_account=system:serviceaccount:$ns:tpguard-scheduler

k create namespace $ns >/dev/null
k label namespace $ns pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/warn=restricted >/dev/null
ok silent -- "an image that starts and answers nobody stands in for tpguard"
ok kube_scheduler_image -- "the stock scheduler's image is on the node"
# The agent needs the kubelet's folder and root; without it nothing does.
said=$(helm install tpguard $chart -n $ns "${down[@]}" --set agent.enabled=false 2>&1)
is "$?" 0 "helm install"
lacks "$said" "Warning" "... without a warning of the API server"
has "$said" "kube-scheduler:$(k version -o json | jq -r .serverVersion.gitVersion)" "... with this cluster's scheduler version"

has_pods() { [ "$(k -n $ns get pods -o name | wc -l)" -eq 3 ]; }
ok eventually 20 has_pods -- "pods of all three replicas are created under pod security \"restricted\""
is "$(k -n $ns get replicasets -o json | jq -c '[.items[].status.conditions // [] | .[]]')" '[]' "... none refused"

k label --overwrite namespace $ns pod-security.kubernetes.io/enforce=privileged pod-security.kubernetes.io/warn- >/dev/null
said=$(helm upgrade tpguard $chart -n $ns "${down[@]}" 2>&1)
is "$?" 0 "helm upgrade: with the agent"
lacks "$said" "Warning" "... without a warning"
policies_seen() { [ "$(k get validatingadmissionpolicies -o json | jq '[.items[] | select(.status.observedGeneration)] | length')" = 4 ]; }
ok eventually 20 policies_seen -- "the policies are compiled"
is "$(k get validatingadmissionpolicies -o json | jq -c '[.items[].status.typeChecking.expressionWarnings // [] | .[]]')" '[]' "... and well typed"

# What the defaults do not show. The API server looks at each; nothing is kept.
dry() { # SENTENCE ARG...
    local sentence=$1
    shift
    helm template tpguard $chart -n $ns "${down[@]}" --kube-version "$(k version -o json | jq -r .serverVersion.gitVersion)" "$@" >"$work/all.yaml" 2>&1 || { is "$(cat "$work/all.yaml")" "" "accepted: $sentence"; return; }
    is "$(k apply --server-side --force-conflicts --dry-run=server -f "$work/all.yaml" 2>&1 | grep -v 'serverside-applied')" "" "accepted: $sentence"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -out "$work/ca.crt" -subj /CN=ca -days 1 2>/dev/null
dry "tls.mode=secret" --set tls.mode=secret,tls.secretName=mine --set-file "tls.caBundle=$work/ca.crt"
dry "failurePolicy Ignore, more kinds, no excluded namespaces" --set webhook.failurePolicy=Ignore --set-json 'excludedNamespaces=[]' \
    --set-json 'workloads.extraRules=[{"apiGroups":["kubeflow.org"],"apiVersions":["*"],"resources":["pytorchjobs"]}]'
dry "no scheduler, no network policy, no PDB, no gate" --set scheduler.enabled=false,networkPolicy.enabled=false,agent.enabled=false,podDisruptionBudget.enabled=false,bindingGate.enabled=false,workloads.enabled=false
dry "placement, resources, Service" --set 'webhook.priorityClassName=system-cluster-critical,webhook.tolerations[0].operator=Exists,scheduler.tolerations[0].operator=Exists,webhook.resources.limits.cpu=1,service.type=NodePort,scheduler.replicas=3,image.tag=x'
