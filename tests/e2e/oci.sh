#!/usr/bin/env bash
# Writes an image as an OCI layout tar of one layer, by hand: tar, sha256sum and jq. The same files give the same bytes.
# Usage: tests/e2e/oci.sh OUT.tar IMAGE:TAG CONFIG_JSON SOURCE=/PATH_IN_IMAGE...
#   CONFIG_JSON: what the image says of running it, such as {"Entrypoint":["/pod"],"User":"65532:65532"}
set -euo pipefail
[ $# -ge 4 ] || { echo "tests/e2e/oci.sh: OUT.tar IMAGE:TAG CONFIG_JSON SOURCE=/PATH..." >&2; exit 2; }
out=$1 name=$2 config=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root" "$work/oci/blobs/sha256"

for f in "$@"; do
    mkdir -p "$work/root$(dirname "${f#*=}")"
    cp -L "${f%%=*}" "$work/root${f#*=}"
done
find "$work/root" -type d -exec chmod 0755 {} +
plain=(--sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu)

# blob FILE MEDIA_TYPE: takes the file in and prints its descriptor.
blob() {
    local sum
    sum=$(sha256sum "$1" | cut -d' ' -f1)
    jq -nc --arg t "$2" --arg d "sha256:$sum" --argjson n "$(stat -c %s "$1")" '{mediaType: $t, digest: $d, size: $n}'
    mv "$1" "$work/oci/blobs/sha256/$sum"
}

o=application/vnd.oci.image
tar -C "$work/root" "${plain[@]}" -cf "$work/layer" .
layer=$(blob "$work/layer" $o.layer.v1.tar)
arch=$(uname -m)
case $arch in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; esac
jq -nc --arg a "$arch" --argjson c "$config" --argjson l "$layer" \
    '{architecture: $a, os: "linux", config: $c, rootfs: {type: "layers", diff_ids: [$l.digest]}}' >"$work/config"
config=$(blob "$work/config" $o.config.v1+json)
jq -nc --arg t $o.manifest.v1+json --argjson c "$config" --argjson l "$layer" \
    '{schemaVersion: 2, mediaType: $t, config: $c, layers: [$l]}' >"$work/manifest"
manifest=$(blob "$work/manifest" $o.manifest.v1+json)
jq -nc --arg n "$name" --argjson m "$manifest" \
    '{schemaVersion: 2, manifests: [$m + {annotations: {"io.containerd.image.name": $n,
      "org.opencontainers.image.ref.name": ($n | sub(".*:"; ""))}}]}' >"$work/oci/index.json"
echo '{"imageLayoutVersion":"1.0.0"}' >"$work/oci/oci-layout"
tar -C "$work/oci" "${plain[@]}" -cf "$out" .
