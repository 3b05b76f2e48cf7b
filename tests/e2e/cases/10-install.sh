# tpguard as a person installs it: the image on the node, the chart with helm, no value changed but the image's name.
# shellcheck shell=bash disable=SC2154,SC2119
# shellcheck source=tests/e2e/tpguard.sh
. "$e2e/tpguard.sh"

ok tpguard_images -- "the image of make image and the stock scheduler are on the node"
notes=$(tpguard_install 2>&1)
is $? 0 "helm install --wait succeeds"
has "$notes" "tpguard is installed: 2 replicas, mode enforce" "NOTES say what was installed"
has "$notes" "kubectl get nodes -L tpguard.io/nvlink,tpguard.io/nvlink-set" "... and what to look at first"
has "$notes" "annotate node NODE" "... and how a node's wiring is told without an agent"
is "$(k -n "$SYSTEM" get pods -o jsonpath='{.items[*].spec.nodeName}' | tr ' ' '\n' | sort -u)" real1 "its pods run on the real node"
is "$(tpguard_pods webhook | wc -l)" 2 "two replicas of the webhook"
ok eventually 20 caBundle_is_set -- "caBundle is in the webhook configuration, written by tpguard"
is "$(field secret/tpguard-tls '{.type}' -n "$SYSTEM")" kubernetes.io/tls "its certificate is in a Secret"
ok eventually 20 field_is "$(field lease/tpguard-leader '{.spec.holderIdentity}' -n "$SYSTEM")" \
    lease/tpguard-leader '{.spec.holderIdentity}' -n "$SYSTEM" -- "one replica leads"
is "$(k -n "$SYSTEM" get pods -o jsonpath='{.items[*].status.containerStatuses[*].restartCount}' | tr -d '0 ')" "" "nothing was restarted"
ok example_nodes -- "the nodes of the worked example join"
new_namespace llm
ok eventually 30 quietly k apply -n llm --dry-run=server -f <(vllm_pod probe 2) -- "the API server reaches tpguard through its Service"
