#!/usr/bin/env bash
# Builds the stand-in for NVIDIA's device plugin, once for each content, after its own tests. Prints its path, below
# ${TPGUARD_CACHE:-${XDG_CACHE_HOME:-~/.cache}/tpguard}. Needs Go 1.26 or later, as the cluster's programs do.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
key=$(cat go.mod go.sum ./*.go | sha256sum)
dir=${TPGUARD_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tpguard}/plugin-${key:0:12}
if [ ! -x "$dir/plugin" ]; then
    command -v go >/dev/null || { echo "tests/plugin/build.sh: needs Go 1.26 or later in PATH: https://go.dev/dl" >&2; exit 2; }
    mkdir -p "$dir"
    export CGO_ENABLED=0
    {
        go vet -mod=readonly . && go test -mod=readonly . &&
            go build -mod=readonly -trimpath -ldflags '-s -w' -o "$dir/.new-$$" .
    } >"$dir/log" 2>&1 || { tail -n 30 "$dir/log" >&2; exit 1; }
    mv "$dir/.new-$$" "$dir/plugin"
fi
echo "$dir/plugin"
