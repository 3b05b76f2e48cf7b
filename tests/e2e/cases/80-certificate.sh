# The certificate is tpguard's own business: what is broken is mended, what is replaced is replaced without a failed
# request.
# shellcheck shell=bash disable=SC2154
# One dry-run creation of a GPU pod after the other, until the file is gone; each failure leaves a line.
keep_asking() {
    while [ -e "$work/asking" ]; do
        vllm_pod asked 1 | k apply -n certs --dry-run=server -f - >/dev/null 2>>"$work/failed" || echo "failed" >>"$work/failed"
        echo x >>"$work/asked"
    done
}
secret_serial() { field secret/tpguard-tls '{.data.tls\.crt}' -n "$SYSTEM" | base64 -d | openssl x509 -noout -serial; }
served_serial() { inside sh -c "openssl s_client -connect $(field svc/tpguard '{.spec.clusterIP}' -n "$SYSTEM"):443 </dev/null 2>/dev/null" | openssl x509 -noout -serial; }
serves_secret() { [ "$(served_serial)" = "$(secret_serial)" ]; }
new_serial() { [ "$(secret_serial)" != "$1" ]; }

new_namespace certs
ok serves_secret -- "what is served is what the Secret holds"
old=$(secret_serial)
: >"$work/failed" && : >"$work/asked" && : >"$work/asking"
keep_asking &
asking=$!

k patch mutatingwebhookconfiguration tpguard --type=json -p '[{"op":"remove","path":"/webhooks/1/clientConfig/caBundle"}]' >/dev/null
ok eventually 30 bundle_is_whole -- "a caBundle that somebody takes away is put back"
# A server certificate that does not fit its key any more: the leader signs a new one with the same CA.
k patch secret tpguard-tls -n "$SYSTEM" --type=merge -p "{\"data\":{\"tls.crt\":\"$(printf x | base64)\"}}" >/dev/null
ok eventually 60 new_serial "$old" -- "a broken certificate is replaced"
ok eventually 60 serves_secret -- "... and served by the replicas"
rm "$work/asking"
wait $asking
ok [ "$(wc -l <"$work/asked")" -ge 10 ] -- "GPU pods were judged all the time ($(wc -l <"$work/asked") of them)"
is "$(grep -v '^Warning' "$work/failed")" "" "... and not one request failed"
k delete ns certs --wait=false >/dev/null
