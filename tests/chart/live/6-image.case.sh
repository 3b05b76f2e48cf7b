# shellcheck shell=bash disable=SC2154,SC2016,SC2086,SC2034,SC2317
# The real image on a real kubelet, in the clothes that the chart gives it. Without a cluster to watch it answers for its
# built-in example.

ok quietly tests/image/build.sh "$TPGUARD" "$work/image" tpguard.test/real:1 -- "the image is built"
ok load_image "$work/image/tpguard.tar" -- "... and loaded as a node does it"
new_namespace image
k label namespace image pod-security.kubernetes.io/enforce=restricted >/dev/null
helm template tpguard $chart -n image --set image.repository=tpguard.test/real,image.pullPolicy=Never --set-string image.tag=1 >"$work/all.yaml" 2>/dev/null
k create --dry-run=client -o json -f "$work/all.yaml" 2>/dev/null | jq -s '[.[] | if .items then .items[] else . end | select(.kind == "Deployment" and .metadata.name == "tpguard")][0].spec.template | {apiVersion: "v1", kind: "Pod", metadata: {name: "real"},
    spec: (.spec | del(.serviceAccountName) | .containers[0].args = ["serve", "--listen=0.0.0.0:9443", "--log-format=text"] | .containers[0].readinessProbe.httpGet.path = "/healthz")}' >"$work/real.json"
ok quietly k -n image create -f "$work/real.json" -- "it is admitted under pod security \"restricted\""
becomes 60 True pod/real '{.status.conditions[?(@.type=="Ready")].status}' -n image -- "it starts as 65532 on a read-only root, and answers over HTTPS"
is "$(field pod/real '{.status.containerStatuses[0].restartCount}' -n image)" 0 "... at once"
has "$(k -n image logs real 2>&1)" "serving" "... and logs"
began=$SECONDS
ok k -n image delete pod real --wait=true --timeout=30s -- "it ends when it is told to"
is "$((SECONDS - began < 20))" 1 "... after the seconds in which it still answers"
k delete namespace image --wait=false >/dev/null
