#!/usr/bin/env bash
# Adds the simulated GPU nodes of the worked example to a cluster that is up, or gives them that wiring again.
# Usage: tests/e2e/nodes.sh [NAME]    (TPGUARD: the binary, build/release/tpguard)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
TPGUARD=${TPGUARD:-$here/../../build/release/tpguard}
E2E_STATE=${TPGUARD_RUN:-/run/tpguard}/${1:-tpguard}
[ -x "$E2E_STATE/kubectl" ] || { echo "tests/e2e/nodes.sh: no cluster in $E2E_STATE" >&2; exit 2; }
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
example_nodes
k get nodes -L nvidia.com/gpu.product,nvidia.com/gpu.count
