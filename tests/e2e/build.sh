#!/usr/bin/env bash
# Builds the cluster's programs from source, once: etcd, the Kubernetes servers, kubectl, kwok and helm. They land
# outside the tree, in ${TPGUARD_CACHE:-${XDG_CACHE_HOME:-~/.cache}/tpguard}/k8s-KEY; KEY is over the module's files, the
# flags and the versions, so that another answer to any of them is another directory. A finished program is never built
# twice; an interrupted run goes on where it was. Progress goes to standard error, the directory to standard output.
#   tests/e2e/build.sh            build what is missing, print the directory
#   tests/e2e/build.sh --where    print the directory alone; 1 where something in it is missing
# TPGUARD_E2E_BIN: a directory with all these programs, say of another version of Kubernetes: it is taken instead.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/versions.sh
. "$here/versions.sh"

v=k8s.io/component-base/version
ldflags="-s -w -X $v.gitVersion=$KUBERNETES -X $v.gitMajor=1 -X $v.gitMinor=${KUBERNETES_MINOR} -X $v.gitTreeState=clean"
# The date is the same in each build: the same source gives the same bytes.
ldflags="$ldflags -X $v.buildDate=1970-01-01T00:00:00Z -X k8s.io/client-go/pkg/version.gitVersion=$KUBERNETES"
flags=(-trimpath -tags 'grpcnotrace,notest')
programs=(etcd kube-scheduler kube-controller-manager kube-apiserver kubelet kube-proxy kubectl kwok helm)

key=$({ cat "$here/harness/go.mod" "$here/harness/go.sum"; echo "${flags[*]} $ldflags $KWOK $HELM"; } | sha256sum)
dir=${TPGUARD_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tpguard}/k8s-${key:0:12}

dir=${TPGUARD_E2E_BIN:-$dir}
missing() {
    local p
    for p in "${programs[@]}"; do
        [ -x "$dir/$p" ] || echo "$p"
    done
}

if [ "${1:-}" = --where ]; then
    echo "$dir"
    [ -z "$(missing)" ]
    exit
fi

if [ -z "$(missing)" ]; then
    echo "$dir"
    exit 0
fi

if [ -n "${TPGUARD_E2E_BIN:-}" ]; then
    echo "tests/e2e/build.sh: TPGUARD_E2E_BIN=$dir has no $(missing | head -n 1)" >&2
    exit 2
fi

go_is_new() { # 1.26 or later
    local have
    have=$(go env GOVERSION 2>/dev/null) || return 1
    [[ $have =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 26 ]
}
if ! go_is_new; then
    echo "tests/e2e/build.sh: needs Go 1.26 or later in PATH to build Kubernetes (Debian 12's is too old): https://go.dev/dl" >&2
    exit 2
fi

mkdir -p "$dir"
# Two at once would do the same work twice.
exec 9>"$dir/.lock"
flock -n 9 || { echo "another build is at work in $dir, waiting for it" >&2; flock 9; }

# build PROGRAM OUTPUT
build() {
    case $1 in
    kwok | helm)
        # Not in the module: they want newer neighbours than Kubernetes does.
        local bin pkg=helm.sh/helm/v4/cmd/helm@$HELM more="-s -w"
        [ "$1" = helm ] || pkg=sigs.k8s.io/kwok/cmd/kwok@$KWOK
        bin=$(mktemp -d "$dir/.bin.XXXXXX")
        GOBIN=$bin go install -trimpath -ldflags "$more" "$pkg"
        mv "$bin/$1" "$2"
        rmdir "$bin"
        ;;
    etcd) go -C "$here/harness" build -mod=readonly "${flags[@]}" -ldflags "-s -w" -o "$2" go.etcd.io/etcd/server/v3 ;;
    *) go -C "$here/harness" build -mod=readonly "${flags[@]}" -ldflags "$ldflags" -o "$2" "k8s.io/kubernetes/cmd/$1" ;;
    esac
}

export CGO_ENABLED=0
todo=$(missing)
[ -z "$todo" ] || echo "building $(wc -l <<<"$todo") of ${#programs[@]} programs of Kubernetes $KUBERNETES into $dir (about 13 minutes in all on 2 cores, once)" >&2
for p in $todo; do
    began=$SECONDS
    printf '  %-24s ' "$p" >&2
    build "$p" "$dir/.new-$p" 2>"$dir/.log-$p" || {
        echo "does not build:" >&2
        tail -n 20 "$dir/.log-$p" >&2
        exit 1
    }
    mv "$dir/.new-$p" "$dir/$p"
    rm -f "$dir/.log-$p"
    echo "$((SECONDS - began)) s" >&2
done
echo "$dir"
