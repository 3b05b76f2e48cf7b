# tls.mode=secret: the certificate is the user's own.
# shellcheck shell=bash disable=SC2154
own=$work/own
mkdir -p "$own"
openssl ecparam -name prime256v1 -genkey -noout -out "$own/ca.key" 2>/dev/null
openssl req -x509 -new -key "$own/ca.key" -subj /CN=own-ca -days 30 -out "$own/ca.crt" 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out "$own/tls.key" 2>/dev/null
openssl req -new -key "$own/tls.key" -subj /CN=tpguard 2>/dev/null |
    openssl x509 -req -CA "$own/ca.crt" -CAkey "$own/ca.key" -CAcreateserial -days 30 -out "$own/tls.crt" \
        -extfile <(echo "subjectAltName=DNS:tpguard.$SYSTEM.svc") 2>/dev/null
k create secret tls own-tls -n "$SYSTEM" --cert="$own/tls.crt" --key="$own/tls.key" >/dev/null
tpguard_install --force-conflicts --set tls.mode=secret,tls.secretName=own-tls --set-file "tls.caBundle=$own/ca.crt" >/dev/null 2>&1
is $? 0 "helm upgrade to a certificate of one's own"
ok eventually 60 tpguard_is_rolled_out -- "... is rolled out"
is "$(served_serial)" "$(openssl x509 -in "$own/tls.crt" -noout -serial)" "... is served"
new_namespace own
ok eventually 20 quietly k apply -n own --dry-run=server -f <(vllm_pod probe 1) -- "... and trusted by the API server"
tpguard_install >/dev/null 2>&1
is $? 0 "and back to tpguard's own"
ok eventually 60 tpguard_is_rolled_out -- "... is rolled out"
ok eventually 30 serves_secret -- "... and served"
ok eventually 30 quietly k apply -n own --dry-run=server -f <(vllm_pod probe 1) -- "... and trusted again: caBundle is tpguard's"
k delete ns own --wait=false >/dev/null
