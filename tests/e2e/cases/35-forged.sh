# What only tpguard may write is taken from nobody else.
# shellcheck shell=bash
forged() { # NAME: a pod that claims a verdict and a set
    vllm_pod "$1" 2 | sed "s|metadata: {name: $1}|metadata: {name: $1, annotations: {tpguard.io/decision: mine, tpguard.io/gpus: \"0,1\", tpguard.io/gpu-uuids: x}}|"
}
said=$(forged forged | k apply -n llm -f - 2>&1)
has "$said" "created" "a pod that brings tpguard's annotations is admitted"
ok eventually 20 is_bound forged llm -- "... and placed"
lacks "$(field pod/forged '{.metadata.annotations.tpguard\.io/decision}' -n llm)" mine "... but its verdict is tpguard's"
has "$(set_of forged llm)" "," "... and its set"
lacks "$(field pod/forged '{.metadata.annotations.tpguard\.io/gpu-uuids}' -n llm)" x "... and the UUIDs"
for key in decision gpus gpu-uuids; do
    said=$(k annotate -n llm pod/forged --overwrite "tpguard.io/$key=0" 2>&1)
    has "$said" "denied" "nobody changes tpguard.io/$key afterwards, not even an admin"
done
has "$(k label -n llm pod/forged tpguard.io/gated- 2>&1)" denied "... nor takes the label off that holds the gate"
has "$(k annotate -n llm pod/forged mine=yes 2>&1)" annotated "other annotations are nobody's business"
said=$(plain_pod sly | sed 's|metadata: {name: sly}|metadata: {name: sly, annotations: {tpguard.io/gpus: "0,1"}}|' | k apply -n llm -f - 2>&1)
has "$said" "tpguard.io/gpus" "a pod without GPUs that claims a set is refused"
k delete pods -n llm --all --wait=false >/dev/null
