/* Scheduler extender v1 (k8s.io/kube-scheduler/extender/v1): capital-letter keys, null lists, one
 * pass over long lists and no tree: of a node its name is kept, as a span of the request. */
#ifndef TPGUARD_CODEC_EXTENDER_H
#define TPGUARD_CODEC_EXTENDER_H

#include "topology/arena.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/json.h"
#include "webhook/core/pod.h"

/* Node names or nodes of one call. */
#define EXTENDER_NODES_MAX 200000

enum extender_form {
    EXTENDER_NAMES = 0, /* nodeCacheCapable true */
    EXTENDER_NODES,     /* nodeCacheCapable false: full Node objects */
    EXTENDER_NONE,      /* both lists null */
};

struct extender_args {
    struct pod pod;
    enum extender_form form;
    unsigned n; /* nodes, at most EXTENDER_NODES_MAX */
    const struct span
        *name; /* raw text between the quotes: no escapes, 1 to 253 bytes, each once */
    const struct span *node; /* EXTENDER_NODES: text of the Node objects; else NULL */
    struct span nodes_head;  /* EXTENDER_NODES: Nodes as an answer begins it, up to its items */
};
/* Strict: unknown top-level keys are ignored (the wire may grow); refused are case variants and
 * duplicates of keys, names of nodes that come twice, are empty, have escapes or more than 253
 * bytes, and Nodes and NodeNames together. *out points into body. */
NODISCARD bool extender_decode(struct span body, struct arena *a, struct extender_args *out,
                               struct err *e);

/* What the caller says of one node. */
struct extender_verdict {
    bool fits;
    bool resolvable;    /* FailedNodes, else FailedAndUnresolvableNodes */
    struct span phrase; /* reason, ready JSON string text without quotes (no escape needed) */
    uint8_t score;      /* 0..10 */
};
/* Called once for each name of the request, in order. */
typedef void extender_judge(void *ctx, struct span name, struct extender_verdict *out);

/* ExtenderFilterResult. With names: NodeNames holds those that fit, in the order of the request,
 * Nodes null; with nodes: the reverse, items copied verbatim. EXTENDER_NONE: Nodes null, NodeNames
 * empty (two nulls would reject every node without a reason). Text is appended to out;
 * false: out is full and has failed. */
NODISCARD bool extender_filter(const struct extender_args *args, extender_judge *judge, void *ctx,
                               struct buf *out, struct err *e);
/* HostPriorityList. */
NODISCARD bool extender_prioritize(const struct extender_args *args, extender_judge *judge,
                                   void *ctx, struct buf *out, struct err *e);
/* {"Nodes":null,...,"Error":msg}: the call failed; kube-scheduler shows msg on the pod. */
void extender_error(const char *msg, struct buf *out);

/* ---- preempt ---- */

#define PREEMPT_VICTIMS_MAX 4096 /* of one node */
#define PREEMPT_UID_MAX     128

struct preempt_node {
    struct span name;       /* as in extender_args */
    const struct span *uid; /* of its victims: plain text of 1 to PREEMPT_UID_MAX bytes */
    unsigned n;
    uint64_t violations; /* of disruption budgets: goes back as it came */
};
struct preempt_args {
    struct pod pod;
    const struct preempt_node *node; /* candidates, each name once */
    unsigned n;                      /* at most EXTENDER_NODES_MAX */
};
/* ExtenderPreemptionArgs in both forms, whole victims and meta victims; as strict as
 * extender_decode. Both null: no candidates. *out points into body. */
NODISCARD bool preempt_decode(struct span body, struct arena *a, struct preempt_args *out,
                              struct err *e);

/* Called once for each candidate, in order. */
typedef bool preempt_judge(void *ctx, const struct preempt_node *n);
/* ExtenderPreemptionResult: the candidates that judge keeps, always as meta victims. As
 * extender_filter on failure. */
NODISCARD bool preempt_encode(const struct preempt_args *args, preempt_judge *judge, void *ctx,
                              struct buf *out, struct err *e);

#endif
