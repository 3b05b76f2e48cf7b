# shellcheck shell=bash disable=SC2154,SC2059
# Bodies and heads that no client of ours sends.

start_server --cluster "$cluster"

review() { # OBJECT [EXTRA-REQUEST-MEMBERS]
    printf '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u1","namespace":"llm",'
    printf '"operation":"CREATE","resource":{"group":"","version":"v1","resource":"pods"}%s,"object":%s}}' "${2:-}" "$1"
}
pod='{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c"}]}}'
deep() { # N
    printf '%*s' "$1" '' | tr ' ' '['
    printf '%*s' "$1" '' | tr ' ' ']'
}
is "$(status_of post_text /admit/pods "$(review "$pod")")" 200 "a small review is answered"

# status 400 with {"error":...} on both kinds of route
for route in /admit/pods /scheduler/filter /scheduler/prioritize; do
    refused() { # BODY SENTENCE
        local got
        got=$(printf '%s' "$1" | post "$route" - -w '%{http_code}')
        is "${got: -3}" 400 "$route: $2"
        has "$got" '{"error":"' "$route: $2: with a reason"
    }
    refused '' "an empty body"
    refused ' ' "white space"
    refused 'null' "null"
    refused '[]' "a list"
    refused '"x"' "a string"
    refused '{' "a cut body"
    refused '{"a":1,}' "a comma at the end"
    refused '{"a":01}' "a number with a leading zero"
    refused '{"a":NaN}' "NaN"
    refused "{'a':1}" "single quotes"
    refused '{"a":1} {"b":2}' "a second text behind the first"
    refused $'\xef\xbb\xbf{}' "a byte order mark"
    refused $'{"a":"\xff"}' "bytes that are not UTF-8"
    refused '{"a":"\ud800"}' "half a surrogate pair"
    is "$(printf '{"a":%s}' "$(deep 5000)" | post "$route" - -o /dev/null -w '%{http_code}')" 413 "$route: nesting of 5,000 passes a limit"
done

good=$(review "$pod")
is "$(post_text /admit/pods "$good junk" -o /dev/null -w '%{http_code}')" 400 "bytes behind a good review"
is "$(printf '%s\0' "$good" | post /admit/pods - -o /dev/null -w '%{http_code}')" 400 "a NUL behind a good review"
is "$(status_of post_text /admit/pods "${good%\}}")" 400 "a review without its last brace"
has "$(post_text /admit/pods "${good/AdmissionReview/AdmissionReport}")" '"path":"kind"' "another kind names the place"
is "$(status_of post_text /admit/pods "${good/io\/v1\"/io\/v1beta1\"}")" 400 "another version"
is "$(status_of post_text /admit/pods "${good/\"uid\"/\"Uid\"}")" 400 "a key in another case"
is "$(status_of post_text /admit/pods "$(review "$pod" ',"uid":"u2"')")" 400 "a key twice"
is "$(status_of post_text /admit/pods "$(review null)")" 400 "a CREATE without an object"
has "$(post_text /admit/pods "$(review '{"metadata":{"name":"p"},"spec":{"containers":7}}')")" \
    '"allowed":false,"status":{"code":400' "a pod of wrong types is answered with a denial"

extender='{"Pod":{"metadata":{"name":"p"},"spec":{"containers":[]}},"NodeNames":["n1"]}'
is "$(status_of post_text /scheduler/filter "$extender")" 200 "a small ExtenderArgs is answered"
is "$(status_of post_text /scheduler/filter "${extender/NodeNames/nodeNames}")" 400 "a key of it in another case"
is "$(status_of post_text /scheduler/filter "${extender%\}},\"NodeNames\":[]}")" 400 "a key of it twice"
is "$(status_of post_text /scheduler/filter "${extender/\"n1\"/1}")" 400 "a node name that is a number"
has "$(post_text /scheduler/filter '{"Pod":{"metadata":{"name":"p"},"spec":{"containers":7}},"NodeNames":["n1"]}')" \
    '"Error":"tpguard: Pod.spec.containers' "a pod that cannot be read is an Error that the scheduler shows"
many=$(seq -f '{"name":"c%g"}' -s , 1 65)
has "$(post_text /scheduler/filter "{\"Pod\":{\"metadata\":{},\"spec\":{\"containers\":[$many]}},\"NodeNames\":[\"n1\"]}")" \
    '"Error":"tpguard: Pod.spec' "so is a pod beyond a limit of ours"

# Sizes.
big() { head -c 9437184 /dev/zero | tr '\0' ' '; }
got=$(big | post /admit/pods - -w '%{http_code}')
is "${got: -3}" 413 "9 MiB for admission are 413"
has "$got" 'wants a body of at most 8388608 bytes' "and the limit is named"
is "$(big | post /admit/pods - -H 'Transfer-Encoding: chunked' -o /dev/null -w '%{http_code}')" 413 \
    "9 MiB in chunks as well"
is "$(big | post /scheduler/filter - -o /dev/null -w '%{http_code}')" 400 "for filter they are not too large, just no JSON"
has "$(big | post /admit/pods - -H 'Expect: 100-continue' -w '%{size_upload}')" '}
0' "a client that asks first sends nothing"
is "$(status_of post_text /admit/pods "$good" -H 'Transfer-Encoding: chunked')" 200 "a good body in chunks is good"
zeros=$( (printf '{"a":['; head -c 4000000 /dev/zero | sed 's/\x0/0,/g'; printf '0]}') | post /admit/pods - -w '%{http_code}')
has "413 400" "${zeros: -3}" "8 MB of nothing but list elements do not take the memory of the machine"
rss=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$server_pid/status")
case $TPGUARD:$rss in
*san*) skip "the server has stayed below 256 MiB" "sanitizers need more" ;;
*:) skip "the server has stayed below 256 MiB" "the kernel does not say" ;;
*) ok [ "$rss" -lt 262144 ] -- "the server has stayed below 256 MiB" ;;
esac

# Content types.
is "$(status_of post_text /admit/pods "$good" -H 'Content-Type: text/plain')" 415 "text/plain is 415"
is "$(status_of post_text /admit/pods "$good" -H 'Content-Type: application/x-www-form-urlencoded')" 415 "a form is 415"
is "$(status_of post_text /admit/pods "$good" -H 'Content-Type: application/json; charset=utf-8')" 200 "a charset is fine"
is "$(status_of post_text /admit/pods "$good" -H 'Content-Type: Application/JSON')" 200 "types are not case-sensitive"
is "$(status_of post_text /admit/pods "$good" -H 'Content-Type:')" 200 "no type at all is taken for JSON"

# Heads. first_line: of the answer to raw bytes.
first_line() { printf "$@" | raw | head -n 1 | tr -d '\r'; }
tail="Host: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
is "$(first_line "POST /admit/pods HTTP/1.1\r\n${tail}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")" \
    "HTTP/1.1 400 Bad Request" "a length and chunks at once are 400"
is "$(first_line "POST /admit/pods HTTP/1.1\r\n${tail}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n")" \
    "HTTP/1.1 400 Bad Request" "in either order"
is "$(first_line "POST /admit/pods HTTP/1.1\r\n${tail}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}")" \
    "HTTP/1.1 400 Bad Request" "two lengths are 400"
is "$(first_line "POST /admit/pods HTTP/1.1\r\n${tail}Transfer-Encoding: gzip\r\n\r\n")" \
    "HTTP/1.1 400 Bad Request" "another coding than chunks is 400"
is "$(first_line "POST /admit/pods HTTP/1.1\r\n${tail}Content-Length: -1\r\n\r\n")" \
    "HTTP/1.1 400 Bad Request" "a length below 0 is 400"
is "$(first_line "POST /admit/pods HTTP/1.1\r\n${tail}Content-Length: 99999999999999999999999\r\n\r\n" | cut -c 1-12)" \
    "HTTP/1.1 413" "a length beyond all numbers is 413"
smuggled=$(printf "POST /admit/pods HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" | raw)
is "$(grep -c '^HTTP/1.1' <<<"$smuggled")" 1 "what follows a doubtful body is not run as a request"
long=$(head -c 40000 /dev/zero | tr '\0' a)
is "$(first_line 'GET /healthz HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n' "$long" | cut -c 1-12)" "HTTP/1.1 431" "a head of 40 KB is 431"
ok [ -z "$(printf '\x16\x03\x01\x02' | timeout 3 bash -c "exec 3<>/dev/tcp/${address/:/\/}; cat >&3; exec 3>&-" 2>&1)" ] -- \
    "a cut TLS hello is taken quietly"
is "$(get /healthz)" ok "after all that the server answers"
stop_server
is "$server_rc" 0 "and stops in order"

start_server --cluster "$cluster" --max-body 1000
is "$(printf '%1000s' '' | post /admit/pods - -o /dev/null -w '%{http_code}')" 400 "--max-body: as many bytes are read"
is "$(printf '%1001s' '' | post /admit/pods - -o /dev/null -w '%{http_code}')" 413 "one more is 413 for admission"
is "$(printf '%1001s' '' | post /scheduler/filter - -o /dev/null -w '%{http_code}')" 413 "and for filter"
stop_server
