#!/usr/bin/env bash
# The image, as one tar that is an OCI layout and a docker archive at once (containerd, podman, skopeo and docker all
# read it). No daemon, no base image, the same bytes for the same files.
# Usage: tests/image/build.sh PROGRAM DIRECTORY [NAME:TAG]
set -eu
case $# in 2 | 3) ;; *) echo "usage: tests/image/build.sh PROGRAM DIRECTORY [NAME:TAG]" >&2; exit 2 ;; esac
here=$(cd "$(dirname "$0")" && pwd)
program=$1 out=$2 image=${3:-}
version=$("$program" version | awk '{ print $2 }')
image=${image:-tpguard:$version}
case ${image##*/} in
*:*) ;;
*) image=$image:$version ;;
esac
[[ $image =~ ^[a-z0-9][a-zA-Z0-9._:/-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*$ ]] || {
    echo "tests/image/build.sh: \"$image\": wants NAME:TAG, such as registry.example.com/gpu/tpguard:$version" >&2
    exit 2
}
# The full name, as the kubelet's runtime sees it.
full=$image
case $image in
*/*) case ${image%%/*} in *.* | *:* | localhost) ;; *) full=docker.io/$image ;; esac ;;
*) full=docker.io/library/$image ;;
esac
epoch=${SOURCE_DATE_EPOCH:-0}
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
case $(readelf -h "$program" | sed -n 's/^ *Machine: *//p') in
*X86-64*) arch=amd64 ;;
AArch64*) arch=arm64 ;;
*) echo "tests/image/build.sh: $program: no architecture that the image knows (x86-64, arm64)" >&2; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pack() { # DIRECTORY: its files as a tar on standard output
    tar -C "$1" --sort=name --format=ustar --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w -cf - .
}
sha() { sha256sum "$1" | cut -d ' ' -f 1; }
size() { stat -c %s "$1"; }
layout=$work/layout
mkdir -p "$layout/blobs/sha256"
blob() { # FILE: moves it under its digest and prints that
    local d
    d=$(sha "$1")
    mv "$1" "$layout/blobs/sha256/$d"
    echo "$d"
}

"$here/root.sh" "$program" "$work/root"
pack "$work/root" >"$work/layer.tar"
diff_id=$(sha "$work/layer.tar")
unpacked=$(size "$work/layer.tar")
gzip -n -9 <"$work/layer.tar" >"$work/layer.tar.gz"
layer_size=$(size "$work/layer.tar.gz")
layer=$(blob "$work/layer.tar.gz")

cat >"$work/config" <<J
{"architecture":"$arch","os":"linux","created":"$created","config":{"User":"65532:65532","Entrypoint":["/tpguard"],"WorkingDir":"/","Labels":{"org.opencontainers.image.title":"tpguard","org.opencontainers.image.version":"$version","org.opencontainers.image.licenses":"Apache-2.0"}},"rootfs":{"type":"layers","diff_ids":["sha256:$diff_id"]},"history":[{"created":"$created","created_by":"tests/image/build.sh"}]}
J
config_size=$(size "$work/config")
config=$(blob "$work/config")
cat >"$work/manifest" <<J
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$config_size},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:$layer","size":$layer_size}]}
J
manifest_size=$(size "$work/manifest")
manifest=$(blob "$work/manifest")
cat >"$layout/index.json" <<J
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$manifest","size":$manifest_size,"platform":{"architecture":"$arch","os":"linux"},"annotations":{"io.containerd.image.name":"$full","org.opencontainers.image.ref.name":"${image##*:}"}}]}
J
printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
# What older versions of docker load look for.
cat >"$layout/manifest.json" <<J
[{"Config":"blobs/sha256/$config","RepoTags":["$image"],"Layers":["blobs/sha256/$layer"]}]
J

mkdir -p "$out"
pack "$layout" >"$work/tpguard.tar"
mv "$work/tpguard.tar" "$out/tpguard.tar"
kib() { echo "$((($1 + 512) / 1024)) KiB"; }
echo "image   $full"
echo "id      sha256:$config"
echo "digest  sha256:$manifest"
echo "size    $(kib "$layer_size") compressed, $(kib "$unpacked") unpacked, $(find "$work/root" -name '*.so*' | wc -l) libraries, $arch"
echo "file    $out/tpguard.tar"
