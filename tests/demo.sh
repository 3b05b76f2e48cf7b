#!/usr/bin/env bash
# The main job, shown: starts the real HTTPS server on the built-in cluster, sends it what kube-apiserver and
# kube-scheduler would send, and prints what people would see. Usage: tests/demo.sh TPGUARD
set -euo pipefail
tpguard=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
clusters=$here/clusters
pid=
finish() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m' colour=always; else bold='' dim='' plain='' colour=never; fi
title() { printf '\n%s== %s%s\n\n' "$bold" "$*" "$plain"; }
shell() { printf '%s$ %s%s\n' "$dim" "$*" "$plain"; }

title "1. The wires of gpu-a: four H100 NVL, two bridges, and the one between 0 and 1 is down"
shell "tpguard topology --synthetic '4xH100-NVL down=0-1'"
"$tpguard" topology --synthetic '4xH100-NVL down=0-1' --color "$colour"

title "2. The server: HTTPS with a certificate of its own, on a recorded cluster of that one node"
cp "$clusters/worked-example.yaml" "$work/cluster.yaml"
shell "tpguard serve --cluster cluster.yaml --write-ca ca.pem"
"$tpguard" serve --listen 127.0.0.1:0 --cluster "$work/cluster.yaml" --write-ca "$work/ca.pem" \
    --scheduler-name tpguard-scheduler 2>"$work/serve.log" &
pid=$!
address=
for _ in $(seq 100); do
    address=$(jq -r 'select(.msg == "serving") | .address' "$work/serve.log" 2>/dev/null | head -n 1)
    [ -z "$address" ] || break
    kill -0 "$pid" 2>/dev/null || { cat "$work/serve.log" >&2; exit 1; }
    sleep 0.05
done
[ -n "$address" ] || { echo "the server did not start:" >&2; cat "$work/serve.log" >&2; exit 1; }
call() { # METHOD PATH [BODY-FILE]
    curl -sS --fail-with-body --cacert "$work/ca.pem" -X "$1" "https://$address$2" \
        ${3:+-H 'Content-Type: application/json' --data-binary @"$3"}
}
for _ in $(seq 100); do call GET /readyz >/dev/null 2>&1 && break; sleep 0.05; done
echo "listening on https://$address, $(call GET /readyz)"

pod() { # NAME TP GPUS [PIN] -> pod.json, as the API server stores it
    jq -n --arg name "$1" --arg tp "$2" --arg gpus "$3" --arg pin "${4:-}" '{apiVersion: "v1", kind: "Pod",
        metadata: {name: $name, namespace: "llm"}, spec: {schedulerName: "default-scheduler", containers: [{
            name: "vllm", image: "vllm/vllm-openai:v0.24.0", command: ["vllm", "serve", "/models/qwen35-27b"],
            args: ["--quantization=fp8", "--tensor-parallel-size", $tp],
            env: (if $pin == "" then [] else [{name: "NVIDIA_VISIBLE_DEVICES", value: $pin}] end),
            resources: {limits: {"nvidia.com/gpu": $gpus}, requests: {"nvidia.com/gpu": $gpus}}}]}}' >"$work/pod.json"
}
# What kube-apiserver sends for `kubectl apply`, and what kubectl then prints.
admit() { # NAME
    jq -c '{kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", request: {
        uid: "705ab4f5-6393-11e8-b7cc-42010a800002", kind: {group: "", version: "v1", kind: "Pod"},
        resource: {group: "", version: "v1", resource: "pods"}, operation: "CREATE",
        name: .metadata.name, namespace: .metadata.namespace, dryRun: false,
        userInfo: {username: "jane", groups: ["system:authenticated"]}, object: .}}' "$work/pod.json" >"$work/body.json"
    call POST "/admit/pods?timeout=5s" "$work/body.json" >"$work/answer.json"
    shell "kubectl apply -f $1.yaml"
    jq -r --arg name "$1" '.response as $r | ($r.warnings // [] | .[] | "Warning: " + .),
        if $r.allowed then "pod/" + $name + " created" else
            "Error from server (" + $r.status.reason + "): error when creating \"" + $name + ".yaml\": "
            + "admission webhook \"pods.tpguard.io\" denied the request: " + $r.status.message end' "$work/answer.json"
}
patch_words() {
    jq -r '.response.patch // empty' "$work/answer.json" | base64 -d |
        jq -r '.[] | "  patch  " + .op + " " + .path + "  " + (.value | tojson)' | cut -c1-200
}
# What kube-scheduler sends for a pod over these nodes, and what it makes of the answers.
schedule() { # NAME NODE...
    local name=$1
    shift
    jq -c --args '{Pod: (. + {metadata: (.metadata + {uid: "u1"})}), Nodes: null, NodeNames: $ARGS.positional}' "$@" \
        <"$work/pod.json" >"$work/body.json"
    call POST /scheduler/filter "$work/body.json" >"$work/filter.json"
    jq -c '{Pod, Nodes, NodeNames: $f[0].NodeNames}' --slurpfile f "$work/filter.json" "$work/body.json" >"$work/body2.json"
    call POST /scheduler/prioritize "$work/body2.json" >"$work/scores.json"
    shell "kube-scheduler: filter, prioritize for $name over $*"
    jq -rn --slurpfile f "$work/filter.json" --slurpfile s "$work/scores.json" '
        ($s[0] | map({(.Host): .Score}) | add // {}) as $score
        | ($f[0].NodeNames // [] | sort_by(-$score[.]) | .[] | "  \(.)  fits, score \($score[.])"),
          ($f[0].FailedNodes // {} | to_entries[] | "  \(.key)  no: \(.value)"),
          ($f[0].FailedAndUnresolvableNodes // {} | to_entries[] | "  \(.key)  no: \(.value)")'
}

title "3. qwen35-27b at TP=2, pinned to the GPUs 0,1"
pod qwen35-27b 2 2 0,1
admit qwen35-27b

title "4. The same pod without the pin: allowed, and steered to nodes with an NVLink pair"
pod qwen35-27b 2 2
admit qwen35-27b
patch_words

title "5. Five more nodes join: the file changes, SIGHUP, and the cache is read anew"
cp "$clusters/six-nodes.yaml" "$work/cluster.yaml"
shell "kubectl get nodes,pods -A -o yaml > cluster.yaml; kill -HUP \$(pidof tpguard)"
kill -HUP "$pid"
for _ in $(seq 100); do call GET /metrics | grep -q '^tpguard_nodes{state="topology_known"} 5' && break; sleep 0.05; done
call GET /metrics | grep '^tpguard_nodes'
nodes=(gpu-a gpu-b gpu-c gpu-d gpu-e gpu-f)

title "6. Where may the TP=2 pod go?"
schedule qwen35-27b "${nodes[@]}"

title "7. And a TP=1 replica of the same model? First to the GPUs that no TP group can use"
pod qwen35-27b-r0 1 1
schedule qwen35-27b-r0 "${nodes[@]}"

title "8. The whole story, offline, by the same code"
shell "tpguard explain -f qwen35-pinned.yaml --cluster worked-example.yaml"
"$tpguard" explain -f "$here/manifests/qwen35-pinned.yaml" --cluster "$clusters/worked-example.yaml" \
    --color "$colour" || echo "(exit code $?: denied)"

kill -TERM "$pid"
wait "$pid" && echo "The server has drained and stopped."
pid=
