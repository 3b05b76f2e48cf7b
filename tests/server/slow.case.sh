# shellcheck shell=bash disable=SC2154
# Clients that take their time. The deadline is one second here; what is cut must be cut by it, and not by the two
# minutes that an idle connection has.

start_server --cluster "$cluster" --deadline 1

# Sends the text byte by byte, one in 0.2 s, and says after how many milliseconds the connection was over.
drip() { # FIRST REST
    local begun
    begun=$(now_ms)
    (
        printf '%b' "$1"
        for i in {1..50}; do
            printf '%s' "${2:i:1}" || break
            sleep 0.2
        done
    ) 2>/dev/null | raw >"$work/drip"
    echo $(($(now_ms) - begun))
}
x50=$(head -c 60 /dev/zero | tr '\0' x)
cut_in_time() { # MS
    [ "$1" -ge 900 ] && [ "$1" -le 4000 ]
}
ms=$(drip 'GET /healthz HTTP/1.1\r\nX-Slow: ' "$x50")
ok cut_in_time "$ms" -- "a head that drips is cut at the deadline ($ms ms)"
is "$(cat "$work/drip")" "" "without an answer"
ms=$(drip 'GET /heal' "$x50")
ok cut_in_time "$ms" -- "so is a first line that drips ($ms ms)"
ms=$(drip 'POST /admit/pods HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{' "$x50")
ok cut_in_time "$ms" -- "so is a body that drips ($ms ms)"
ms=$(drip 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nX-Slow: ' "$x50")
ok cut_in_time "$ms" -- "so is a second request that drips ($ms ms)"
is "$(grep -c '^ok' "$work/drip")" 1 "after the first was answered"

begun=$(now_ms)
timeout 20 bash -c "exec 3<>/dev/tcp/${address/:/\/}; cat <&3" >/dev/null 2>&1
ms=$(($(now_ms) - begun))
ok cut_in_time "$ms" -- "a connection without a handshake is cut at the deadline ($ms ms)"

answers=$( (
    printf 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'
    sleep 3
    printf 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
) | raw)
is "$(grep -c '^ok' <<<"$answers")" 2 "a connection idle for longer than the deadline is kept for the next request"

has "$(get /metrics)" 'route="admit_pods",status="cut"} 1' "what was cut is counted"
stop_server
