# What a node shows of its wires: labels, condition, events.
# shellcheck shell=bash
labels_of() { k get node "$1" -o jsonpath='{.metadata.labels.tpguard\.io/nvlink} {.metadata.labels.tpguard\.io/nvlink-set}'; }
is_marked() { [ -n "$(nvlink_condition "$1")" ]; } # the condition is written behind the labels
nvlink_condition() { k get node "$1" -o jsonpath='{range .status.conditions[?(@.type=="NVLinkDegraded")]}{.status} {.reason} {.message}{end}'; }

becomes 20 degraded node/gpu-a '{.metadata.labels.tpguard\.io/nvlink}' -- "gpu-a, bridge 0-1 down: nvlink=degraded"
for n in gpu-a gpu-b gpu-c gpu-d; do eventually 20 is_marked $n; done
eventually 20 has_event Node/gpu-a "NVLinkDown GPUs 0-1"
is "$(labels_of gpu-a)" "degraded 2" "gpu-a: its largest set is 2"
is "$(labels_of gpu-b)" "healthy 2" "gpu-b: healthy, sets of 2"
is "$(labels_of gpu-c)" "none 0" "gpu-c: no NVLink"
is "$(labels_of gpu-d)" "unknown " "gpu-d: nobody has told, and that is not 0"
is "$(labels_of real1)" " " "a node without GPUs shows nothing"
is "$(nvlink_condition gpu-a)" "True NVLinkDown GPUs 0-1: 0 of 12 lanes up. Largest healthy set: 2 GPUs (2,3)." "the condition names the pair"
has "$(nvlink_condition gpu-b)" "False " "gpu-b: False"
has "$(nvlink_condition gpu-d)" "Unknown TopologyUnknown" "gpu-d: Unknown, with its reason"
shown=$(k describe node gpu-a)
has "$shown" "NVLinkDegraded" "kubectl describe node shows the condition"
has "$shown" "0 of 12 lanes up" "... with the pair and its lanes"
has "$shown" "GPUs 0-1: 12 lanes -> 0. TP groups keep off the pair, TP=1 may use it." "... and the event says what it means"
is "$(k get events -n default --field-selector involvedObject.kind=Node,reason=NVLinkDown --no-headers | wc -l)" 1 "one event, not one a replica"

# The zero-install start: what nvidia-smi prints, annotated by hand.
k annotate node gpu-d "tpguard.io/nvidia-smi-topo=$(cat tests/machines/h100-nvl-one-bridge/topo.txt)" \
    "tpguard.io/nvidia-smi-nvlink=$(cat tests/machines/h100-nvl-one-bridge/nvlink.txt)" >/dev/null
becomes 15 2 node/gpu-d '{.metadata.labels.tpguard\.io/nvlink-set}' -- "raw nvidia-smi text on gpu-d: its set of 2 shows within seconds"
k annotate node gpu-d --overwrite "tpguard.io/nvidia-smi-topo=GPU0 GPU1" >/dev/null
becomes 15 TopologyInvalid node/gpu-d '{.status.conditions[?(@.type=="NVLinkDegraded")].reason}' -- "text that is cut is unknown, and the condition says so"
is "$(labels_of gpu-d)" "unknown " "... and the label"
k annotate node gpu-d tpguard.io/nvidia-smi-topo- tpguard.io/nvidia-smi-nvlink- >/dev/null
becomes 15 TopologyUnknown node/gpu-d '{.status.conditions[?(@.type=="NVLinkDegraded")].reason}' -- "without text: nobody has told"
