# shellcheck shell=bash disable=SC2154
# TLS versions, names, and certificates that are replaced while the server runs.

start_server --cluster "$cluster" --tls-san tpguard.tpguard-system.svc
is "$(status_of get /healthz --tlsv1.3)" 200 "TLS 1.3 is spoken"
is "$(status_of get /healthz --tlsv1.2 --tls-max 1.2)" 200 "TLS 1.2 is spoken"
old=$(openssl s_client -connect "$address" -tls1_1 -cipher 'ALL:@SECLEVEL=0' -msg </dev/null 2>&1)
has "$old" ">>> TLS 1.0, RecordHeader" "a client that has TLS 1.1 at most says hello"
has "$old" "Cipher is (NONE)" "and is refused"
is "$(curl -sS -m 5 "$url/healthz" 2>&1 | grep -c 'certificate')" 1 "without the CA no client trusts us"
named=$(curl -sS --cacert "$ca" -m 5 --connect-to "::$address" https://tpguard.tpguard-system.svc/healthz)
is "$named" ok "--tls-san is a name of the certificate"
shown=$(openssl s_client -connect "$address" -alpn h2,http/1.1 </dev/null 2>/dev/null)
has "$shown" "ALPN protocol: http/1.1" "of h2 and http/1.1 the server takes http/1.1"
has "$shown" "Verification error" "the self-signed CA is in no system's store"
mode=$(stat -c %a "$ca")
is "$mode" "$(printf '%o' $((0644 & ~$(umask))))" "the CA file may be read by others"
lacks "$(cat "$ca")" "PRIVATE KEY" "and holds no key"
stop_server

make_pair() { # NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
        -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout "$work/$1.key" -out "$work/$1.crt" 2>/dev/null
}
put_pair() { # NAME: as the kubelet does it, one after the other under the same names
    cp "$work/$1.crt" "$work/tls.crt.new" && mv "$work/tls.crt.new" "$work/tls.crt"
    cp "$work/$1.key" "$work/tls.key.new" && mv "$work/tls.key.new" "$work/tls.key"
}
subject() { openssl s_client -connect "$address" </dev/null 2>/dev/null | sed -n 's/^subject=//p'; }
subject_is() { [ "$(subject)" = "CN = $1" ]; }

make_pair first
make_pair second
make_pair third
put_pair first
start_server --cluster "$cluster" --tls-cert "$work/tls.crt" --tls-key "$work/tls.key"
is "$(subject)" "CN = first" "the certificate of the files is served"

# A connection that is open across the change goes on with what it began with.
ca=$work/first.crt
mkfifo "$work/in"
raw <"$work/in" >"$work/out" &
client=$!
exec 7>"$work/in"
printf 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n' >&7
wait_for 5 grep -qs '^ok' "$work/out"
put_pair second
ok wait_for 10 subject_is second -- "new files are taken without a restart"
printf 'GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' >&7
exec 7>&-
wait "$client"
is "$(grep -c '200 OK' "$work/out")" 2 "a connection of before lives on"

cp "$work/third.crt" "$work/tls.crt"
ok wait_for 10 log_has '"msg":"the certificate files are not used, the old one stays"' -- \
    "a certificate whose key has not come yet is not taken"
is "$(subject)" "CN = second" "the old one stays"
cp "$work/third.key" "$work/tls.key"
ok wait_for 10 subject_is third -- "when the key has come, both are taken"
echo garbage >"$work/tls.crt"
kill -HUP "$server_pid"
sleep 0.5
is "$(subject)" "CN = third" "garbage at SIGHUP leaves the old one"
ca=$work/third.crt
has "$(get /metrics)" 'tpguard_certificate_reloads_total{result="good"} 2' "good reloads are counted"
stop_server
is "$server_rc" 0 "the exit code is 0"
