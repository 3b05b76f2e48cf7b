/* Admission: the verdict on one pod with its reasons, what would be rewritten, what it costs and
 * what to do. Pure: the cluster comes in as a census (answers of all nodes for this shape, counted)
 * and the few nodes worth naming. */
#ifndef TPGUARD_CORE_DECIDE_H
#define TPGUARD_CORE_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/buf.h"
#include "topology/cost.h"
#include "topology/err.h"
#include "topology/models.h"
#include "webhook/core/node.h"
#include "webhook/core/place.h"
#include "webhook/core/pod.h"
#include "webhook/core/policy.h"
#include "webhook/core/reason.h"
#include "webhook/core/workload.h"

enum verdict {
    VERDICT_ALLOW = 0,
    VERDICT_WARN,
    VERDICT_DENY,
    VERDICT_WAIT,
    VERDICT_UNKNOWN,
    VERDICT_COUNT
};
const char *verdict_name(enum verdict v); /* allow, warn, deny, wait, unknown */

/* What is said about one node in messages: copied, small. */
#define NODE_NAME_MAX 254
struct node_case {
    bool set;
    char name[NODE_NAME_MAX];
    struct node_answer answer;
    char gpus[128];                /* answer.set as NVML indices: "2,3" */
    char bad[32];                  /* the pair to blame: "0-1"; "" none */
    uint8_t bad_state;             /* enum pair_state */
    uint8_t lanes;                 /* up on the bad pair */
    uint8_t expected;              /* expected there; EXPECTED_UNKNOWN */
    char product[GPU_PRODUCT_MAX]; /* short name of its GPUs: "H100 NVL" */
    uint32_t memory_mib;           /* of one GPU, 0 unknown */
    uint8_t nvlink_gen;            /* of the product, 0 none/unknown */
    uint8_t pcie_gen;              /* 0 unknown */
    char holder[160];              /* who holds the nearest set: "llm/chat-0"; "" not known */
};

/* A node that the pod's own constraints keep it off. */
struct node_kept_off {
    struct node_case node; /* what it would answer: fits, where REASON_NONE */
    uint8_t rule;          /* enum place_rule */
    char why[PLACE_WORDS_TEXT + 1];
};

/* Nodes that the pod may not use by its own constraints ("off") are counted among all, as they
 * would answer, and apart: what is denied is what no node at all can do, while best, nearest and
 * fits are of the nodes that the pod may use. */
struct census {
    uint32_t nodes; /* all nodes that were asked */
    uint32_t gpu_nodes;
    uint32_t fits;    /* and the pod may use them */
    uint32_t ever;    /* could fit one day; off ones too */
    uint32_t unknown; /* cannot be told: topology unknown, stale or invalid; not off */
    uint32_t by_code[REASON_COUNT]; /* off ones too */
    uint32_t n_off;                 /* GPU nodes that are off */
    uint32_t off_ever;
    uint32_t off[REASON_COUNT]; /* of by_code; [REASON_NONE]: it would fit, were it allowed */
    struct node_case best;      /* highest score among those that fit */
    struct node_case nearest;   /* the most telling one that does not: health problems before busy
                                   before structure */
    struct node_kept_off kept_off; /* the off one to name: would fit before would not */
};
/* Adds one node. view may be NULL when only the counts matter (then nearest/best are not updated).
 */
void census_add(struct census *c, const struct node_view *view, const struct shape *s,
                const struct node_answer *a);
/* Adds a GPU node that the pod may not use; a: what the node answers, that aside. */
void census_add_off(struct census *c, const struct node_view *view, const struct node_answer *a,
                    enum place_rule rule, struct span why);

struct admit_in {
    const struct pod *pod;
    const struct workload *w;
    const struct shape *shape;
    const struct policy *policy; /* mode already that of the namespace */
    const struct census *asked;  /* answers to the shape as asked */
    const struct census
        *unpinned; /* answers to the same shape without its pin; NULL when there is no pin */
};

#define DECISION_REASONS_MAX 8
#define DECISION_ADVICE_MAX  6
struct said {
    uint8_t code; /* enum reason */
    char sentence[420];
};
struct advice {
    const char
        *kind; /* "replicas", "repin", "unpin", "repair", "pipeline", "annotate", "wait", "fix" */
    char text[200];
    char command[200]; /* what to type; "" none */
};

/* Communication on a wire, for the table of explain. Times in microseconds. */
struct cost_line {
    uint32_t tokens; /* 1, 64, 8192 */
    uint64_t nvlink_us;
    uint64_t pcie_us;
};
struct cost_view {
    bool known;
    bool model_known; /* layers and hidden are the model's own; else typical ones (80, 8192), and
                         said so */
    unsigned layers, hidden;
    unsigned allreduces; /* per token */
    uint8_t nvlink;      /* enum cost_fabric */
    uint8_t pcie;
    struct cost_line line[3];
};
struct weights_view {
    uint64_t mib;     /* 0 unknown */
    uint32_t gpu_mib; /* memory of one GPU there, 0 unknown */
    uint8_t basis;    /* enum weight_basis of topology/models.h */
    bool by_hand;     /* from the annotation */
    bool fits_one;    /* weights + reserve (facts: buffers, KV cache) fit one GPU */
    bool fits_known;
};

struct decision {
    enum verdict verdict;
    bool allowed;     /* what the API server is told, the mode applied */
    enum reason code; /* the first reason; REASON_NONE */
    unsigned n_reasons;
    struct said reason[DECISION_REASONS_MAX];
    unsigned n_advice;
    struct advice advice[DECISION_ADVICE_MAX];
    unsigned n_warnings; /* lines of at most 120 characters, ASCII, for kubectl */
    char warning[DECISION_REASONS_MAX][128];
    char message[401]; /* denial text without the webhook's prefix, <= 400 bytes; "" when allowed */

    unsigned rewrites;       /* bits done: steer, repin */
    bool set_scheduler;      /* steer: spec.schedulerName = policy.scheduler_name */
    unsigned affinity_above; /* steer: nvlink-set Gt this; 0 none */
    unsigned prefer_above;   /* steer, preferred: nvlink-free Gt this; 0 not */
    bool prefer_stranded;    /* steer, preferred: stranded Gt 0 */
    char repin[256];         /* repin: the new value; "" none */
    int repin_container;     /* position in pod.containers */
    int repin_env;           /* index in its env */

    bool guessed; /* the model is in the table, or its name tells its size */
    struct model_guess model;
    struct cost_view cost;
    struct weights_view weights;
};

void decide_admit(const struct admit_in *in, struct decision *out);
/* The same for a pod that workload_read refused: denied with its path and message, as the mode
 * says.
 */
void decide_malformed(const struct err *e, enum mode mode, struct decision *out);

/* tpguard.io/decision: compact JSON: v, verdict, code, tp group, evidence, cost. One line, at most
 * 4 KiB. */
void decision_annotation(const struct admit_in *in, const struct decision *d, struct buf *out);

#endif
