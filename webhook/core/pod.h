/* The few fields of a Pod that decisions read. Filled by webhook/codec from JSON or YAML; borrowed
 * text (spans) lives as long as what it was decoded from (a request's arena). Plain values, no
 * ownership, read-only here. */
#ifndef TPGUARD_CORE_POD_H
#define TPGUARD_CORE_POD_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/span.h"

/* Maxima of one pod; more is refused by the decoder with the path. Kubernetes itself has none for
 * most. */
#define POD_CONTAINERS_MAX 64
#define POD_WORDS_MAX      1024 /* command or args of one container */
#define POD_ENV_MAX        1024
#define POD_LABELS_MAX     256 /* labels, and annotations */
#define POD_TERMS_MAX      64  /* node selector terms */
/* Of what the pod wants of its node: beyond these it cannot be told, and nothing is refused. */
#define POD_TOLERATIONS_MAX 256
#define POD_PLACE_MAX       512 /* entries of nodeSelector, expressions and their values, together */

struct kv {
    struct span key;
    struct span value;
};

struct env_var {
    struct span name;
    struct span value; /* meaningful unless `ref` */
    bool ref;          /* valueFrom: the value is not in the pod */
    struct span
        field; /* ... its fieldRef path when it is one ("metadata.annotations['x']"), else empty */
};

struct container {
    struct span name;
    struct span image;
    const struct span *command;
    const struct span *args;
    const struct env_var *env; /* as written; a later one of the same name wins */
    uint16_t n_command;
    uint16_t n_args;
    uint16_t n_env;
    uint16_t at;   /* index in spec.containers or spec.initContainers, for paths */
    bool init;     /* stands in initContainers */
    bool sidecar;  /* init container with restartPolicy Always: runs beside the others */
    bool env_from; /* envFrom: more names may come from outside */
    bool privileged;
    uint32_t gpus;        /* nvidia.com/gpu: limits, else requests; 0 none */
    uint32_t gpus_shared; /* nvidia.com/gpu.shared (time slices) */
    uint32_t mig;         /* sum of nvidia.com/mig-* */
    uint32_t other_gpus;  /* amd.com/gpu, gpu.intel.com/i915, vgpu resources: counted, wiring not
                             ours  to know */
    bool claims;          /* resources.claims: DRA, the count is elsewhere */
};

enum node_op {
    NODE_OP_UNTOLD = 0, /* none that is known here, or not with these values */
    NODE_OP_IN,
    NODE_OP_NOT_IN,
    NODE_OP_EXISTS,
    NODE_OP_NOT_EXISTS,
    NODE_OP_GT,
    NODE_OP_LT,
};
/* One of matchExpressions or matchFields. */
struct node_rule {
    struct span key;
    const struct span *values;
    uint16_t n;
    uint8_t op;  /* enum node_op */
    bool field;  /* key is metadata.name, not a label */
    int64_t bar; /* the value of Gt, Lt */
};
struct node_term {
    const struct node_rule *rule;
    uint16_t n; /* 0: matches no node */
};

enum taint_effect { EFFECT_ANY = 0, EFFECT_NO_SCHEDULE, EFFECT_NO_EXECUTE, EFFECT_OTHER };
enum toleration_op { TOLERATE_UNTOLD = 0, TOLERATE_EQUAL, TOLERATE_EXISTS };
struct toleration {
    struct span key; /* empty: every key */
    struct span value;
    uint8_t op;     /* enum toleration_op */
    uint8_t effect; /* enum taint_effect */
};

/* What a pod wants of its node, beside node_name. The three flags: that part is there and cannot be
 * told. */
struct pod_place {
    const struct kv *selector;
    const struct node_term *term; /* alternatives */
    const struct toleration *toleration;
    uint16_t n_selector;
    uint16_t n_terms;
    uint16_t n_tolerations;
    bool required; /* there is a required node affinity: no term is no node */
    bool selector_untold;
    bool terms_untold;
    bool tolerations_untold;
};

enum pod_phase { POD_PHASE_UNKNOWN = 0, POD_PENDING, POD_RUNNING, POD_SUCCEEDED, POD_FAILED };

struct pod {
    struct span ns;
    struct span name;
    struct span generate_name; /* when name is empty */
    struct span uid;
    struct span node_name; /* bound there, empty if not */
    struct span scheduler_name;
    struct span runtime_class;
    bool held;              /* spec.schedulingGates: nobody schedules it yet */
    struct span owner_kind; /* the controller's, or the manifest's own kind ("Deployment") */
    struct span owner_name;
    const struct kv *labels;
    const struct kv *annotations;
    const struct container *containers; /* init containers first */
    uint16_t n_labels;
    uint16_t n_annotations;
    uint16_t n_containers;
    uint8_t phase; /* enum pod_phase */
    bool deleting;
    struct pod_place place; /* read by webhook/core/place.h */
    uint32_t replicas;      /* of the owning manifest when known (explain), 0 unknown */
    uint32_t
        group_size; /* pods that form one engine group (LeaderWorkerSet size); 0 unknown, 1 alone */

    /* What JSON Patch must know about the object as it stands. */
    bool has_metadata;
    bool has_annotations;
    bool has_labels;
    bool has_affinity;
    bool has_node_affinity;
    bool has_required; /* requiredDuringSchedulingIgnoredDuringExecution */
    uint16_t n_terms;  /* its nodeSelectorTerms */
    bool term_has_expressions[POD_TERMS_MAX];
    bool term_is_empty[POD_TERMS_MAX]; /* no expression, no field: matches no node */
    /* The term already wants the label tpguard.io/nvlink-set above this; 0 it does not. */
    uint32_t term_above[POD_TERMS_MAX];
    bool has_preferred;       /* preferredDuringSchedulingIgnoredDuringExecution */
    uint32_t preferred_above; /* it already prefers tpguard.io/nvlink-free above this; 0 not */
    bool preferred_stranded;  /* ... and a node with stranded GPUs */
};

/* Value of an annotation or label; p == NULL when there is none. */
static inline struct span pod_find_kv(const struct kv *list, unsigned n, const char *key) {
    for (unsigned i = 0; i < n; i++) {
        if (span_is(list[i].key, key)) {
            return list[i].value;
        }
    }
    return (struct span){0};
}
static inline struct span pod_annotation(const struct pod *p, const char *key) {
    return pod_find_kv(p->annotations, p->n_annotations, key);
}
static inline struct span pod_label(const struct pod *p, const char *key) {
    return pod_find_kv(p->labels, p->n_labels, key);
}

#endif
