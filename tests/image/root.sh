#!/usr/bin/env bash
# The files of the image: the program, stripped, and exactly the shared libraries that it needs. No shell, no package
# manager. Usage: tests/image/root.sh PROGRAM DIRECTORY (which must not exist)
set -eu
[ $# -eq 2 ] || { echo "usage: tests/image/root.sh PROGRAM DIRECTORY" >&2; exit 2; }
program=$1 root=$2
[ -x "$program" ] || { echo "tests/image/root.sh: $program: no such program: make it first" >&2; exit 2; }
[ ! -e "$root" ] || { echo "tests/image/root.sh: $root: is there already" >&2; exit 2; }
umask 022
mkdir -p "$root/etc"

strip --strip-all -o "$root/tpguard" "$program"

# What the loader really takes, with the loader itself: "name => /path (addr)" or "/path (addr)".
libraries() {
    ldd "$1" | awk '/not found/ { print "missing: " $1 > "/dev/stderr"; bad = 1 }
        $2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && $2 != "=>" { print $1 } END { exit bad }'
}
# glibc loads this one by name when a thread is cancelled or exits by itself; ldd cannot know.
by_name() {
    local lib
    for lib in "$program" "$@"; do
        if readelf -W --dyn-syms "$lib" 2>/dev/null | awk '$7 == "UND" && $8 ~ /^pthread_(cancel|exit)@?/ { found = 1 } END { exit !found }'; then
            libgcc=$(ldconfig -p 2>/dev/null | awk '$1 == "libgcc_s.so.1" && !found { print $NF; found = 1 }')
            [ -z "$libgcc" ] || echo "$libgcc"
            return 0
        fi
    done
}
list=$(libraries "$program")
# shellcheck disable=SC2046,SC2086
list=$(printf '%s\n' $list $(by_name $list) | sort -u)

packages=
for lib in $list; do
    install -D -m 0755 "$(readlink -f "$lib")" "$root$lib"
    # Debian says under one of two names where it lies (/lib is a link to /usr/lib).
    for name in "$lib" "$(readlink -f "$lib")" "/usr$lib"; do
        if p=$(dpkg-query -S "$name" 2>/dev/null); then
            packages="$packages ${p%%: *}"
            break
        fi
    done
done

# For vulnerability scanners and for the licences: which packages these files are from.
# shellcheck disable=SC2086
for p in $(printf '%s\n' $packages | sort -u); do
    name=${p%%:*}
    mkdir -p "$root/var/lib/dpkg/status.d"
    dpkg-query -s "$p" >"$root/var/lib/dpkg/status.d/$name"
    if [ -e "/usr/share/doc/$name/copyright" ]; then
        install -D -m 0644 "$(readlink -f "/usr/share/doc/$name/copyright")" "$root/usr/share/doc/$name/copyright"
    fi
done
[ ! -e /etc/os-release ] || cp -L /etc/os-release "$root/etc/os-release"

cat >"$root/etc/passwd" <<'P'
root:x:0:0:root:/:/sbin/nologin
nonroot:x:65532:65532:nonroot:/:/sbin/nologin
P
cat >"$root/etc/group" <<'P'
root:x:0:
nonroot:x:65532:
P
find "$root" -type f ! -perm -111 -exec chmod 0644 {} +
