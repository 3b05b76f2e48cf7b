# shellcheck shell=bash disable=SC2154 # a part of tests/live/run.sh
# Three replicas share a certificate, serve it inside the cluster's network, and the real API server calls them through a
# Service with the caBundle that they keep. Certificates live for 30 s, CAs for 60 s.

port() { echo $((9440 + $1)); }

# Inside the cluster's network, so that kube-proxy and the API server reach it.
start_inside() { # NUMBER OPTIONS...
    local i=$1
    shift
    nsenter -t "$(cat "$cluster/first.pid")" -n -- "$replica" --kubeconfig "$work/kubeconfig" --ns "$ns" --identity "r$i" --lease 3000,2000,400 \
        --secret tpguard-tls --listen "0.0.0.0:$(port "$i")" --name "tpguard.$ns.svc" --name "$node_ip" \
        --config tpguard-live --service tpguard --times 30,60,3,5,12 --poll 1000 "$@" \
        >>"$work/r$i.out" 2>>"$work/r$i.err" &
    last=$!
    pids+=("$last")
}

service() {
    local i
    k apply -f - >/dev/null <<EOF
apiVersion: v1
kind: Service
metadata: {name: tpguard, namespace: $ns}
spec: {ports: [{name: https, port: 443, targetPort: 9443}]}
EOF
    for i in 1 2 3; do
        k apply -f - >/dev/null <<EOF
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: tpguard-$i, namespace: $ns, labels: {kubernetes.io/service-name: tpguard}}
addressType: IPv4
ports: [{name: https, port: $(port "$i")}]
endpoints: [{addresses: [$node_ip], conditions: {ready: true}}]
EOF
    done
}

webhooks() {
    k apply -f - >/dev/null <<EOF
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: tpguard-live, labels: {app: tpguard}}
webhooks:
- name: pods.tpguard.io
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 5
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $ns}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  clientConfig: {service: {namespace: $ns, name: tpguard, path: /admit/pods}}
- name: other.example.org
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: nowhere}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  clientConfig: {service: {namespace: $ns, name: other}}
EOF
}

bundle() { k get mutatingwebhookconfiguration tpguard-live -o jsonpath="{.webhooks[${1:-0}].clientConfig.caBundle}"; }
has_bundle() { [ -n "$(bundle)" ]; }
secret() { k -n "$ns" get secret tpguard-tls -o jsonpath="{.data.$1}" | base64 -d; }

# A client that makes a new connection for each request, to each replica in turn, trusting what the caBundle was when it
# last looked: half a second ago or more.
client_direct() {
    local i
    while :; do
        bundle | base64 -d >"$work/client.next" 2>/dev/null
        for i in 1 2 3 1 2 3; do
            [ -s "$work/client.ca" ] || break
            if nsenter -t "$(cat "$cluster/first.pid")" -n -- curl -sS -m 4 --cacert "$work/client.ca" -o /dev/null "https://$node_ip:$(port "$i")/healthz" \
                2>>"$work/direct.failed"; then echo >>"$work/direct.good"; else echo "$i" >>"$work/direct.bad"; fi
            sleep 0.05
        done
        [ ! -s "$work/client.next" ] || mv "$work/client.next" "$work/client.ca"
    done
}

# Pods offered to the API server, which must ask us: dry runs, nothing is kept.
client_server() {
    local pod
    pod='{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"p-"},"spec":{"containers":[{"name":"c","image":"i"}]}}'
    while :; do
        if k -n "$ns" create --raw "/api/v1/namespaces/$ns/pods?dryRun=All" -f - <<<"$pod" >/dev/null 2>>"$work/server.failed"; then
            echo >>"$work/server.good"
        else
            echo >>"$work/server.bad"
        fi
        sleep 0.05
    done
}
lines() { if [ -e "$work/$1" ]; then wc -l <"$work/$1"; else echo 0; fi; }

issue_rotation() {
    local i direct server
    client_direct & direct=$!
    client_server & server=$!
    pids+=("$direct" "$server")
    sleep "${ROTATE_S:-100}"
    kill "$direct" "$server"
    wait "$direct" "$server" 2>/dev/null
    i=$(cat "$work"/r?.err | grep -c '"action":"switch to next CA"')
    [ "$i" -ge 1 ]
    ok $? "the CA was replaced $i times"
    i=$(grep -ch 'certificate replaced by' "$work/r1.err")
    [ "$i" -ge 3 ]
    ok $? "a replica took $i certificates"
    is "$(lines server.bad)" 0 "the API server got through with each of its $(lines server.good) requests"
    is "$(lines direct.bad)" 0 "so did a client with a new connection for each of $(lines direct.good)"
    sort "$work/server.failed" "$work/direct.failed" | uniq -c | head -n 5 | sed 's/^/# /'
}

issue_repairs() {
    local before after
    before=$(bundle)
    k patch mutatingwebhookconfiguration tpguard-live --type json \
        -p '[{"op":"replace","path":"/webhooks/0/clientConfig/caBundle","value":""}]' >/dev/null
    within 10 has_bundle
    ok $? "an emptied caBundle is back within seconds"
    is "$(bundle 1)" "" "the caBundle of the webhook of somebody else was not touched"
    is "$(k get mutatingwebhookconfiguration tpguard-live -o json | jq -c '[.webhooks[].name, .metadata.labels.app]')" \
        '["pods.tpguard.io","other.example.org","tpguard"]' "nor anything else in it"
    webhooks
    sleep 2
    [ -n "$(bundle)" ]
    ok $? "kubectl apply of the same configuration again leaves it, or it is back"
    k -n "$ns" delete secret tpguard-tls >/dev/null
    within 10 k -n "$ns" get secret tpguard-tls
    ok $? "a deleted Secret is there again"
    after=$(bundle)
    [ -n "$before" ] && [ -n "$after" ]
    ok $? "with a caBundle beside it"
    k -n "$ns" patch secret tpguard-tls -p '{"data":{"tls.key":"eA=="}}' >/dev/null 2>&1
    sleep 4
    secret 'tls\.key' | openssl pkey -noout 2>/dev/null
    ok $? "a spoilt key is replaced"
    is "$(k -n "$ns" get secret tpguard-tls -o jsonpath='{.type}')" kubernetes.io/tls "its type is kubernetes.io/tls"
}

issue_all() {
    local i
    # shellcheck disable=SC1091,SC2153 # NODE_IP of the cluster
    node_ip=$(. "$cluster/env" && echo "$NODE_IP")
    service
    webhooks
    for i in 1 2 3; do start_inside "$i"; done
    within 20 has_bundle
    ok $? "three replicas start: the caBundle is set"
    sleep 1
    is "$(bundle | base64 -d)" "$(secret 'ca\.crt')" "to the CA in the Secret"
    issue_rotation
    issue_repairs
    grep -hE '"level":"(warn|error)"' "$work"/r?.err | cut -c1-300 | sort | uniq -c | sort -rn | head -n 8 | sed 's/^/# /'
    end_all
    wait 2>/dev/null
}
