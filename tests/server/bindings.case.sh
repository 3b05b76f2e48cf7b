# shellcheck shell=bash disable=SC2154
# Admission of pods/binding where nothing can be reserved (a recorded cluster): what is let pass, what is refused as
# no binding, and what nobody but tpguard may write. With an API server: live.case.sh.

start_server --cluster "$cluster"

# A review of a Binding with these members.
binding() { # OBJECT-MEMBERS [REQUEST-MEMBERS]
    printf '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1","namespace":"llm","name":"a",'
    printf '"operation":"%s","subResource":"%s","object":{%s}%s}}' "${op:-CREATE}" "${sub-binding}" "$1" "${2:-}"
}
bind() { post_text /admit/bindings "$(binding "$@")"; }
bind_status() { status_of post_text /admit/bindings "$(binding "$@")"; }
patch_of() { sed -n 's/.*"patch":"\([^"]*\)".*/\1/p' | base64 -d; }
passed='{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true}}'
to_n1='"target":{"kind":"Node","name":"n1"}'
meta='"metadata":{"name":"a","namespace":"llm","uid":"u-a"}'

got=$(post '/admit/bindings?timeout=10s' "$requests/admit-binding.json")
has "$got" '"uid":"044fcb99-cf77-4b79-b5dc-d31b9b68ad74","allowed":true}' "a real request about a pod that nobody knows passes"
lacks "$got" '"patch"' "untouched"
line=$(grep -F '"route":"admit_bindings"' "$server_log" | head -n 1)
is "$line" "" "what does not concern us is no line in the log"
is "$(bind "$meta,$to_n1")" "$passed" "one of ours passes with the same bytes"
is "$(bind "$to_n1")" "$passed" "so does one without metadata: the request says the name"
is "$(bind "\"metadata\":{\"name\":\"a\"},$to_n1")" "$passed" "one without a uid"
is "$(bind "$meta,\"target\":{\"name\":\"n1\"}")" "$passed" "one whose target has no kind"
is "$(bind "$meta,\"target\":{\"kind\":\"Service\",\"name\":\"x\"}")" "$passed" "one to something that is no node"
is "$(bind "$meta,\"target\":{\"kind\":\"Node\",\"name\":\"n1/../../secrets?x\"}")" "$passed" "one to no possible node: the API server says so"
is "$(bind "$meta,$to_n1" ',"dryRun":true')" "$passed" "a dry run"
is "$(op=UPDATE bind "$meta,$to_n1")" "$passed" "an UPDATE"
is "$(sub='' bind "$meta,$to_n1")" "$passed" "a request that is no binding"
is "$(sub=eviction bind '"x":1')" "$passed" "nor looked into: another subresource has other members"

# Only tpguard says which GPUs a pod was promised.
forged='"metadata":{"name":"a","annotations":{"a/b":"c","tpguard.io/gpus":"0,1","tpguard.io/gpu-uuids":"GPU-x"}}'
got=$(bind "$forged,$to_n1")
has "$got" '"allowed":true' "a binding that brings GPUs of its own passes"
is "$(patch_of <<<"$got")" \
    '[{"op":"remove","path":"/metadata/annotations/tpguard.io~1gpus"},{"op":"remove","path":"/metadata/annotations/tpguard.io~1gpu-uuids"}]' \
    "without them"
has "$got" '"patchType":"JSONPatch"' "by a JSON Patch"
is "$(sub='' bind "$forged,$to_n1" ',"resource":{"group":"","version":"v1","resource":"bindings"}')" "$got" "so does one by the older way, the resource bindings"
got=$(bind "\"metadata\":{\"annotations\":{\"tpguard.io/gpus\":\"\"}},$to_n1")
is "$(patch_of <<<"$got")" '[{"op":"remove","path":"/metadata/annotations/tpguard.io~1gpus"}]' "an empty one goes as well"
got=$(bind "\"metadata\":{\"annotations\":{\"tpguard.io/gpu-uuids\":\"GPU-x\"}},\"target\":{\"kind\":\"Pod\",\"name\":\"x\"}")
is "$(patch_of <<<"$got")" '[{"op":"remove","path":"/metadata/annotations/tpguard.io~1gpu-uuids"}]' "whatever the target is"
is "$(bind "\"metadata\":{\"annotations\":{\"tpguard.io/other\":\"x\"}},$to_n1")" "$passed" "other annotations stay"

# What is no binding: 400, with the place.
refused() { # OBJECT-MEMBERS PATH WORDS
    local got
    got=$(bind "$1" "${4:-}")
    is "$(bind_status "$1" "${4:-}")" 400 "400: $3"
    has "$got" "$2" "at $2"
}
refused "$meta" '"request.object.target"' "no target"
refused "$meta,\"target\":[]" '"request.object.target"' "a target that is a list"
refused "$meta,\"target\":{\"kind\":\"Node\"}" '"request.object.target.name"' "a target without a name"
refused "$meta,\"target\":{\"kind\":\"Node\",\"name\":null}" '"request.object.target.name"' "a target whose name is null"
refused "$meta,\"target\":{\"kind\":7,\"name\":\"n1\"}" '"request.object.target.kind"' "a kind that is a number"
refused "$meta,\"target\":{\"Name\":\"n1\"}" '"request.object.target' "a name that only Go would read"
refused "\"metadata\":[],$to_n1" '"request.object.metadata"' "metadata that is a list"
refused "\"metadata\":{\"name\":7},$to_n1" '"request.object.metadata.name"' "a name that is a number"
refused "\"metadata\":{\"uid\":{}},$to_n1" '"request.object.metadata.uid"' "a uid that is an object"
refused "\"metadata\":{\"annotations\":\"x\"},$to_n1" '"request.object.metadata.annotations"' "annotations that are a text"
refused "\"metadata\":{\"Annotations\":{\"tpguard.io/gpus\":\"0\"}},$to_n1" '"request.object.metadata' "annotations that only Go would read"
refused "$meta,$to_n1,$to_n1" 'target' "a member twice"
is "$(status_of post_text /admit/bindings '{"kind":"AdmissionReview"}')" 400 "no review of the version that we speak: 400"
is "$(status_of post_text /admit/bindings '{')" 400 "no JSON: 400"
is "$(status_of get /admit/bindings)" 405 "GET: 405"
is "$(get /readyz)" ok "and the server goes on"
stop_server

start_server --cluster none
is "$(bind_status "$meta,$to_n1")" 503 "before the cluster is known: 503, and the webhook's failurePolicy decides"
has "$(bind "$meta,$to_n1")" "not ready: " "with the reason"
is "$(op=UPDATE bind "$meta,$to_n1")" "$passed" "what is no new binding passes even then"
ok log_has '"msg":"a binding cannot be judged"' -- "the log has the failure"
stop_server
