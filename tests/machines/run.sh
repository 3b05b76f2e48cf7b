#!/usr/bin/env bash
# Recorded machines: what `tpguard topology` reads out of nvidia-smi text. NAME/topo.txt and NAME/nvlink.txt (either may
# be missing) give NAME/expect.json and the exit code in NAME/rc (0 when there is none). UPDATE=1 rewrites both. Behind
# them the options of the command.
# Usage: tests/machines/run.sh [PROGRAM]; prints TAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "${1:-$here/../../build/release/tpguard}")
count=0 failed=0
got=$(mktemp) raw=$(mktemp)
trap 'rm -f "$got" "$raw"' EXIT

ok() { # STATUS NAME
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else
        echo "not ok $count - $2"
        failed=$((failed + 1))
    fi
}

read_machine() { # in the machine's folder, so that errors name files and no paths
    local args=()
    [ -e topo.txt ] && args+=(topo.txt)
    [ -e nvlink.txt ] && args+=(--nvlink nvlink.txt)
    "$program" topology "${args[@]}" --output json >"$raw" 2>/dev/null
    rc=$?
    jq -S . "$raw" >"$got"
}

for dir in "$here"/*/; do
    name=$(basename "$dir")
    cd "$dir" || exit 2
    read_machine
    if [ "${UPDATE:-}" = 1 ]; then
        cp "$got" expect.json
        rm -f rc
        [ "$rc" -eq 0 ] || echo "$rc" >rc
    fi
    diff -u expect.json "$got" | sed 's/^/# /'
    ok "${PIPESTATUS[0]}" "$name reads as recorded"
    want=0
    [ ! -e rc ] || want=$(cat rc)
    [ "$rc" = "$want" ]
    ok $? "$name ends with exit code $want"
    # Reading what was written: the annotation says the same as the text.
    if [ -e topo.txt ] && [ "$rc" -eq 0 ]; then
        args=(topo.txt)
        [ -e nvlink.txt ] && args+=(--nvlink nvlink.txt)
        "$program" topology "${args[@]}" --annotation >"$raw" && "$program" topology "$raw" --output json |
            jq -S 'del(.observedAt)' | diff -u <(jq -S 'del(.observedAt)' expect.json) - | sed 's/^/# /'
        ok "${PIPESTATUS[2]}" "$name says the same after a trip through its annotation"
    fi
done
# ---- options ----

cd "$here" || exit 2
run() { # RC NAME ARGUMENTS...: ends with RC
    local want=$1 name=$2
    shift 2
    "$program" topology "$@" >"$raw" 2>"$got" </dev/null
    [ $? -eq "$want" ]
    ok $? "$name"
}
out() { grep -qF -- "$1" "$raw"; ok $? "... and prints: $1"; }
err() { grep -qF -- "$1" "$got"; ok $? "... and says: $1"; }
json() { jq -e "$1" "$raw" >/dev/null 2>&1; ok $? "... and its JSON has $1"; }

run 0 "--help is no error" --help
out "Usage: tpguard topology"
run 0 "--products lists the words" --products
out "H100-NVL"
run 0 "text for people" h100-nvl-one-bridge/topo.txt --nvlink h100-nvl-one-bridge/nvlink.txt --ascii
out "4 x H100 NVL, NVLink pair 2-3 healthy"
out "| GPU2 |== NV12 ==| GPU3 |"
out "12 of 18 up, 26.562 GB/s each: full for H100 NVL"
out "no bridge fitted on this H100 NVL, or it is down"
out "tpguard.io/nvlink-set=2"
run 0 "an all-inactive board" b200-4gpu-all-inactive/topo.txt --nvlink b200-4gpu-all-inactive/nvlink.txt
out "GPU 2: all links inactive: a fault"
run 0 "--color always" --color always --synthetic "2xA30 down=0-1"
out $'\x1b[31mDOWN'
run 0 "--color never" --color never --synthetic "2xA30 down=0-1"
! grep -q $'\x1b' "$raw"
ok $? "... and no escape code is printed"
run 0 "--cordon keeps GPUs out of sets" --synthetic 4xB200 --cordon 1 -o json
json '.sets.list == [[0,2,3]] and .gpus[1].blocked == "cordoned"'
run 2 "--cordon of a GPU that is not there" --synthetic 4xB200 --cordon 4
err "--cordon wants GPUs of this machine"
run 0 "--annotation" --annotation a100-board-4gpu/topo.txt
json '.version == 1 and .source == "nvidia-smi" and (.observedAt | length) == 20'
run 2 "--annotation without a matrix" --annotation --nvlink nvlink-only/nvlink.txt
err "wants the matrix"
run 3 "--annotation of a cut text prints nothing" --annotation matrix-cut-in-row/topo.txt
[ ! -s "$raw" ]
ok $? "... on standard output"
run 3 "standard input that is empty" - -o json
json '.state == "unknown" and .wires == null and .labels["tpguard.io/nvlink"] == "unknown"'
run 3 "no FILE is standard input as well" -o json
run 2 "standard input twice" - --nvlink -
err "standard input can be one text only"
run 2 "two sources" --synthetic 1xL4 l40s-4gpu/topo.txt
err "wants one of FILE"
run 2 "two files" l40s-4gpu/topo.txt l40s-4gpu/topo.txt
err "wants one file"
run 2 "a file that is not there, in JSON" missing.txt --output json
json '.state == "unknown" and .error == "missing.txt: No such file or directory" and .gpus == null'
run 2 "a folder" l40s-4gpu
err "l40s-4gpu: Is a directory"
run 2 "an unknown option, in JSON" --bogus --output json
json '.error | contains("--bogus")'
run 2 "an option without its value" --nvlink
err "--nvlink wants a value"
run 2 "an output that is none" -o yaml
err 'wants text or json, found "yaml"'
run 2 "a colour that is none" --color green
err "wants auto, always or never"
run 2 "a synthetic machine that is none" --synthetic "4xZ900"
err 'no product "Z900"'
run 2 "an annotation that is none" --from-annotation l40s-4gpu/topo.txt
err "l40s-4gpu/topo.txt: "

echo "1..$count"
[ "$failed" -eq 0 ] && [ "$count" -gt 0 ]
