#!/usr/bin/env bash
# Keys, certificates and kubeconfigs of one cluster. All ECDSA P-256, one CA, a year long.
# Usage: tests/e2e/certs.sh DIR API_URL IP...    (IP: addresses the API server is reached at, beside the fixed ones)
set -euo pipefail
dir=$1 url=$2
shift 2
umask 077
mkdir -p "$dir"
cd "$dir"

openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -new -key ca.key -days 365 -subj /CN=tpguard-e2e -out ca.crt 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out sa.key
openssl ec -in sa.key -pubout -out sa.pub 2>/dev/null

# cert NAME SUBJECT [SAN]
cert() {
    local ext="keyUsage=digitalSignature
extendedKeyUsage=clientAuth,serverAuth"
    [ -z "${3:-}" ] || ext="$ext
subjectAltName=$3"
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    openssl req -new -key "$1.key" -subj "$2" |
        openssl x509 -req -days 365 -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 8)" \
            -extfile <(echo "$ext") -out "$1.crt" 2>/dev/null
}

# config NAME FILE: a kubeconfig with everything inside it, so that it can be copied about.
config() {
    cat >"$2" <<EOF
apiVersion: v1
kind: Config
clusters:
- name: tpguard
  cluster: {server: "$url", certificate-authority-data: $(base64 -w0 ca.crt)}
users:
- name: $1
  user: {client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key")}
contexts:
- name: tpguard
  context: {cluster: tpguard, user: $1}
current-context: tpguard
EOF
}

san=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1
for ip in "$@"; do san=$san,IP:$ip; done
cert apiserver /CN=kube-apiserver "$san" &
cert kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client &
cert kubelet-server /O=system:nodes/CN=system:node:real1 "DNS:real1,$(printf 'IP:%s,' "$@")IP:127.0.0.1" &
cert admin /O=system:masters/CN=admin &
cert kube-controller-manager /CN=system:kube-controller-manager &
cert kube-scheduler /CN=system:kube-scheduler &
cert kube-proxy /CN=system:kube-proxy &
cert kubelet /O=system:nodes/CN=system:node:real1 &
for job in $(jobs -p); do wait "$job"; done
for who in admin kube-controller-manager kube-scheduler kube-proxy kubelet; do
    config "$who" "$who.kubeconfig"
done
