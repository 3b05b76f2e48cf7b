# shellcheck shell=bash disable=SC2154
# filter and prioritize, with what a real kube-scheduler sends and with arguments of our own.

start_server --cluster "$cluster" --extender-listen 127.0.0.1:0

args() { # NAMES CONTAINER-MEMBERS [POD-METADATA-MEMBERS]
    printf '{"Pod":{"metadata":{"name":"p","namespace":"%s"%s},"spec":{"containers":[{"name":"c",%s}]}},' "${ns:-llm}" "${3:-}" "$2"
    printf '"Nodes":null,"NodeNames":[%s]}' "$1"
}
gpus='"resources":{"limits":{"nvidia.com/gpu":"2"}}'
tp2='"image":"vllm/vllm-openai","args":["--tensor-parallel-size","2"],'$gpus
bad='"image":"vllm/vllm-openai","args":["--tensor-parallel-size","two"],'$gpus
tp1='"image":"vllm/vllm-openai","args":["--model","m"],"resources":{"limits":{"nvidia.com/gpu":"1"}}'
all='"n1","n2","n3"'
filter() { post_text /scheduler/filter "$(args "$@")"; }
prioritize() { post_text /scheduler/prioritize "$(args "$@")"; }

want='{"Nodes":null,"NodeNames":["n1"],"FailedNodes":{},"FailedAndUnresolvableNodes":{"n2":"node(s) had no NVLink","n3":"node(s) had unknown GPU wiring"},"Error":""}'
is "$(post /scheduler/filter "$requests/filter.json")" "$want" "filter: a real request keeps the node with a healthy pair"
is "$(post /scheduler/filter "$requests/filter-retried.json")" "$want" "filter: and its retry"
full=$(post /scheduler/filter "$requests/filter-full-nodes.json")
has "$full" '"NodeNames":null' "filter: full nodes are answered with full nodes"
is "$(grep -o '"metadata":{"name":"n[0-9]"' <<<"$full")" '"metadata":{"name":"n1"' "filter: those that fit, as they came"
has "$(post /scheduler/prioritize "$requests/prioritize.json")" '[{"Host":"n1","Score":' "prioritize: a real request is scored"
has "$(post /scheduler/prioritize "$requests/prioritize-full-nodes.json")" '{"Host":"n2","Score":0}' "prioritize: what filter refuses scores 0"

main=$url
url=https://$(log_value extender_address '"msg":"serving"')
is "$(post /scheduler/filter "$requests/filter.json")" "$want" "the extender's listener gives the same answer"
url=$main

is "$(filter '"n3","n1"' "$tp2")" "$(filter '"n3","n1"' "$tp2")" "filter: the same question gets the same bytes"
has "$(filter '"n1","gone"' "$tp2")" '"FailedAndUnresolvableNodes":{"gone":"node(s) were not known to tpguard yet"}' "filter: a node that is not known is refused as such"
is "$(filter '' "$tp2")" '{"Nodes":null,"NodeNames":[],"FailedNodes":{},"FailedAndUnresolvableNodes":{},"Error":""}' "filter: no names in, none out"
is "$(prioritize '' "$tp2")" '[]' "prioritize: no names in, none out"
got=$(filter "$all" "$bad")
has "$got" '"NodeNames":[]' "filter: a malformed TP size fits nowhere"
is "$(grep -o 'node(s)[^"]*' <<<"$got" | sort -u | wc -l)" 1 "filter: for one and the same reason"
lacks "$got" '%' "filter: without a percent sign, which the scheduler would take for a format"
has "$(filter "$all,\"gone\"" '"image":"nginx"')" '"NodeNames":["n1","n2","n3","gone"]' "filter: a pod without GPUs keeps all nodes"
has "$(filter "$all" "$tp2" ',"labels":{"tpguard.io/ignore":"true"}')" '"NodeNames":["n1","n2","n3"]' "filter: so does the ignore label"
has "$(ns=exempt filter "$all" "$tp2")" '"NodeNames":["n1","n2","n3"]' "filter: and a namespace of mode off"
has "$(ns=warned filter "$all" "$tp2")" '"NodeNames":["n1","n2","n3"]' "filter: in mode warn no node is refused"
got=$(ns=warned prioritize "$all" "$tp2")
has "$got" '{"Host":"n2","Score":0}' "prioritize: in mode warn the bad node still scores 0"
lacks "$got" '{"Host":"n1","Score":0}' "prioritize: and the good one more"
has "$(filter "$all" "$tp1")" '"NodeNames":["n1","n2","n3"]' "filter: TP=1 needs no NVLink"
scores=$(prioritize "$all" "$tp1" | sed 's/.*"n1","Score":\([0-9]*\).*"n2","Score":\([0-9]*\).*/\1 \2/')
ok [ "${scores% *}" -ge "${scores#* }" ] -- "prioritize: TP=1 goes to the GPUs under the dead bridge first"
is "$(post_text /scheduler/filter '{"Pod":{"metadata":{},"spec":{"containers":[]}},"Nodes":null,"NodeNames":null}' -o /dev/null -w '%{http_code}')" 200 \
    "filter: both lists null are answered"

text=$(get /metrics)
has "$text" 'tpguard_filter_nodes_total{code="NoNVLink"} ' "refused nodes are counted by reason"
has "$text" 'tpguard_answers_total{source="kept"} ' "kept answers are counted"
line=$(grep -F '"route":"filter"' "$server_log" | head -n 1)
for part in '"ns":"tp"' '"pod":"tp2"' '"verdict":"allow"' '"tp":2' '"gpus":2' '"nodes":3' '"kept":1' '"duration_us":'; do
    has "$line" "$part" "the log line of a filter call has $part"
done

# Many names.
names=$(seq -f '"node-%06g"' -s , 1 50000)
got=$(args "$names,\"n1\"" "$tp2" | post /scheduler/filter -)
has "$got" '"NodeNames":["n1"]' "filter: 50,001 names are one request"
is "$(grep -o 'not known to tpguard yet' <<<"$got" | wc -l)" 50000 "filter: each refused node has its reason"
