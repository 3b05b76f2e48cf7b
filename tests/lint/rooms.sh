#!/usr/bin/env bash
# The rooms of the code (README, "Rooms"): who may include what, and what the pure rooms may call.
# Usage: tests/lint/rooms.sh BUILD_DIR (objects there are checked with nm)
set -u
bad=0
say() { echo "rooms: $*" >&2; bad=1; }

# Libraries live in one room each.
only() { # HEADER-PATTERN ALLOWED-PATH-PATTERN
    grep -rlE "#include <($1)" topology webhook --include='*.[ch]' | grep -vE "$2" | while read -r f; do
        echo "$f includes <$1>: only $2 may"
    done
}
found=$(
    only 'cjson/' '^topology/json\.c$'
    only 'microhttpd' '^webhook/http/'
    only 'gnutls/' '^webhook/http/'
    only 'openssl/' '^webhook/sys/certs[a-z_]*\.[ch]$'
    only 'yaml\.h' '^webhook/codec/yaml'
    only 'curl/' '^webhook/kube/'
    only 'protobuf-c/|[a-z]+\.pb-c\.h' '^webhook/kube/podresources'
    only 'dlfcn|spawn\.h' '^topology/read_'
)
[ -z "$found" ] || say "$found"

# A room includes only the rooms below it.
below() { # ROOM ALLOWED...
    local room=$1
    shift
    local pattern
    pattern=$(printf '%s|' "$@")
    grep -nE '#include "' "$room"/*.[ch] 2>/dev/null | grep -vE "#include \"(${pattern%|})/[a-z0-9_]+\.(h|inc)\"" |
        while read -r l; do echo "$l: not a room that $room may use"; done
}
found=$(
    below topology topology
    below webhook/sys topology webhook/sys
    below webhook/core topology webhook/core
    below webhook/codec topology webhook/core webhook/codec
    below webhook/kube topology webhook/sys webhook/core webhook/codec webhook/kube
    below webhook/cluster topology webhook/core webhook/codec webhook/cluster
    below webhook/live topology webhook/sys webhook/core webhook/codec webhook/kube webhook/cluster webhook/live
    below webhook/agent topology webhook/sys webhook/core webhook/codec webhook/kube webhook/live webhook/agent
    below webhook/http topology webhook/core webhook/codec webhook/cluster webhook/live webhook/sys webhook/http
)
[ -z "$found" ] || say "$found"

# The pure rooms call nothing but themselves and the memory functions of libc.
if [ $# -gt 0 ] && [ -d "$1" ]; then
    pure=$(find "$1/webhook/core" "$1/topology" -name '*.o' ! -name json.o ! -name arena.o ! -name buf.o ! -name err.o \
        ! -name 'read_*.o' |
        sort)
    own=$(find "$1/webhook/core" "$1/topology" -name '*.o' -exec nm --defined-only -g {} + | awk 'NF==3{print $3}' |
        sort -u)
    found=$(for o in $pure; do
        nm -u "$o" | awk '{print $2}' | grep -vxE \
            'mem(cpy|cmp|set|move|chr|rchr)|__mem(cpy|set|move)_chk|strlen|strnlen|strn?cmp|qsort|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|(v?snprintf|__v?snprintf_chk)|__assert_fail|__popcountdi2|__(asan|ubsan|tsan)_.*' |
            grep -vxF "$own" | while read -r s; do echo "${o#"$1"/} calls $s: a pure room may not"; done
    done)
    [ -z "$found" ] || say "$found"
fi
exit $bad
