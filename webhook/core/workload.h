/* The TP group, read out of a pod: which engine it starts, tensor/pipeline/data parallel sizes,
 * model, dtype, quantization, how many GPUs it asks for and which it is pinned to; and for each
 * where that was read. "Unknown" is an answer of its own and never becomes 1. Pure: same pod, same
 * workload.
 *
 * The engine table (engine.c) has one row per engine; a new engine is one more row. */
#ifndef TPGUARD_CORE_WORKLOAD_H
#define TPGUARD_CORE_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "topology/gpuset.h"
#include "topology/topo.h"
#include "webhook/core/pod.h"

/* Annotations that say by hand what cannot be read (and win over what can). */
#define ANN_TP          "tpguard.io/tensor-parallel-size"
#define ANN_PP          "tpguard.io/pipeline-parallel-size"
#define ANN_DP          "tpguard.io/data-parallel-size"
#define ANN_WEIGHTS_GIB "tpguard.io/model-weights-gib"
#define ANN_LATENCY     "tpguard.io/latency-critical"
#define ANN_REWRITE     "tpguard.io/rewrite"
#define ANN_DECISION    "tpguard.io/decision"
#define ANN_GPUS        "tpguard.io/gpus"
#define ANN_GPU_UUIDS   "tpguard.io/gpu-uuids"
#define LABEL_IGNORE    "tpguard.io/ignore"
#define LABEL_MODE      "tpguard.io/mode"
/* On pods that tpguard decides over: nobody may bind one past it. */
#define LABEL_GATED "tpguard.io/gated"
/* On nodes. */
#define LABEL_NVLINK     "tpguard.io/nvlink"
#define LABEL_NVLINK_SET "tpguard.io/nvlink-set"
/* These two follow the pods: policy_shows_free. */
#define LABEL_NVLINK_FREE "tpguard.io/nvlink-free"
#define LABEL_STRANDED    "tpguard.io/stranded"
#define CONDITION_NVLINK  "NVLinkDegraded"

/* Largest parallel size believed; a larger number is malformed. */
#define SIZE_MAX_TP 4096

struct size {
    bool known;
    uint32_t n;
};

enum scope {
    SCOPE_NONE = 0, /* no TP group: tp is 1 (or the pod starts no engine) */
    SCOPE_SINGLE,   /* the whole TP group is in this pod */
    SCOPE_MULTI,    /* the TP group spans pods */
    SCOPE_UNKNOWN,
};

enum evidence_field {
    EV_ENGINE = 0,
    EV_TP,
    EV_PP,
    EV_DP,
    EV_CP,
    EV_NODES,
    EV_MODEL,
    EV_QUANT,
    EV_DTYPE,
    EV_PIN,
    EV_GPUS,
    EV_FIELD_COUNT
};
enum evidence_source {
    FROM_NOTHING = 0,
    FROM_FLAG, /* command line */
    FROM_ENV,
    FROM_CONFIG, /* text of a config inside the pod */
    FROM_ANNOTATION,
    FROM_IMAGE,
    FROM_RESOURCES,
    FROM_DEFAULT, /* nobody said it: the engine's own default */
    FROM_SOURCE_COUNT
};

/* Where one value was read. `name` is the flag, variable, annotation or resource; `value` the text
 * as it stands after expansion, or why it is unknown when `unknown` is set ("$(nvidia-smi -L | wc
 * -l) is only known inside the container"). */
struct evidence {
    uint8_t source; /* enum evidence_source */
    bool unknown;
    char name[64];
    char value[160];
    char where[96]; /* "containers[0].args[3]", "metadata.annotations" */
};

/* GPUs named by the pod. */
enum pin_kind {
    PIN_NONE = 0,
    PIN_NODE, /* NVML indices or UUIDs of the node (NVIDIA_VISIBLE_DEVICES; CUDA_VISIBLE_DEVICES of
                 a pod that asks for no GPU) */
    PIN_ALL,  /* "all": every GPU of the node */
    PIN_UNKNOWN, /* named, but by a value that is not in the pod */
};
#define PIN_MAX GPU_MAX
struct pin_entry {
    int16_t index;           /* NVML index, or -1 when by UUID */
    char uuid[GPU_UUID_MAX]; /* may be a prefix, as CUDA allows; "" when by index */
};
struct pin {
    uint8_t kind; /* enum pin_kind */
    uint8_t n;
    struct pin_entry
        gpu[PIN_MAX]; /* ascending by index as the container sees them (device order) */
};

struct workload {
    bool gpu_pod; /* asks for a GPU resource, or names GPUs without asking */
    bool engine_found;
    const char *engine; /* "vllm", "sglang", "tgi", "tensorrt-llm", "nim", ...; "" when no engine
                           was recognised */
    bool is_worker;     /* helper of a leader's group (ray start, sshd): no TP of its own to read */
    bool latency_critical;
    uint8_t scope; /* enum scope */
    int container; /* position in pod.containers of the one that holds the GPUs/engine; -1 none */

    struct size tp, pp, dp;
    struct size cp;     /* context parallel and the like: multiplies the GPUs */
    struct size world;  /* GPUs the engine uses in all its pods */
    struct size in_pod; /* GPUs the engine uses in this pod */
    struct size nodes;  /* pods that form the engine (nnodes, group size); known 1 unless said */
    uint32_t gpus;      /* nvidia.com/gpu this pod asks for (its largest simultaneous sum) */
    uint32_t container_gpus; /* of these, the container's own; 0 it asks for none */
    uint32_t mig;            /* MIG slices instead */
    uint32_t shared;         /* time slices instead */
    uint32_t other_gpus;
    bool claims;        /* DRA */
    bool visible_known; /* CUDA_VISIBLE_DEVICES narrows or permutes: n_order entries */
    uint8_t n_order;
    uint8_t order[GPU_MAX]; /* order[i]: which of the container's GPUs is device i */

    struct pin pin;
    struct span model, quant, dtype; /* into the pod's text or into `text` */
    uint32_t weights_gib;            /* by annotation, 0 not said */

    struct evidence evidence[EV_FIELD_COUNT];
    char text[2048]; /* storage for expanded values: a copy of this struct still points into the
                        original */
    uint16_t n_text;
};

/* Reads a pod. Fails (ERR_INPUT, with path) only for what can never be right: a size that is no
 * number above 0
 * ("--tensor-parallel-size two"), a contradiction inside the pod, a bad manual annotation.
 * Everything that merely cannot be told is unknown in *out, and true. */
NODISCARD bool workload_read(const struct pod *p, struct workload *out, struct err *e);

/* Quick test on the decoded pod, the same rule as the chart's matchConditions (but for claims,
 * which the webhook on pods leaves alone: tests/chart/pods.json). */
bool pod_is_gpu(const struct pod *p);

const char *scope_name(enum scope s); /* none, single, multi, unknown */
const char *evidence_field_name(
    enum evidence_field f); /* engine, tp, pp, dp, cp, nodes, model, quantization, ... */
const char *evidence_source_name(
    enum evidence_source s); /* flag, env, config, annotation, image, resources, default */

/* For README and --help: name of row i of the engine table, NULL past its end. */
const char *engine_name(unsigned i);

#endif
