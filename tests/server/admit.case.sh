# shellcheck shell=bash disable=SC2154
# Admission of pods, with what real API servers send and with pods of our own.

# Every node's wiring is known: a pin that fits none of them can be denied.
sed '/^# The node that nobody reports/,$d' "$cluster" >"$work/known.yaml"
start_server --cluster "$work/known.yaml"

# A review of a pod with these container members, in this namespace.
review() { # NAMESPACE CONTAINER-MEMBERS [REQUEST-MEMBERS [POD-METADATA-MEMBERS]]
    printf '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1","namespace":"%s",' "$1"
    printf '"operation":"%s","resource":{"group":"","version":"v1","resource":"pods"}%s,"object":' "${op:-CREATE}" "${3:-}"
    printf '{"metadata":{"generateName":"p-"%s},"spec":{"containers":[{"name":"c",%s}]}}}}' "${4:-}" "$2"
}
gpus='"resources":{"limits":{"nvidia.com/gpu":"2"}}'
tp2='"image":"vllm/vllm-openai","args":["--model","m","--tensor-parallel-size","2"],'$gpus
pinned='"image":"vllm/vllm-openai","args":["--tensor-parallel-size","2"],"env":[{"name":"NVIDIA_VISIBLE_DEVICES","value":"0,1"}]'
bad='"image":"vllm/vllm-openai","args":["--tensor-parallel-size","two"],'$gpus
admit() { post_text /admit/pods "$(review "$@")"; }
patch_of() { sed -n 's/.*"patch":"\([^"]*\)".*/\1/p' | base64 -d; }

for f in admit-pod admit-pod-job admit-pod-replicaset admit-pod-statefulset; do
    uid=$(grep -o '"uid":"[^"]*"' "$requests/$f.json" | head -n 1)
    got=$(post '/admit/pods?timeout=10s' "$requests/$f.json")
    has "$got" "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{$uid,\"allowed\":true" \
        "$f: a real request is allowed under its own uid"
    ok grep -qE 'tpguard.io(~1|/)decision' <(patch_of <<<"$got") -- "$f: and the decision is written to the pod"
done
for f in admit-binding admit-deployment admit-deployment-dryrun-update admit-job admit-cronjob admit-statefulset; do
    got=$(post /admit/pods "$requests/$f.json")
    has "$got" '"allowed":true}}' "$f: what is no new pod passes untouched"
done
head_of=$(post /admit/pods "$requests/admit-pod.json" -D - -o /dev/null)
has "$head_of" $'Content-Type: application/json\r' "the answer is JSON"
has "$head_of" 'Content-Length: ' "and says its length"

got=$(admit llm "$tp2")
has "$got" '"uid":"u-1","allowed":true' "a TP=2 pod is allowed where a healthy pair exists"
has "$(patch_of <<<"$got")" '"key":"tpguard.io/nvlink-set","operator":"Gt","values":["1"]' "and steered to nodes with an NVLink set"
is "$(admit llm "$tp2")" "$got" "the same pod gets the same bytes"

got=$(admit llm "$pinned")
has "$got" '"allowed":false,"status":{"code":403,"message":"' "a pod pinned across a dead bridge is denied"
has "$got" '"reason":"Forbidden"' "as Forbidden, so that kubectl shows the message"
has "$got" '(PinnedAcrossPCIe)"' "with its reason code"
lacks "$got" '"patch"' "and without a patch"
has "$got" '"auditAnnotations":{"verdict":"deny","code":"PinnedAcrossPCIe"}' "the audit log gets verdict and code"
got=$(admit warned "$pinned")
has "$got" '"allowed":true' "in a namespace of mode warn it is allowed"
has "$got" '"warnings":["tpguard: ' "with a warning"
got=$(admit audited "$pinned")
has "$got" '"allowed":true' "in one of mode audit it is allowed"
lacks "$got" '"warnings"' "without a word"
lacks "$got" '"patch"' "and untouched"
has "$got" '"code":"PinnedAcrossPCIe"' "but for the audit log"
is "$(admit exempt "$pinned")" \
    '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true}}' \
    "in one of mode off nothing is said"
is "$(admit llm "$pinned" '' ',"labels":{"tpguard.io/ignore":"true"}' | grep -c '"allowed":true}')" 1 "a pod with the ignore label is left alone"
is "$(admit llm '"image":"nginx"' | grep -c '"allowed":true}')" 1 "a pod without GPUs is left alone"
is "$(op=UPDATE admit llm "$pinned" | grep -c '"allowed":true}')" 1 "an UPDATE is left alone"
is "$(admit llm "$pinned" ',"subResource":"ephemeralcontainers"' | grep -c '"allowed":true}')" 1 "so is a subresource"
is "$(admit llm "$tp2" ',"dryRun":true' | grep -c '"patch"')" 1 "a dry run gets the same answer"
got=$(admit llm "$bad")
has "$got" '"allowed":false' "a TP size that is no number is denied"
has "$got" '(MalformedTP)' "as malformed"

line=$(grep -F '"code":"PinnedAcrossPCIe"' "$server_log" | head -n 1)
for part in '"msg":"decision"' '"route":"admit_pods"' '"ns":"llm"' '"pod":"p-"' '"verdict":"deny"' '"allowed":false' \
    '"tp":2' '"nodes":2' '"duration_us":' '"dry_run":false' '"uid":"u-1"'; do
    has "$line" "$part" "the log line of a decision has $part"
done
has "$(get /metrics)" 'tpguard_decisions_total{verdict="deny",code="PinnedAcrossPCIe"} 3' "decisions are counted by verdict and reason"
stop_server

start_server --cluster "$cluster"
has "$(admit llm "$pinned")" '"verdict":"wait"' "where the wiring of a node is not known, the pod waits"
stop_server

start_server --cluster "$work/known.yaml" --mode=warn --rewrite none
got=$(admit llm "$pinned")
has "$got" '"allowed":true' "--mode warn: nothing is denied"
got=$(admit llm "$tp2")
lacks "$(patch_of <<<"$got")" 'nvlink-set' "--rewrite none: nothing is steered"
stop_server

start_server --cluster none
is "$(post_text /admit/pods "$(review llm "$tp2")" -o /dev/null -w '%{http_code}')" 503 \
    "before the cluster is known a GPU pod gets 503, and the webhook's failurePolicy decides"
is "$(admit llm '"image":"nginx"' | grep -c '"allowed":true}')" 1 "a pod without GPUs passes even then"
