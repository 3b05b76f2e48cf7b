#!/usr/bin/env bash
# tpguard topology --from: the program, over the stand-in for NVIDIA's library (no GPU, no root). TAP.
# One scenario a machine: tests/nvml/scenarios/; their words: tests/nvml/scenario.h.
set -u
cd "$(dirname "$0")/../.." || exit 2
tpguard=${TPGUARD:-build/release/tpguard}
scenarios=tests/nvml/scenarios
TPGUARD_NVML_LIBRARY=${TPGUARD_NVML_LIBRARY:-$(dirname "$tpguard")/tests/nvml/libnvidia-ml.so.1}
export TPGUARD_NVML_LIBRARY
# shellcheck source=tests/tap.sh
. tests/tap.sh
watcher=
trap '[ -z "$watcher" ] || kill -KILL "$watcher" 2>/dev/null; rm -rf "$work"' EXIT

# Replaced in one step, as the stand-in wants it.
play() { # SCENARIO [LINE...]
    local name=$1
    shift
    { cat "$scenarios/$name.txt"; printf '%s\n' "$@"; } >"$work/new"
    mv "$work/new" "$work/scenario"
}
export TPGUARD_NVML_SCENARIO=$work/scenario
topology() { "$tpguard" topology --from nvml --deadline 5 "$@"; }
machine() { # SCENARIO WHAT JQ-TEST...
    local name=$1 what=$2
    shift 2
    play "$name"
    run 0 "$name: $what" topology -o json
    for t in "$@"; do json "$t" "$t"; done
}

machine h100-nvl "four cards, two bridges" '.pairs["0-1"] == "healthy" and .pairs["2-3"] == "healthy"' \
    '.source == "nvml" and .driver == "550.163.01" and .sets.largest == 2' '.edges == [[0,1,12],[2,3,12]]' \
    '.gpus[2].pciBusId == "00000000:CA:00.0" and .gpus[2].numa == 1 and .gpus[2].memoryMiB == 95830' \
    '.nvlink["0"] == {state: "listed", on: 12, listed: 18, speedGBs: 26.562, incomplete: false}'
machine h100-nvl-bridge-down "never seen up: absent" '.pairs["0-1"] == "absent" and .pairs["2-3"] == "healthy"'
machine h100-nvl-lane-short "11 of 12" '.pairs["0-1"] == "degraded" and .wires[0][1] == "NV11"' '.labels["tpguard.io/nvlink"] == "degraded"'
machine h100-nvl-asymmetric "two ends disagree" '.pairs["0-1"] == "asymmetric" and .wires[0][1] == "NV9" and .wires[1][0] == "NV12"'
machine h100-nvl-lost "a GPU off the bus" '.gpus[1].blocked == "fault" and (.gpus[1].fault | test("lost"))' '.pairs["2-3"] == "healthy" and .sets.largest == 2'
machine h100-nvl-mig "MIG" '.gpus[3].mig and .gpus[3].blocked == "mig" and .sets.list == [[0,1]]'
machine h100-nvl-reordered "index is not bus order" '.edges == [[0,2,12],[1,3,12]]'
machine h100-sxm8 "through NVSwitch" '.nvswitch and .sets.largest == 8 and .gpus[0].fabric == "completed"'
machine h100-sxm8-fabric "Fabric Manager still at work" '.nvswitch and .sets.largest == 0 and .gpus[0].fabric == "in-progress"' \
    '[.gpus[].blocked] | unique == ["fabric"]' '.wires[0][7] == "NV18"'
machine h100-sxm8-link-short "one link to the switches" '.pairs["0-5"] == "degraded" and .pairs["0-4"] == "healthy" and .sets.largest == 7'
machine l40s4 "no NVLink" '[.pairs[]] | unique == ["absent"]' '.nvlink["0"].state == "none" and .wires[0][1] == "PIX" and .labels["tpguard.io/nvlink"] == "none"'
machine a100-pcie "an old driver" '.pairs["0-1"] == "healthy" and .gpus[0].fabric == null and .driver == "450.248.02"'

# Text, annotation, baseline.
play h100-nvl
run 0 "the picture" topology
says out "4 x H100 NVL, NVLink pairs 0-1 and 2-3 healthy"
run 0 "the annotation" topology --annotation
json '.version == 1 and .source == "nvml" and .expected[0][1] == 12 and (.observedAt | length) == 20' "... canonical"
cp "$work/out" "$work/baseline"
play h100-nvl-bridge-down
run 0 "the bridge is down, and was seen up" topology --baseline "$work/baseline" -o json
json '.pairs["0-1"] == "down"' "... down, not absent"
play h100-nvl-lost
run 0 "the lost GPU, by its baseline" topology --baseline "$work/baseline" -o json
json '.pairs["0-1"] == "down" and .gpus[1].uuid == "GPU-00000001-1111-2222-3333-444444444444"' "... down, and named"

# Trouble: one line, an exit code, in time.
play h100-nvl "hang nvmlDeviceGetNvLinkState 2"
run 3 "a driver that hangs cannot be told" "$tpguard" topology --from nvml --deadline 1
says err "did not answer within 1000 ms (GPU 2, links)"
run 3 "... nor as JSON" "$tpguard" topology --from nvml --deadline 1 -o json
json '.state == "unknown" and .gpus == null and (.error | test("did not answer"))' "... state unknown"
play h100-nvl "crash nvmlDeviceGetMemoryInfo all"
run 3 "a library that crashes" topology
says err "crashed (signal 6"
play h100-nvl "fail nvmlInit_v2 all 18"
refuses "library and driver of different versions" "different versions" topology
refuses "no library" "cannot load /nonexistent: cannot open" topology --nvml-library /nonexistent
refuses "neither library nor nvidia-smi" "cannot run /nonexistent-smi" "$tpguard" topology --from auto \
    --nvml-library /nonexistent --nvidia-smi /nonexistent-smi
refuses "--from twice a source" "wants no other source" "$tpguard" topology --from nvml --synthetic "4xH100-NVL"
refuses "an unknown source" '--from wants nvml, nvidia-smi or auto, found "smi"' "$tpguard" topology --from smi
refuses "--watch of a file" "--watch wants --from" "$tpguard" topology --watch README.md
refuses "--interval 0" "--interval wants 1 to 3600 seconds" "$tpguard" topology --from nvml --watch --interval 0
refuses "a baseline that is none" "--baseline README.md" "$tpguard" topology --from nvml --baseline README.md
[ -z "$(pgrep -f "nvml-reader $TPGUARD_NVML_LIBRARY" -s "$(ps -o sid= $$ | tr -d ' ')")" ]
result $? "no reader is left behind"

# nvidia-smi as the source.
smi=$work/nvidia-smi
cat >"$smi" <<'SMI'
#!/bin/sh
case $1 in
topo) printf '\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \tNV12\t0-3\nGPU1\tNV12\t X \t0-3\n\nLegend:\n' ;;
nvlink)
    for g in 0 1; do
        echo "GPU $g: NVIDIA A100 80GB PCIe (UUID: GPU-$g)"
        for l in 0 1 2 3 4 5 6 7 8 9 10 11; do printf '\t Link %d: 25 GB/s\n' $l; done
    done
    ;;
*) exit 1 ;;
esac
SMI
chmod 755 "$smi"
run 0 "nvidia-smi" "$tpguard" topology --from nvidia-smi --nvidia-smi "$smi" -o json
json '.source == "nvidia-smi" and .pairs["0-1"] == "healthy" and .gpus[1].uuid == "GPU-1"' "... two bridged cards"
run 0 "... where NVML cannot be loaded" "$tpguard" topology --from auto --nvml-library /nonexistent --nvidia-smi "$smi" -o json
json '.source == "nvidia-smi"' "... asked second"

# --watch
wait_lines() { # N
    for _ in $(seq 100); do
        [ "$(wc -l <"$work/watch")" -ge "$1" ] && return 0
        sleep 0.1
    done
    return 1
}
# The watcher ends within 10 s, with 0.
ends_on() { # SIGNAL
    kill -s "$1" "$watcher"
    for _ in $(seq 100); do
        kill -0 "$watcher" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$watcher" 2>/dev/null
    wait "$watcher"
    local rc=$?
    watcher=
    [ $rc -eq 0 ]
    result $? "... until SIG$1 (exit 0, was $rc)"
}
pair() { sed -n "$1p" "$work/watch" | jq -r '.pairs["0-1"]'; }
play h100-nvl
"$tpguard" topology --from nvml --deadline 5 --watch --interval 600 -o json >"$work/watch" 2>"$work/err" &
watcher=$!
wait_lines 1 && [ "$(pair 1)" = healthy ]
result $? "--watch prints at once"
sleep 0.5
play h100-nvl-bridge-down "xid 0 74"
wait_lines 2 && [ "$(pair 2)" = down ]
result $? "... again when an Xid says that something changed: down, not absent"
play h100-nvl-bridge-down "xid 1 74" "xid 0 13"
sleep 1
[ "$(wc -l <"$work/watch")" -eq 2 ]
result $? "... not when nothing did"
ends_on INT
play h100-nvl
"$tpguard" topology --from nvml --deadline 2 --watch --interval 1 -o json >"$work/watch" 2>"$work/err" &
watcher=$!
wait_lines 1
play h100-nvl "hang nvmlDeviceGetCount_v2 all"
wait_lines 2 && sed -n 2p "$work/watch" | jq -e '.state == "unknown"' >/dev/null
result $? "... a driver that hangs is news"
play h100-nvl-lost
wait_lines 3 && sed -n 3p "$work/watch" | jq -e '.gpus[1].blocked == "fault"' >/dev/null
result $? "... and what it says afterwards"
ends_on TERM

echo "1..$count"
[ $failed -eq 0 ]
