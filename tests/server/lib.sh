# Sourced by run.sh: TAP, and the real binary as a child with its log, CA and address.
# shellcheck shell=bash disable=SC2154,SC2034

tap_count=0
tap_failed=0

# ok CONDITION-COMMAND... -- sentence    (the words in front of -- are run; success passes)
ok() {
    local cmd=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        cmd+=("$1")
        shift
    done
    shift
    tap_count=$((tap_count + 1))
    if "${cmd[@]}"; then
        echo "ok $tap_count - $*"
    else
        tap_failed=$((tap_failed + 1))
        echo "not ok $tap_count - $*"
        echo "# at ${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}: ${cmd[*]:0:6}" | head -n 1
    fi
}

# is GOT WANT sentence
is() {
    tap_count=$((tap_count + 1))
    if [ "$1" = "$2" ]; then
        echo "ok $tap_count - $3"
    else
        tap_failed=$((tap_failed + 1))
        echo "not ok $tap_count - $3"
        echo "# at ${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}"
        printf '%s\n' "$1" | head -c 2000 | sed 's/^/#  got: /'
        printf '%s\n' "$2" | head -c 2000 | sed 's/^/# want: /'
    fi
}

# has TEXT PART sentence
has() {
    case $1 in
    *"$2"*) is "" "" "$3" ;;
    *) is "$1" "...$2..." "$3" ;;
    esac
}

# lacks TEXT PART sentence
lacks() {
    case $1 in
    *"$2"*) is "$1" "no $2" "$3" ;;
    *) is "" "" "$3" ;;
    esac
}

skip() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

# ---- the server ----

server_pid=
server_count=0

# The value of a string member in the first log line that holds all the given words.
log_value() { # KEY WORD...
    local key=$1 lines
    shift
    lines=$(cat "$server_log")
    for w in "$@"; do
        lines=$(grep -F -- "$w" <<<"$lines")
    done
    sed -n "s/.*\"$key\":\"\\([^\"]*\\)\".*/\\1/p;q" <<<"$lines"
}

# wait_for SECONDS COMMAND...
wait_for() {
    local tries=$(($1 * 20))
    shift
    while [ $tries -gt 0 ]; do
        "$@" && return 0
        sleep 0.05
        tries=$((tries - 1))
    done
    return 1
}

log_has() { grep -qF -- "$1" "$server_log"; }

# Starts it on a free port. Sets server_log, ca, address, url.
start_server() { # OPTION...
    server_count=$((server_count + 1))
    server_log=$work/server-$server_count.log
    ca=$work/ca-$server_count.pem
    : >"$server_log"
    local own=(--write-ca "$ca")
    case " $* " in *" --tls-cert "*) own=() ;; esac
    "$TPGUARD" serve --listen 127.0.0.1:0 "${own[@]}" "$@" 2>"$server_log" &
    server_pid=$!
    if ! wait_for 20 log_has '"msg":"serving"'; then
        echo "Bail out! the server does not start: $(tail -n 3 "$server_log")"
        exit 1
    fi
    address=$(log_value address '"msg":"serving"')
    url=https://$address
}

# Ends it; server_rc is its exit code.
stop_server() { # [SIGNAL]
    [ -n "$server_pid" ] || return 0
    kill -"${1:-TERM}" "$server_pid" 2>/dev/null
    wait "$server_pid"
    server_rc=$?
    server_pid=
    # Sanitizers write to standard error as well.
    if grep -qE 'ERROR: (Address|Leak)Sanitizer|runtime error:|WARNING: ThreadSanitizer' "$server_log"; then
        cp "$server_log" "${TMPDIR:-/tmp}/tpguard-sanitizer.log"
        is "$(grep -m 1 -A 12 -E 'Sanitizer|runtime error' "$server_log")" "" "no sanitizer complains"
    fi
}

# ---- requests ----

# Body of the answer on stdout.
get() { curl -sS --cacert "$ca" -m 20 "$url$1" "${@:2}"; }
post() { # PATH FILE-or-@- [CURL-OPTION...]
    curl -sS --cacert "$ca" -m 20 -H 'Content-Type: application/json' --data-binary "@$2" "$url$1" "${@:3}"
}
post_text() { # PATH TEXT [CURL-OPTION...]
    printf '%s' "$2" | post "$1" - "${@:3}"
}
# Status alone.
status_of() { "$@" -o /dev/null -w '%{http_code}'; }

# Bytes as they are over TLS; standard input goes out, what comes back goes to stdout. Ends when the
# server ends the connection (or standard input does, with -no_ign_eof among the options).
raw() { # OPTION...
    timeout 30 openssl s_client -connect "$address" -CAfile "$ca" -servername localhost -quiet -ign_eof "$@" 2>/dev/null
}

now_ms() { date +%s%3N; }
