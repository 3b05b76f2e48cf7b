# Sourced by cases, after lib.sh: a device plugin on the node real1, under its real kubelet. NVIDIA's own plugin needs a
# GPU or a driver's stand-in; tests/plugin plays its choices and its failures.
#   plugin_start SCENARIO [OPTION...]   comes back when the kubelet offers the GPUs; 1 and its log where it does not
#   plugin_scenario SCENARIO            other wires and Xids for the plugin that runs
#   plugin_stop [SIGNAL]                comes back when the kubelet offers none
#   plugin_running                      plugin_log            plugin_gpus: what the node offers now
#   gpus_of POD [NAMESPACE]             indices of the GPUs that the kubelet's PodResources name: "2,3", empty for none
#   checkpoint_of POD [NAMESPACE]       the same out of the kubelet's checkpoint file
#   env_of POD [NAMESPACE]              the same out of NVIDIA_VISIBLE_DEVICES in the container
#   gpu_container NAME GPUS             YAML of a pod for real1 whose container runs and can be asked by env_of
# SCENARIO: a machine in one line ("4xH100-NVL down=0-1"), or a file (tests/plugin/scenario.go).
# TPGUARD_E2E_PLUGIN: another program in its place, such as NVIDIA's; it is started with no argument but OPTION... and
# finds its GPUs by itself, with TPGUARD_E2E_NVML as the driver library where that is set.
# shellcheck shell=bash disable=SC2154
# shellcheck source=tests/e2e/detached.sh
. "$e2e/detached.sh"

plugin_dir=/var/lib/kubelet/device-plugins
plugin_file=$E2E_STATE/plugin.json
plugin_pid=$E2E_STATE/pid/plugin

plugin_scenario() {
    if [ -f "$1" ]; then
        cp "$1" "$plugin_file.new"
    else
        "$TPGUARD" topology --synthetic "$1" --annotation >"$plugin_file.new" || return 1
    fi
    mv "$plugin_file.new" "$plugin_file"
}

plugin_gpus() { field node/real1 '{.status.allocatable.nvidia\.com/gpu}'; }
plugin_offers() { [ "$(plugin_gpus)" = "$1" ]; }
plugin_offers_none() { plugin_offers 0 || plugin_offers ''; }
plugin_log() { cat "$E2E_STATE/log/plugin.log"; }

plugin_running() {
    [ -s "$plugin_pid" ] && inside kill -0 "$(cat "$plugin_pid")" 2>/dev/null
}

plugin_gone() { ! plugin_running; }
plugin_settled() { plugin_offers "$1" || plugin_gone; }

plugin_start() { # SCENARIO [OPTION...]
    local program=${TPGUARD_E2E_PLUGIN:-} args=() gpus replicas=1 i
    plugin_scenario "$1" || return 1
    shift
    plugin_tool=${plugin_tool:-$("$e2e/../plugin/build.sh")} || return 1
    [ -n "$program" ] || { program=$plugin_tool && args=(--scenario "$plugin_file"); }
    plugin_stop TERM || return 1
    for ((i = 1; i < $#; i++)); do
        [ "${!i}" != --replicas ] || { i=$((i + 1)) && replicas=${!i}; }
    done
    # Inside, so that it ends with the cluster; the number is the one it has in there.
    # shellcheck disable=SC2016 # for the shell inside
    inside bash -c '. "$1/detached.sh"; state=$2 lib=$3; shift 3
        detached env -i PATH="$PATH" ${lib:+LD_LIBRARY_PATH="$lib"} "$@" >"$state/log/plugin.log" 2>&1 &
        echo $! >"$state/pid/plugin"' bash "$e2e" "$E2E_STATE" "${TPGUARD_E2E_NVML:+$(dirname "$TPGUARD_E2E_NVML")}" \
        "$program" "${args[@]}" "$@"
    gpus=$(jq --argjson r "$replicas" '[.gpus[] | select(.xid == null)] | length * $r' "$plugin_file")
    if ! eventually 20 plugin_settled "$gpus" || ! plugin_running; then
        plugin_log | tail -n 20 >&2
        return 1
    fi
}

plugin_stop() { # [SIGNAL]
    if plugin_running; then
        inside kill -"${1:-TERM}" "$(cat "$plugin_pid")"
        eventually 10 plugin_gone || return 1
    fi
    rm -f "$plugin_pid"
    eventually 20 plugin_offers_none
}

# indices UUID,UUID...: in order
plugin_indices() {
    jq -r --arg u "$1" '[.gpus[] | select(.uuid as $x | $u | split(",") | map(split("::")[0]) | index($x)) | .index | tostring] | join(",")' \
        "$plugin_file"
}

gpus_of() { # POD [NAMESPACE]
    plugin_indices "$(inside "$plugin_tool" podresources |
        awk -v pod="${2:-default}/$1" '$1 == pod && $3 == "nvidia.com/gpu" { print $4 }' | paste -sd,)"
}
checkpoint_of() { # POD [NAMESPACE]
    plugin_indices "$(inside cat "$plugin_dir/kubelet_internal_checkpoint" |
        jq -r --arg uid "$(field "pod/$1" '{.metadata.uid}' -n "${2:-default}")" \
            '[.Data.PodDeviceEntries[]? | select(.PodUID == $uid) | .DeviceIDs[][]] | join(",")')"
}
env_of() { # POD [NAMESPACE]
    plugin_indices "$(inside curl -s -m 5 "http://$(field "pod/$1" '{.status.podIP}' -n "${2:-default}"):8080/" |
        sed -n 's/^NVIDIA_VISIBLE_DEVICES=//p')"
}

gpu_container() { # NAME GPUS
    cat <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  nodeSelector: {kubernetes.io/hostname: real1}
  dnsPolicy: Default
  terminationGracePeriodSeconds: 1
  containers:
  - {name: c, image: "tpguard.test/pod:1", imagePullPolicy: Never, args: [serve, "8080"], resources: {limits: {nvidia.com/gpu: $2}}}
---
YAML
}
