# shellcheck shell=bash disable=SC2154
# Keep-alive, reload, drain.

start_server --cluster "$cluster"
used=$(curl -sS --cacert "$ca" -m 20 -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects} ' \
    "$url/healthz" "$url/nope" "$url/readyz")
is "$used" "1 0 0 " "requests one after the other use one connection, errors too"
post_again=$(curl -sS --cacert "$ca" -m 20 -H 'Content-Type: application/json' --data-binary '{' -o /dev/null -o /dev/null \
    -w '%{num_connects} ' "$url/admit/pods" "$url/admit/pods")
is "$post_again" "1 0 " "a refused body was read to its end: the connection goes on"

copy=$work/cluster.yaml
cp "$cluster" "$copy"
stop_server
start_server --cluster "$copy"
count() { sed -n 's/.*"msg":"cluster loaded".*"nodes":\([0-9]*\).*/\1/p' "$server_log" | tail -n 1; }
before=$(count)
printf 'items: [' >"$copy"
kill -HUP "$server_pid"
ok wait_for 5 log_has '"msg":"the cluster file is not used, the old one stays"' -- "a broken file at SIGHUP is said in the log"
is "$(get /readyz)" ok "the server stays ready with the old content"
has "$(get /metrics)" 'tpguard_cluster_reloads_total{result="bad"} 1' "and counts it"
cat "$cluster" - >"$copy" <<'YAML'
---
apiVersion: v1
kind: Node
metadata: {name: n9}
status: {allocatable: {nvidia.com/gpu: "4"}}
YAML
kill -HUP "$server_pid"
more() { [ "$(count)" = $((before + 1)) ]; }
ok wait_for 5 more -- "a good file at SIGHUP replaces the content"

# A request whose body is on its way when SIGTERM comes.
first='{"Pod":{"metadata":{},"spec":{"containers":[]}},' second='"NodeNames":["n1"]}'
(
    printf 'POST /scheduler/filter HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'
    printf 'Content-Length: %d\r\n\r\n%s' $((${#first} + ${#second})) "$first"
    sleep 2
    printf '%s' "$second"
) | raw >"$work/drained" &
client=$!
sleep 0.7
kill -TERM "$server_pid"
sleep 0.5
ok kill -0 "$server_pid" -- "after SIGTERM the server waits for a request in flight"
is "$(get /healthz 2>&1 | grep -c 'onnect')" 1 "and takes no new connection"
wait "$client"
stop_server
is "$server_rc" 0 "it exits with 0"
has "$(cat "$work/drained")" "HTTP/1.1 200 OK" "the request in flight was answered"
has "$(cat "$work/drained")" "Connection: close" "the answer says that the connection ends"
ok log_has '"msg":"stopped"' -- "the log says so"

# An idle connection does not hold the server up.
start_server --cluster "$cluster"
mkfifo "$work/idle-in"
raw <"$work/idle-in" >"$work/idle" &
client=$!
exec 7>"$work/idle-in"
printf 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n' >&7
wait_for 5 grep -qs '^ok' "$work/idle"
begun=$(now_ms)
stop_server
ok [ $(($(now_ms) - begun)) -lt 3000 ] -- "an idle connection does not hold up the end"
exec 7>&-
wait "$client"

# Many at once, with reloads between.
start_server --cluster "$copy"
urls=()
for i in {1..20}; do urls+=("$url/scheduler/filter"); done
body='{"Pod":{"metadata":{"name":"p","namespace":"llm"},"spec":{"containers":[{"name":"c","image":"vllm/vllm-openai",'
body+='"args":["--tensor-parallel-size","2"],"resources":{"limits":{"nvidia.com/gpu":"2"}}}]}},"NodeNames":["n1","n2","n3"]}'
one() { curl -sS --cacert "$ca" -m 30 -H 'Content-Type: application/json' --data-binary "$body" "${urls[@]}" >"$work/many-$1"; }
clients=()
for i in {1..8}; do
    one "$i" &
    clients+=($!)
done
for i in {1..5}; do
    kill -HUP "$server_pid"
    get /metrics >/dev/null
done
wait "${clients[@]}"
is "$(cat "$work"/many-* | grep -o '"Error":""' | wc -l)" 160 "8 clients with 20 requests each, and reloads between: all answered"
is "$(cat "$work"/many-* | sed 's/}{/}\n{/g' | sort -u | wc -l)" 1 "and all with the same bytes"
stop_server
