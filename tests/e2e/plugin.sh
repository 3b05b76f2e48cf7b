# Sourced by cases, after lib.sh: a device plugin on the node real1, under its real kubelet. NVIDIA's own plugin needs a
# GPU or a driver's stand-in; tests/plugin plays its choices and its failures.
#   plugin_start SCENARIO [--replicas N]   comes back when the kubelet offers GPUs; 1 and its log where it does not
#   plugin_scenario SCENARIO            other wires and Xids for the plugin that runs
#   plugin_stop [SIGNAL]                comes back when the kubelet offers none
#   plugin_running                      plugin_log            plugin_gpus: what the node offers now
#   gpus_of POD [NAMESPACE]             indices of the GPUs that the kubelet's PodResources name: "2,3", empty for none
#   checkpoint_of POD [NAMESPACE]       the same out of the kubelet's checkpoint file
#   env_of POD [NAMESPACE]              the same out of NVIDIA_VISIBLE_DEVICES in the container
#   gpu_container NAME GPUS             YAML of a pod for real1 whose container runs and can be asked by env_of
# SCENARIO: a file in the language of tests/nvml/scenario.h, or facts that are added to the machine of the worked example,
# 4 x H100 NVL with bridges on 0-1 and 2-3: "" (in good days), "down 0 1", "blind 2 3; xid 0 79".
# The file is $E2E_STATE/gpus/scenario.txt; an agent that is to see the same GPUs takes it from there.
# TPGUARD_E2E_PLUGIN: another program in its place, such as NVIDIA's; it is started with no argument but --replicas N, and
# with the library TPGUARD_E2E_NVML in its path and the scenario's name in TPGUARD_NVML_SCENARIO.
# shellcheck shell=bash disable=SC2154
# shellcheck source=tests/e2e/detached.sh
. "$e2e/detached.sh"

plugin_dir=/var/lib/kubelet/device-plugins
plugin_file=$E2E_STATE/gpus/scenario.txt
plugin_pid=$E2E_STATE/pid/plugin

plugin_scenario() {
    mkdir -p "$E2E_STATE/gpus"
    if [ -f "$1" ]; then
        cat "$1"
    else
        cat <<EOF
gpus 4 NVIDIA H100 NVL
driver 550.163.01
memory 95830
links 18
speed 26562
bus 0 17 0
bus 1 65 0
bus 2 ca 1
bus 3 e3 1
bridge 0 1 12
bridge 2 3 12
level 0 2 SYS
level 0 3 SYS
level 1 2 SYS
level 1 3 SYS
${1//; /$'\n'}
EOF
    fi >"$plugin_file.new"
    # Never half a file.
    mv "$plugin_file.new" "$plugin_file"
}

plugin_gpus() { field node/real1 '{.status.allocatable.nvidia\.com/gpu}'; }
plugin_offers() { [ "$(plugin_gpus)" = "$1" ]; }
plugin_offers_none() { plugin_offers 0 || plugin_offers ''; }
plugin_list() { "$plugin_tool" gpus "$plugin_file"; } # INDEX UUID
plugin_log() { cat "$E2E_STATE/log/plugin.log"; }

plugin_running() {
    [ -s "$plugin_pid" ] && inside kill -0 "$(cat "$plugin_pid")" 2>/dev/null
}

plugin_gone() { ! plugin_running; }
plugin_settled() { plugin_gone || ! plugin_offers_none; }

plugin_start() { # SCENARIO [OPTION...]
    local program=${TPGUARD_E2E_PLUGIN:-} args=()
    plugin_scenario "$1" || return 1
    shift
    plugin_tool=${plugin_tool:-$("$e2e/../plugin/build.sh")} || return 1
    [ -n "$program" ] || { program=$plugin_tool && args=(--scenario "$plugin_file"); }
    plugin_stop TERM || return 1
    # Inside, so that it ends with the cluster; the number is the one it has in there.
    # shellcheck disable=SC2016 # for the shell inside
    inside bash -c '. "$1/detached.sh"; state=$2 lib=$3; shift 3
        detached env -i PATH="$PATH" ${lib:+LD_LIBRARY_PATH="$lib"} TPGUARD_NVML_SCENARIO="$state/gpus/scenario.txt" "$@" >"$state/log/plugin.log" 2>&1 &
        echo $! >"$state/pid/plugin"' bash "$e2e" "$E2E_STATE" "${TPGUARD_E2E_NVML:+$(dirname "$TPGUARD_E2E_NVML")}" \
        "$program" "${args[@]}" "$@"
    if ! eventually 20 plugin_settled || plugin_gone; then
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
    tr , '\n' <<<"$1" | sed 's/::.*//' | sort | join -1 1 -2 2 - <(plugin_list | sort -k 2) | cut -d' ' -f2 | sort -nu | paste -sd,
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
