#!/usr/bin/env bash
# The image: a valid layout, honest digests, nothing missing, nothing that does not belong. TAP.
# shellcheck disable=SC2016,SC2317 # jq's variables are not the shell's; checks are called by name
set -u
cd "$(dirname "$0")/../.." || exit 2
program=${TPGUARD:-build/release/tpguard}
count=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
result() { # GOOD NAME
    count=$((count + 1))
    if [ "$1" = 0 ]; then echo "ok $count - $2"; return; fi
    echo "not ok $count - $2"
    failed=$((failed + 1))
    head -n 8 "$work/said" | sed 's/^/# /'
}
check() { # NAME COMMAND...
    local name=$1
    shift
    "$@" >"$work/said" 2>&1 </dev/null
    result $? "$name"
}
says() { # NAME PATTERN: what the last check's command printed
    grep -q -- "$2" "$work/said"
    result $? "$1"
}
finish() { echo "1..$count"; [ $failed -eq 0 ]; exit; }
version=$("$program" version | cut -d ' ' -f 2)

check "builds" tests/image/build.sh "$program" "$work/a"
tar=$work/a/tpguard.tar
[ -s "$tar" ] || finish
id=$(sed -n 's/^id *//p' "$work/said")
says "... and prints its id" '^id  *sha256:[0-9a-f]\{64\}$'
check "builds again" tests/image/build.sh "$program" "$work/b"
check "... to the same bytes" cmp "$tar" "$work/b/tpguard.tar"
check "builds with a registry's name" tests/image/build.sh "$program" "$work/c" registry.example.com:5000/gpu/tpguard
says "... and the version as its tag" "^image  *registry.example.com:5000/gpu/tpguard:$version\$"
tests/image/build.sh "$program" "$work/d" 'no image!' >"$work/said" 2>&1
[ $? -eq 2 ] && grep -q 'wants NAME:TAG' "$work/said"
result $? "refuses a name that is none"

l=$work/layout
mkdir "$l" && tar -C "$l" -xf "$tar"
check "oci-layout says 1.0.0" jq -e '.imageLayoutVersion == "1.0.0"' "$l/oci-layout"
digests_hold() { for f in "$l"/blobs/sha256/*; do [ "$(sha256sum <"$f" | cut -c 1-64)" = "${f##*/}" ] || { echo "$f"; return 1; }; done; }
check "every blob has the digest that it is named by" digests_hold
check "index.json names one manifest, for this name" jq -e --arg n "docker.io/library/tpguard:$version" \
    '.schemaVersion == 2 and (.manifests | length) == 1 and .manifests[0].annotations["io.containerd.image.name"] == $n' "$l/index.json"
at() { echo "$l/blobs/sha256/$(jq -r "$1" "$2" | sed 's/^sha256://')"; }
manifest=$(at '.manifests[0].digest' "$l/index.json")
config=$(at '.config.digest' "$manifest")
layer=$(at '.layers[0].digest' "$manifest")
sizes_hold() {
    [ "$(stat -c %s "$manifest")" = "$(jq '.manifests[0].size' "$l/index.json")" ] &&
        [ "$(stat -c %s "$config")" = "$(jq .config.size "$manifest")" ] &&
        [ "$(stat -c %s "$layer")" = "$(jq '.layers[0].size' "$manifest")" ]
}
check "sizes are those of the blobs" sizes_hold
check "nothing but the three blobs" [ "$(find "$l/blobs/sha256" -type f | wc -l)" -eq 3 ]
check "the id is the configuration's digest" [ "sha256:${config##*/}" = "$id" ]
check "the layer has its diff_id" [ "sha256:$(gzip -dc "$layer" | sha256sum | cut -c 1-64)" = "$(jq -r '.rootfs.diff_ids[0]' "$config")" ]
check "runs /tpguard as 65532" jq -e '.config.User == "65532:65532" and .config.Entrypoint == ["/tpguard"] and .os == "linux"' "$config"
check "the docker archive names the same blobs" jq -e --arg c "blobs/sha256/${config##*/}" --arg l "blobs/sha256/${layer##*/}" \
    'length == 1 and .[0].Config == $c and .[0].Layers == [$l]' "$l/manifest.json"

root=$work/root
mkdir "$root" && tar -C "$root" -xzf "$layer"
foreign() { tar -tvzf "$layer" | awk '$2 != "0/0" || $1 ~ /^.(.....w|..s|.....s|........w)/ { print; bad = 1 } END { exit bad }'; }
check "all files are root's, none writable by others, none setuid" foreign
check "no shell" [ -z "$(find "$root" -name '*sh' -perm -100 -type f)" ]
check "passwd knows nonroot" grep -q '^nonroot:x:65532:65532:' "$root/etc/passwd"
check "the program has no debug information" [ -z "$(readelf -SW "$root/tpguard" | grep -F .debug_)" ]
loader=$root$(readelf -lW "$program" | sed -n 's/.*interpreter: \(.*\)]/\1/p')
check "the loader is where the program looks for it" [ -x "$loader" ]
# With the image's own loader and nothing of this machine: the list it prints must lie inside.
inside() { # COMMAND...
    env -i "$loader" --inhibit-cache --library-path "$root/lib/$(uname -m)-linux-gnu:$root/usr/lib/$(uname -m)-linux-gnu" "$@"
}
check "runs with the image's own loader and libraries" inside "$root/tpguard" version
says "... and is this version" "^tpguard $version\$"
inside --list "$root/tpguard" >"$work/said" 2>&1
! grep -v linux-vdso "$work/said" | grep -v "$root/" | grep -q '[^[:space:]]'
result $? "every library comes from the image"
cp "$work/said" "$work/list"
unused() { find "$root" -name '*.so*' | while read -r f; do grep -qF "$f" "$work/list" || case $f in *libgcc_s*) ;; *) echo "$f" ;; esac; done; }
check "no library that the program does not load" [ -z "$(unused)" ]
check "a package is named for every library" [ -s "$root/var/lib/dpkg/status.d/libc6" ]
if [ "$(id -u)" -eq 0 ] && command -v chroot >/dev/null; then
    check "runs alone in its root, as 65532" chroot --userspec=65532:65532 "$root" /tpguard version
    check "... explain --reasons too" chroot --userspec=65532:65532 "$root" /tpguard explain --reasons
    serve() {
        timeout 10 chroot --userspec=65532:65532 "$root" /tpguard serve --listen 127.0.0.1:0 --log-format text >"$work/log" 2>&1 &
        local pid=$! i rc
        for i in $(seq 50); do grep -q serving "$work/log" && break; sleep 0.1; done
        kill "$pid"
        wait "$pid"
        rc=$?
        cat "$work/log"
        [ "$i" -lt 50 ] && [ "$rc" -eq 0 ]
    }
    check "... and serves: keys, certificate, listener" serve
else
    for t in "runs alone in its root" "explain --reasons" "serves"; do count=$((count + 1)); echo "ok $count - $t # SKIP needs root"; done
fi
finish
