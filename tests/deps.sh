#!/usr/bin/env bash
# Installs the Debian packages that are missing. Usage: tests/deps.sh GROUP... with groups build, test, lint, e2e.
set -eu
want=()
for group in "$@"; do
    case $group in
    build) want+=(gcc libc6-dev binutils make libcurl4-openssl-dev libmicrohttpd-dev libgnutls28-dev libcjson-dev libssl-dev libyaml-dev libprotobuf-c-dev
        protobuf-c-compiler) ;;
    test) want+=(curl jq openssl procps) ;;
    lint) want+=(git clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev cppcheck shellcheck) ;;
    e2e) want+=(containerd runc containernetworking-plugins iproute2 iptables conntrack util-linux ca-certificates) ;;
    *) echo "tests/deps.sh: no group \"$group\": build, test, lint, e2e" >&2; exit 2 ;;
    esac
done
missing=()
for p in "${want[@]}"; do
    dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0
echo "installing: ${missing[*]}"
sudo=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "needs root (or sudo) to install: ${missing[*]}" >&2; exit 2; }
    sudo=sudo
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    exit 1
fi
