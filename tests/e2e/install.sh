#!/usr/bin/env bash
# Installs tpguard in a cluster that is up: the image onto its node, the chart with helm, nothing else.
# Usage: tests/e2e/install.sh [NAME] [HELM-OPTION...]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
TPGUARD=${TPGUARD:-build/release/tpguard}
E2E_STATE=${TPGUARD_RUN:-/run/tpguard}/${1:-tpguard}
[ -x "$E2E_STATE/kubectl" ] || { echo "tests/e2e/install.sh: no cluster in $E2E_STATE: make cluster" >&2; exit 2; }
[ -f build/image/tpguard.tar ] || { echo "tests/e2e/install.sh: no image: make image" >&2; exit 2; }
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/e2e/tpguard.sh
. "$here/tpguard.sh"
tpguard_images
tpguard_install "${@:2}"
