# Other ways to a node: the older kind of Binding, GPUs that are named without a request, a pod that is spared later.
# shellcheck shell=bash
older_bind() { # POD NODE: by the resource bindings, as some schedulers in Python do
    jq -nc --arg p "$1" --arg n "$2" '{apiVersion: "v1", kind: "Binding", metadata: {name: $p}, target: {apiVersion: "v1", kind: "Node", name: $n}}' |
        k create --raw /api/v1/namespaces/llm/bindings -f - 2>&1
}
older_binds() { [[ $(older_bind "$@") == *'"status":"Success"'* ]]; }
eventually 60 no_pods_on gpu-a
for p in older late; do SCHEDULER_NAME=nobody vllm_pod $p 2 | k apply -n llm -f - >/dev/null 2>&1; done
ok eventually 10 older_binds older gpu-a -- "a Binding of the older kind is admitted"
is "$(node_of older llm) $(set_of older llm)" "gpu-a 2,3" "... with the set that the gate reserved"
said=$(older_bind late gpu-a)
has "$said" "(NVLinkSetBusy)" "the next one is refused: the set has gone"
k label -n llm pod/late tpguard.io/ignore=true >/dev/null
ok eventually 10 older_binds late gpu-a -- "a gated pod that is spared later can be bound"
is "$(node_of late llm) $(set_of late llm)" "gpu-a any" "... without a set"
k delete pods -n llm --all --wait=false >/dev/null
eventually 60 no_pods_on gpu-a

vllm_pod named 2 0 2,3 | k apply -n llm -f - >/dev/null 2>&1
ok eventually 30 is_bound named llm -- "a pod that names GPUs and requests none is placed"
is "$(set_of named llm)" "2,3" "... where it finds them, with healthy NVLink"
lacks "$(events Pod/named llm)" "FailedScheduling" "... at the first try: nodes without such a set are out of question"
k delete pods -n llm --all --wait=false >/dev/null
eventually 60 no_pods_on gpu-a
