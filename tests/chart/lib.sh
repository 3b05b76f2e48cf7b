# Sourced by the tests of the chart: TAP, helm, and rendered objects as JSON.
# shellcheck shell=bash disable=SC1091
chart_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$chart_dir/../.." && pwd)
# shellcheck source=tests/server/lib.sh
. "$root/tests/server/lib.sh"
chart=$root/charts/tpguard
work=$(mktemp -d)
trap 'stop_server KILL 2>/dev/null; rm -rf "$work"' EXIT

# helm: $HELM, the one that the end-to-end tests build, or any in PATH.
find_helm() {
    local built
    if [ -n "${HELM:-}" ]; then
        echo "$HELM"
    elif [ -x "$root/tests/e2e/build.sh" ] && built=$("$root/tests/e2e/build.sh") && [ -x "$built/helm" ]; then
        echo "$built/helm"
    else
        command -v helm
    fi
}
helm_binary=$(find_helm) || { echo "tests/chart: helm is not there: install it, or name it in HELM" >&2; exit 2; }
# Nothing of the user's own, and no cluster.
helm_here() {
    env HELM_CACHE_HOME="$work/helm" HELM_CONFIG_HOME="$work/helm" HELM_DATA_HOME="$work/helm" KUBECONFIG=/dev/null \
        "$helm_binary" "$@"
}

# YAML to JSON by helm itself, so that the tests need no YAML reader of their own: a chart whose one template does it.
mkdir -p "$work/json/templates"
printf 'apiVersion: v2\nname: json\nversion: 0.0.0\n' >"$work/json/Chart.yaml"
cat >"$work/json/templates/all.yaml" <<'T'
{{- range regexSplit "(?m)^---.*$" (.Files.Get "in.yaml") -1 }}{{ with fromYaml . }}
---
{{ toJson . }}
{{- end }}{{ end }}
T
# All objects of YAML on standard input, as one JSON list.
to_json() {
    cat >"$work/json/in.yaml"
    helm_here template json "$work/json" | grep -v -e '^---' -e '^#' | jq -s .
}

base=(--set "image.repository=registry.example.com/gpu/tpguard")
# render ARG...: $objects is the list of objects, $said what helm complained of; false when it refuses.
render() {
    helm_here template tpguard "$chart" --namespace tpguard-system "$@" >"$work/out.yaml" 2>"$work/err" || {
        said=$(cat "$work/err") objects='[]'
        return 1
    }
    # shellcheck disable=SC2034
    said=$(cat "$work/err")
    objects=$(to_json <"$work/out.yaml")
}
# renders SENTENCE ARG...: with the image's name set
renders() {
    local sentence=$1
    shift
    ok render "${base[@]}" "$@" -- "renders: $sentence"
}
# refuses TEXT SENTENCE ARG...
refuses() {
    local text=$1 sentence=$2
    shift 2
    if render "$@"; then
        is "rendered" "refused" "$sentence"
    else
        has "$said" "$text" "$sentence"
    fi
}
# holds JQ SENTENCE: an expression over the list of objects; obj("Kind"; "name") and kind("Kind") pick from it
holds() {
    local got
    got=$(jq -r "def kind(\$k): map(select(.kind == \$k)); def obj(\$k; \$n): kind(\$k) | map(select(.metadata.name == \$n)) | first;
        def pod(\$n): obj(\"Deployment\"; \$n).spec.template.spec; def args(\$n; \$c): pod(\$n).containers[] | select(.name == \$c) | .args;
        def hooks: obj(\"MutatingWebhookConfiguration\"; \"tpguard\").webhooks; $1" <<<"$objects" 2>&1)
    is "$got" true "$2"
}
