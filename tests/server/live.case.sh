# shellcheck shell=bash disable=SC2154
# The server with an API server (tests/fakeapi, scripted): when it is ready, what it says while it is not, what it
# writes, and how it ends.

fakeapi=${TPGUARD%/*}/tests/fakeapi/fakeapi
api_pid=
stop_api() {
    [ -n "$api_pid" ] || return 0
    kill -KILL "$api_pid" 2>/dev/null
    wait "$api_pid" 2>/dev/null
    api_pid=
}
trap 'stop_server KILL 2>/dev/null; stop_api; rm -rf "$work"' EXIT

# Scenario on standard input. Sets api_log and writes $work/kubeconfig.
start_api() {
    stop_api
    api_count=$((${api_count:-0} + 1))
    api_log=$work/api-$api_count.log
    cat >"$work/scenario-$api_count"
    rm -f "$work/port"
    : >"$api_log"
    "$fakeapi" "$work/scenario-$api_count" --port-file "$work/port" --log "$api_log" &
    api_pid=$!
    wait_for 10 test -s "$work/port" || {
        echo "Bail out! the scripted API server does not start"
        exit 1
    }
    cat >"$work/kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: c
clusters: [{name: k, cluster: {server: "http://127.0.0.1:$(cat "$work/port")"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: c, context: {cluster: k, user: u, namespace: tpguard-system}}]
YAML
}
start_live() { start_server --kubeconfig "$work/kubeconfig" --identity tpguard-0 "$@"; }
asked() { grep -cF -- "$1" "$api_log"; }
asked_for() { grep -qF -- "$1" "$api_log"; }
lists() { [ "$(asked 'GET /api/v1/pods?limit=')" -ge "$1" ]; }
ready_is() { [ "$(get /readyz)" = "$1" ]; }
ready_has() { get /readyz | grep -qF -- "$1"; }

# ---- the parts of a cluster ----

four=$(sed -n "s/^      tpguard.io\\/topology: '\\(.*\\)'$/\\1/p" "$cluster" | head -n 1 | sed 's/"/\\"/g')
node='{"metadata":{"name":"n1","uid":"n-1","annotations":{"tpguard.io/topology":"'$four'"}},"status":{"allocatable":{"nvidia.com/gpu":"4"}}}'
pod() { # NAME
    printf '{"metadata":{"name":"%s","namespace":"llm","uid":"u-%s"},"spec":{"containers":[{"name":"c",' "$1" "$1"
    printf '"image":"vllm/vllm-openai","args":["--model","m","--tensor-parallel-size","2"],"resources":{"limits":{"nvidia.com/gpu":"2"}}}]},"status":{"phase":"Pending"}}'
}
leases=/apis/coordination.k8s.io/v1/namespaces/tpguard-system/leases
list_of() { # RESOURCE ITEMS [STEP]: always the same list
    printf 'GET /api/v1/%s?limit= always\n' "$1"
    [ $# -lt 3 ] || printf '  %s\n' "$3"
    printf '  body {"metadata":{"resourceVersion":"10"},"items":[%s]}\n' "$2"
}
quiet() { printf 'GET %s?watch=1 always\n  part\n  hang\n' "$1"; }
agents() {
    printf 'GET %s?limit= always\n  body {"metadata":{"resourceVersion":"10"},"items":[]}\n' "$leases"
    quiet "$leases"
}
held='{"metadata":{"name":"tpguard-leader","resourceVersion":"5"},"spec":{"holderIdentity":"tpguard-0","leaseDurationSeconds":15,"leaseTransitions":0}}'
# The leader's Lease: not there, made, renewed. What is posted after it are reservations.
leading() {
    printf 'PATCH %s/tpguard-leader always\n  body %s\n' "$leases" "$held"
    printf 'POST %s\n  status 201\n  body %s\n' "$leases" "$held"
    printf 'POST %s always\n  status 201\n  body {}\n' "$leases"
}
all_quiet() {
    quiet /api/v1/nodes
    quiet /api/v1/pods
    quiet /api/v1/namespaces
    agents
    leading
}
bind() { # POD NODE
    printf '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1","namespace":"llm","name":"%s","operation":"CREATE",' "$1" |
        cat - <(printf '"subResource":"binding","object":{"metadata":{"name":"%s","uid":"u-%s"},"target":{"kind":"Node","name":"%s"}}}}' "$1" "$1" "$2") |
        post /admit/bindings - "${@:3}"
}
patch_of() { sed -n 's/.*"patch":"\([^"]*\)".*/\1/p' | base64 -d; }
filter='{"Pod":'$(pod f)',"NodeNames":["n1"]}'

run_live_cases() {
    # ---- not ready, and why ----

    start_api < <(
        list_of nodes "$node"
        list_of pods "$(pod a)" "wait 4000"
        list_of namespaces '{"metadata":{"name":"odd","labels":{"tpguard.io/mode":"enforced"}}}'
        printf 'GET %s/reserved.n8 always\n  body {"metadata":{"resourceVersion":"1","annotations":{"tpguard.io/reservations":"{"}}}\n' "$leases"
        all_quiet
    )
    start_live
    is "$(status_of get /readyz)" 503 "not ready before the pods are listed"
    has "$(get /readyz)" "not ready: the pods of the cluster are not known yet" "and says what it waits for"
    is "$(get /healthz)" ok "healthy it is"
    is "$(status_of bind a n1)" 503 "a binding cannot be judged yet"
    ok wait_for 10 ready_is ok -- "ready when nodes, pods, namespaces and heartbeats are listed"
    is "$(asked 'GET /api/v1/pods?limit=')" 1 "by one list of each"
    ok grep -qF '"namespace":"odd","found":"enforced"' "$server_log" -- "a mode that is none is told, with its namespace"
    ok asked_for 'fieldSelector=status.phase%21%3DSucceeded' -- "ended pods are not asked for"

    # ---- a bind ----

    got=$(bind a n1)
    has "$got" '"allowed":true' "a bind to a node with a free pair is allowed"
    has "$(patch_of <<<"$got")" '"path":"/metadata/annotations/tpguard.io~1gpus","value":"2,3"' "and the pair is written into it"
    ok asked_for "GET $leases/reserved.n1" -- "the reservations of the node were read"
    ok grep -qE "^POST $leases	.*u-a.*2,3" "$api_log" -- "and this one written"
    is "$(bind ghost n1)" \
        '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true}}' \
        "a pod that neither the cache nor the API server knows passes"
    ok asked_for 'GET /api/v1/namespaces/llm/pods/ghost' -- "after a question"
    has "$(bind a n9)" '(NodeUnknown)' "a bind to an unknown node is refused"
    has "$(bind a n9)" '"reason":"Conflict"' "as a conflict: the scheduler tries again"
    is "$(status_of bind a n8)" 503 "reservations that cannot be read: no verdict, and no fault of who asks"
    has "$(bind a n8)" 'Lease tpguard-system/reserved.n8 cannot be read, delete it' "and what to do about it"
    got=$(get /metrics)
    has "$got" 'tpguard_binds_total{result="reserved"} 1' "binds are counted: reserved"
    has "$got" 'tpguard_binds_total{result="refused"} 2' "refused"
    has "$got" 'tpguard_binds_total{result="passed"} 1' "passed"
    has "$got" 'tpguard_binds_total{result="failed"} 3' "failed"

    # ---- the end ----

    ok wait_for 10 asked_for '"holderIdentity":"tpguard-0"' -- "it leads"
    begun=$(now_ms)
    stop_server
    is "$server_rc" 0 "SIGTERM ends it with 0"
    took=$(($(now_ms) - begun))
    ok [ "$took" -lt 8000 ] -- "within seconds ($took ms)"
    ok grep -qE "^PATCH $leases/tpguard-leader	.*\"holderIdentity\":\"\"" "$api_log" -- "and hands the lease back"
    ok log_has '"msg":"the leader lease is handed back"' -- "and says so"

    # ---- refusals ----

    start_api < <(
        list_of nodes "$node"
        list_of pods ''
        printf 'GET /api/v1/namespaces?limit= always\n  status 403\n'
        printf '  body {"kind":"Status","reason":"Forbidden","message":"namespaces is forbidden: User \\"sa\\" cannot list resource","code":403}\n'
        all_quiet
    )
    start_live
    ok wait_for 10 ready_has 403 -- "a list that is forbidden: not ready"
    got=$(get /readyz)
    has "$got" "the namespaces of the cluster are not known yet: " "which one"
    has "$got" "403 Forbidden (RBAC: the account wants list and watch on it)" "and which rule is missing"
    has "$got" 'User "sa" cannot list resource' "in the API server's own words too"
    begun=$(now_ms)
    stop_server
    ok [ $(($(now_ms) - begun)) -lt 8000 ] -- "SIGTERM ends it also while it waits"

    # ---- the API server goes away ----

    start_api < <(list_of nodes "$node"; list_of pods "$(pod a)"; list_of namespaces ''; all_quiet)
    start_live
    wait_for 10 ready_is ok
    before=$(post_text /scheduler/filter "$filter")
    has "$before" '"NodeNames":["n1"]' "the node is offered"

    # Stopped, not gone: each question takes its 4 s, and who waits for a turn at the node must not wait for ever.
    kill -STOP "$api_pid"
    begun=$(now_ms)
    clients=()
    for i in {1..4}; do
        status_of bind a n1 >"$work/hung-$i" &
        clients+=($!)
    done
    wait "${clients[@]}"
    took=$(($(now_ms) - begun))
    is "$(cat "$work"/hung-*)" 503503503503 "the API server hangs: four binds at once are answered"
    ok [ "$took" -lt 9900 ] -- "before a webhook's time is over ($took ms)"
    kill -CONT "$api_pid"

    stop_api
    is "$(get /readyz)" ok "the API server is gone: ready for as long as the cache may be right"
    is "$(post_text /scheduler/filter "$filter")" "$before" "answers stand"
    is "$(status_of bind a n1)" 503 "a bind cannot be judged without it"
    has "$(bind a n1)" 'reservations: ' "and says what it wanted"
    begun=$(now_ms)
    stop_server
    ok [ $(($(now_ms) - begun)) -lt 15000 ] -- "SIGTERM ends it all the same ($(($(now_ms) - begun)) ms)"

    # ---- a watch that has expired ----

    start_api < <(
        list_of nodes "$node"
        printf 'GET /api/v1/pods?limit=\n  body {"metadata":{"resourceVersion":"10"},"items":[%s]}\n' "$(pod a)"
        printf 'GET /api/v1/pods?limit= always\n  wait 2500\n  body {"metadata":{"resourceVersion":"20"},"items":[%s]}\n' "$(pod a)"
        printf 'GET /api/v1/pods?watch=1 has=resourceVersion=10 always\n  wait 300\n'
        printf '  line {"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"}}\n'
        list_of namespaces ''
        all_quiet
    )
    start_live --role scheduler
    wait_for 10 ready_is ok
    before=$(post_text /scheduler/filter "$filter")
    ok wait_for 10 lists 2 -- "a watch that has expired: the pods are listed again"
    is "$(get /readyz)" ok "ready meanwhile"
    is "$(post_text /scheduler/filter "$filter")" "$before" "and the answers stand"
    ok wait_for 10 asked_for 'resourceVersion=20' -- "then it watches from the new list"
    is "$(post_text /scheduler/filter "$filter")" "$before" "answers are the same behind it"
    is "$(asked tpguard-leader)" 0 "beside a scheduler it does not lead"
    stop_server
    is "$server_rc" 0 "the exit code is 0"
    stop_api
}

if [ -x "$fakeapi" ]; then
    run_live_cases
else
    skip "the server with an API server" "$fakeapi is not built"
fi

# ---- options that do not agree ----

: >"$work/none"
wrong() { # WORDS OPTION...
    local words=$1 said rc
    shift
    said=$("$TPGUARD" serve --listen 127.0.0.1:0 "$@" 2>&1)
    rc=$?
    is "$rc" 2 "exit 2: $*"
    is "$(wc -l <<<"$said")" 1 "one line"
    has "$said" "$words" "that says: $words"
}
wrong '--live and --cluster exclude each other' --live --cluster "$cluster"
wrong '--live and --cluster exclude each other' --kubeconfig "$work/none" --cluster "$cluster"
wrong '--live or --kubeconfig is missing' --issue-tls s --service tpguard
wrong '--live or --kubeconfig is missing' --namespace x
wrong '--issue-tls wants --service' --live --issue-tls s
wrong 'go with --issue-tls' --live --service tpguard
wrong 'go with --issue-tls' --live --webhook-config w
wrong 'found --tls-cert as well' --live --issue-tls s --service t --tls-cert a --tls-key b
wrong 'wants webhook or scheduler' --live --role nonsense
wrong 'wants the name of a Secret' --live --issue-tls '' --service t
wrong 'wants the name of a namespace' --live --namespace "$(printf 'n%.0s' {1..64})"
wrong "$work/none" --kubeconfig "$work/none"
wrong "$work/not-there" --kubeconfig "$work/not-there"
