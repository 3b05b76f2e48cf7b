#include "webhook/core/reason.h"

/* resolvable: evicting pods could make room, so preemption may look at the node. Health and
 * structure are not: a victim more does not repair a link (kube-scheduler would evict in vain). */
#define EVICTABLE  true
#define STRUCTURAL false
#define WARNING    true
#define NORMAL     false

static const struct reason_row rows[REASON_COUNT] = {
    [REASON_NONE] = {"Fits", NULL, "fits; allowed as it is", STRUCTURAL, NORMAL},

    [REASON_NVLINK_DOWN] = {"NVLinkDown", "node(s) had no free healthy NVLink set of {k} GPUs",
                            "an NVLink set that large was fitted, and its links are down",
                            STRUCTURAL, WARNING},
    [REASON_NVLINK_DEGRADED] = {"NVLinkDegraded",
                                "node(s) had NVLink sets of {k} GPUs only with lanes missing",
                                "every such set has fewer lanes up than expected, and the policy "
                                "wants all of them",
                                STRUCTURAL, WARNING},
    [REASON_NVLINK_ASYMMETRIC] =
        {"NVLinkAsymmetric", "node(s) had NVLink sets of {k} GPUs only with ends that disagree",
         "the two GPUs of a pair report different lanes", STRUCTURAL, WARNING},
    [REASON_NO_NVLINK] = {"NoNVLink", "node(s) had no NVLink",
                          "the node has no NVLink at all, and a TP group needs it", STRUCTURAL,
                          NORMAL},
    [REASON_NO_NVLINK_SET] = {"NoNVLinkSet", "node(s) had no NVLink set as large as {k} GPUs",
                              "the node has NVLink, but no set that large even with every link "
                              "repaired",
                              STRUCTURAL, NORMAL},
    [REASON_NVLINK_SET_BUSY] = {"NVLinkSetBusy", "node(s) had all NVLink sets of {k} GPUs in use",
                                "healthy NVLink sets exist and are in use", EVICTABLE, NORMAL},
    [REASON_NVLINK_SET_UNSURE] = {"NVLinkSetUncertain",
                                  "node(s) had no NVLink set of {k} GPUs certain to be free",
                                  "free by count, but pods whose GPUs nobody has reported may sit "
                                  "in every set",
                                  EVICTABLE, NORMAL},
    [REASON_GPUS_BUSY] = {"GPUsBusy", "node(s) had too few free GPUs", "too few GPUs are free",
                          EVICTABLE, NORMAL},
    [REASON_TP_EXCEEDS_GPUS] = {"TPExceedsGPUs", "node(s) had fewer GPUs than the pod needs",
                                "the TP size is larger than the GPUs that the pod asks for, or "
                                "than those of the node",
                                STRUCTURAL, WARNING},
    [REASON_TOPOLOGY_UNKNOWN] = {"TopologyUnknown", "node(s) had unknown GPU wiring",
                                 "nobody has reported the wiring of the node's GPUs, or the report "
                                 "does not say",
                                 STRUCTURAL, WARNING},
    [REASON_TOPOLOGY_STALE] = {"TopologyStale", "node(s) had a GPU wiring report that is too old",
                               "the report is older than the freshness limit", STRUCTURAL, WARNING},
    [REASON_TOPOLOGY_INVALID] = {"TopologyInvalid",
                                 "node(s) had a GPU wiring report that cannot be read",
                                 "the node's annotation is there and cannot be read", STRUCTURAL,
                                 WARNING},
    [REASON_GPU_FAULT] = {"GPUFault", "node(s) had faulty GPUs where {k} healthy ones are needed",
                          "a faulty GPU stands in the way", STRUCTURAL, WARNING},
    [REASON_GPU_CORDONED] = {"GPUCordoned",
                             "node(s) had NVLink sets of {k} GPUs only with cordoned GPUs",
                             "an administrator keeps TP groups off a GPU that every set needs",
                             STRUCTURAL, NORMAL},
    [REASON_MIG_ENABLED] = {"MIGEnabled",
                            "node(s) had NVLink sets of {k} GPUs only with GPUs in MIG mode",
                            "MIG is on: slices have no NVLink peer access", STRUCTURAL, NORMAL},
    [REASON_FABRIC_NOT_READY] =
        {"FabricNotReady", "node(s) had an NVSwitch fabric that is not ready",
         "the NVSwitch fabric has not completed, so its links carry nothing", STRUCTURAL, WARNING},
    [REASON_PLUGIN_WOULD_FAIL] =
        {"DevicePluginWouldFail", "node(s) had a GPU or link on which the device plugin fails",
         "the stock device plugin would fail: for pods with several GPUs while NVLink is seen "
         "one way only, for TP groups while a free pair whose ends disagree looks as good to it as "
         "a healthy one, for all pods while a GPU is lost",
         STRUCTURAL, WARNING},
    [REASON_PIN_MISSING] = {"PinnedGPUMissing",
                            "node(s) did not have the GPUs the pod is pinned to",
                            "the node has no GPU of that index or UUID", STRUCTURAL, WARNING},
    [REASON_PIN_BUSY] = {"PinnedGPUBusy", "node(s) had the GPUs the pod is pinned to in use",
                         "the GPUs named by the pod are in use", EVICTABLE, NORMAL},
    [REASON_PINNED_ACROSS_PCIE] = {"PinnedAcrossPCIe",
                                   "node(s) had no healthy NVLink between the GPUs the pod is "
                                   "pinned to",
                                   "the pod names GPUs with no working NVLink between them",
                                   STRUCTURAL, WARNING},
    [REASON_NODE_UNKNOWN] = {"NodeUnknown", "node(s) were not known to tpguard yet",
                             "the node is not in the cache (yet)", STRUCTURAL, NORMAL},
    [REASON_NO_GPU] = {"NoGPU", "node(s) had no GPUs", "the node has no GPUs", STRUCTURAL, NORMAL},
    [REASON_NODE_CORDONED] = {"NodeCordoned", "node(s) were cordoned",
                              "the node would fit, and kubectl cordon keeps new pods off it",
                              STRUCTURAL, NORMAL},
    [REASON_NODE_NOT_ALLOWED] = {"NodeNotAllowed", "node(s) were not allowed by the pod itself",
                                 "the pod's own nodeSelector, affinity or tolerations keep it off "
                                 "the node",
                                 STRUCTURAL, NORMAL},

    [REASON_MALFORMED] = {"MalformedTP", NULL,
                          "a size that is no whole number above 0, or a contradiction in the pod",
                          STRUCTURAL, WARNING},
    [REASON_TP_ACROSS_PODS] = {"TPAcrossPods", NULL,
                               "the TP group spans pods, and between nodes there is no NVLink",
                               STRUCTURAL, WARNING},
    [REASON_TP_UNKNOWN] = {"TPUnknown", NULL, "the TP size cannot be read from the pod", STRUCTURAL,
                           WARNING},
    [REASON_GPU_COUNT_MISMATCH] = {"GPUCountMismatch", NULL,
                                   "the pod asks for another number of GPUs than its engine uses",
                                   STRUCTURAL, WARNING},
    [REASON_SHARED_GPU] = {"SharedGPU", NULL, "a TP group over time slices or MIG slices",
                           STRUCTURAL, WARNING},
    [REASON_UNSATISFIABLE] = {"Unsatisfiable", NULL,
                              "no node could ever hold the TP group, even with every link repaired",
                              STRUCTURAL, WARNING},
    [REASON_HEADS_NOT_DIVISIBLE] = {"HeadsNotDivisible", NULL,
                                    "the model's attention heads do not divide by the TP size",
                                    STRUCTURAL, WARNING},
    [REASON_FITS_ONE_GPU] = {"FitsOneGPU", NULL,
                             "the model fits one GPU: replicas at TP=1 need no all-reduce",
                             STRUCTURAL, NORMAL},
    [REASON_NO_GPU_NODES] = {"NoGPUNodes", NULL, "the cluster has no GPU node (yet)", STRUCTURAL,
                             NORMAL},
    [REASON_IGNORED] = {"Ignored", NULL, "left alone: not a GPU pod, its label, or mode off",
                        STRUCTURAL, NORMAL},
    [REASON_REPINNED] = {"Repinned", NULL, "the pin was moved to GPUs with healthy NVLink",
                         STRUCTURAL, NORMAL},
    [REASON_STEERED] = {"Steered", NULL, "node affinity or scheduler name were added", STRUCTURAL,
                        NORMAL},

    [REASON_RESERVED] = {"NVLinkSetReserved", NULL,
                         "a healthy NVLink set was reserved for the pod when it was bound",
                         STRUCTURAL, NORMAL},
    [REASON_TP_ACROSS_PCIE] = {"TPAcrossPCIe", NULL,
                               "a pod that runs: GPUs of one TP group have no working NVLink "
                               "between them (any more)",
                               STRUCTURAL, WARNING},
    [REASON_NOT_RESERVED] = {"NotReserved", NULL,
                             "the pod got its node while tpguard could not be asked: no NVLink set "
                             "is reserved for it",
                             STRUCTURAL, WARNING},
    [REASON_MOVED] = {"MovedOffPCIe", NULL,
                      "the pod is evicted: its TP group ran across PCIe, and a healthy NVLink set "
                      "is free",
                      STRUCTURAL, NORMAL},
    [REASON_NVLINK_UP] = {"NVLinkUp", NULL,
                          "all expected lanes of a pair of the node's GPUs are up again; of a pod "
                          "that runs: those of its GPUs",
                          STRUCTURAL, NORMAL},
    [REASON_NVLINK_HEALTHY] = {"NVLinkHealthy", NULL,
                               "all NVLinks of the node's GPUs are up (its condition)", STRUCTURAL,
                               NORMAL},
    [REASON_GPU_READY] = {"GPUReady", NULL,
                          "a GPU of the node has no fault any more, or its fabric is ready",
                          STRUCTURAL, NORMAL},
    [REASON_TOPOLOGY_KNOWN] = {"TopologyKnown", NULL, "the node's wiring report can be used again",
                               STRUCTURAL, NORMAL},
};

const struct reason_row *reason_row(enum reason r) {
    return &rows[(unsigned)r < REASON_COUNT ? r : REASON_NONE];
}

bool reason_find(struct span code, enum reason *out) {
    for (unsigned i = 0; i < REASON_COUNT; i++) {
        if (span_is(code, rows[i].code)) {
            *out = (enum reason)i;
            return true;
        }
    }
    return false;
}

void reason_phrase(enum reason r, unsigned k, struct buf *out) {
    const char *phrase = reason_row(r)->phrase;
    struct span rest = span_of(phrase ? phrase : "");
    size_t at = span_search(rest, "{k}");
    buf_span(out, span_upto(rest, at));
    if (at < rest.n) {
        buf_u64(out, k);
        buf_span(out, span_from(rest, at + 3));
    }
}
