# shellcheck shell=bash disable=SC2154
# healthz, readyz, metrics, and which path takes which method.

start_server --cluster none
is "$(get /healthz)" ok "/healthz says ok"
is "$(status_of get /readyz)" 503 "/readyz is 503 while no cluster is known"
has "$(get /readyz)" "not known yet" "and says why"
is "$(status_of post_text /scheduler/prioritize '{"Pod":{"metadata":{},"spec":{"containers":[]}},"NodeNames":[]}')" 503 \
    "prioritize is 503 while no cluster is known"
has "$(post_text /scheduler/filter '{"Pod":{"metadata":{},"spec":{"containers":[]}},"NodeNames":[]}')" \
    '"Error":"tpguard: not ready' "filter answers with an Error that kube-scheduler shows on the pod"
stop_server

start_server --cluster "$cluster" --extender-listen 127.0.0.1:0
is "$(get /readyz)" ok "/readyz is ok when the cluster file is read"
is "$(status_of get '/healthz?verbose=1')" 200 "a query does not change the route"
is "$(status_of get /healthz/)" 404 "a path is taken as it is"
is "$(status_of get /)" 404 "an unknown path is 404"
is "$(status_of get /Healthz)" 404 "paths are case-sensitive"
is "$(status_of get /bench/echo)" 404 "the bench route is not there unless asked for"
is "$(status_of get /admit/pods)" 405 "GET where POST is wanted is 405"
has "$(get /admit/pods -D -)" $'Allow: POST\r' "and names the method"
is "$(status_of post_text /healthz x)" 405 "POST where GET is wanted is 405"
has "$(post_text /healthz x -D -)" $'Allow: GET, HEAD\r' "and names the methods"
is "$(status_of get /healthz -X DELETE)" 405 "DELETE is 405"
is "$(get /healthz -I | head -n 1 | tr -d '\r')" "HTTP/1.1 200 OK" "HEAD is answered as GET, without a body"
is "$(status_of get /healthz --http2)" 200 "a client that offers HTTP/2 gets HTTP/1.1"

extender=$(log_value extender_address '"msg":"serving"')
main=$url
url=https://$extender
is "$(status_of get /healthz)" 404 "the extender's listener has no /healthz"
is "$(status_of post_text /admit/pods '{}')" 404 "nor admission"
is "$(status_of post_text /scheduler/filter '{}')" 400 "but filter"
url=$main

text=$(get /metrics -D -)
has "$text" "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8" "/metrics has the OpenMetrics type"
is "$(tail -n 1 <<<"$text")" "# EOF" "/metrics ends with # EOF"
has "$text" 'tpguard_build_info{version="' "/metrics says which program runs"
has "$text" 'tpguard_ready 1' "/metrics says ready"
has "$text" 'tpguard_requests_total{route="healthz",status="200"} ' "requests are counted by route and status"
has "$text" 'tpguard_requests_total{route="other",status="404"} ' "unknown paths share one label"
lacks "$text" 'Healthz' "no text of a client is in a label"
has "$text" 'tpguard_cluster_reloads_total{result="good"} 1' "the load of the cluster file is counted"
expiry=$(sed -n 's/^tpguard_certificate_expiry_timestamp_seconds \([0-9]*\)$/\1/p' <<<"$text")
ok [ "${expiry:-0}" -gt "$(($(date +%s) + 86400 * 700))" ] -- "the certificate's end is a time in the future"
is "$(grep -c '^# TYPE' <<<"$text")" "$(grep -c '^# HELP' <<<"$text")" "every family has a type and a help line"
stop_server

# Wrong usage: one line, exit code 2.
wrong() { # WANT-PART SENTENCE OPTION...
    local out rc
    out=$(timeout 10 "$TPGUARD" serve "${@:3}" 2>&1 >/dev/null)
    rc=$?
    is "$rc $(wc -l <<<"$out")" "2 1" "$2: one line, exit code 2"
    has "$out" "$1" "$2: $1"
}
wrong 'tpguard: serve: no option --colour' "an unknown option" --colour red
wrong 'tpguard: serve: wants options, found "cluster.yaml"' "a bare word" cluster.yaml
wrong '--mode "loud": wants enforce, warn, audit or off' "a wrong policy word" --mode loud
wrong '--max-body "1e9": wants bytes' "a number that is none" --max-body 1e9
wrong '--deadline "0": wants seconds' "a deadline of nothing" --deadline 0
wrong '--listen wants a value, found nothing' "an option without its value" --listen
wrong '--bench-echo takes no value' "a value too many" --bench-echo=1
wrong 'cannot listen on "9443": wants HOST:PORT' "a port without a host" --listen 9443
wrong 'cannot listen on "localhost:99999"' "a port that does not exist" --listen localhost:99999
wrong '--tls-cert and --tls-key go together' "a certificate without its key" --tls-cert "$cluster"
wrong 'no-such-file' "a cluster file that is not there" --listen 127.0.0.1:0 --cluster "$work/no-such-file"
wrong 'wants a DNS name or an IP address' "a name that is none" --listen 127.0.0.1:0 --tls-san 'a,DNS:evil'
printf 'kind: List\nitems: {' >"$work/broken.yaml"
wrong 'broken.yaml' "a cluster file that is cut" --listen 127.0.0.1:0 --cluster "$work/broken.yaml"
wrong 'PEM' "a certificate that is none" --listen 127.0.0.1:0 --tls-cert "$cluster" --tls-key "$cluster"
start_server
wrong "cannot listen on $address: address in use" "an address that is taken" --listen "$address"
stop_server
is "$server_rc" 0 "stopped by SIGTERM it exits with 0"
start_server
stop_server INT
is "$server_rc" 0 "and by SIGINT"
help=$("$TPGUARD" serve --help)
is $? 0 "--help exits with 0"
for o in --listen --cluster --tls-cert --write-ca --mode --rewrite --freshness --max-body; do
    has "$help" "  $o " "--help lists $o"
done
