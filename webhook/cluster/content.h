/* What the cache holds: nodes, the GPU pods bound to them, namespaces with a mode of their own.
 * Plain data with one owner, no lock: struct cluster has that. A node that only pods speak of is
 * kept as a name, so that objects may come in any order. */
#ifndef TPGUARD_CLUSTER_CONTENT_H
#define TPGUARD_CLUSTER_CONTENT_H

#include "topology/arena.h"
#include "topology/health.h"
#include "webhook/cluster/cluster.h"
#include "webhook/cluster/index.h"
#include "webhook/cluster/node_build.h"
#include "webhook/cluster/occupancy.h"
#include "webhook/cluster/pool.h"
#include "webhook/codec/object.h"
#include "webhook/core/landed.h"

/* One line of a node's report. */
struct held_rec {
    char *key;       /* "llm/chat-0"; unassigned: what is said of the holder */
    char *pod;       /* unassigned: the pod it belongs to, "llm/chat-0"; NULL not known */
    bool unassigned; /* in use, and the kubelet's books give it to nobody */
    bool gone;       /* we saw that pod go after this report: it holds nothing */
    uint8_t vouched; /* heartbeats since then that speak of the kubelet's books */
    struct grip *grip;
};

/* A node's uid and what it shows of its wiring: one block with its text. */
struct shown_rec {
    struct span uid;
    struct node_marks marks;
    char text[];
};

struct node_rec {
    char *name; /* NULL: record not in use */
    uint16_t name_n;
    bool known; /* the object has been seen, not only pods that name it */
    bool schedulable;
    bool recount; /* busy, used, pending are to be worked out again */
    uint8_t topo_state;
    uint32_t gpus;
    uint64_t gen; /* changes with everything that can change an answer; unique in the content */
    uint64_t inputs;
    uint64_t report; /* hash of the allocations text */
    void *packed;    /* struct topo, when OK */
    struct gpuset cordoned;
    int64_t observed_at;
    int64_t heartbeat_at; /* 0: no agent has been heard */
    uint32_t heard;       /* round of the list that last held the heartbeat */
    uint64_t landed;      /* gen + jumps when its pods were last looked at; 0 never */
    uint32_t jumps;       /* times that its age changed by more than time passing */
    const char *source;
    char *problem;           /* NULL none */
    char *complaints;        /* lines; NULL none */
    struct shown_rec *shown; /* NULL: no GPU node, and it shows nothing */
    void *place;             /* labels and taints, place_pack; NULL: no GPU node, or no room */
    uint32_t place_n;
    struct held_rec *held;
    uint32_t n_held;
    uint32_t first_pod;
    struct gpuset busy;
    struct gpuset planned;
    uint32_t used;
    struct fit_pending pending;
    uint32_t seen; /* round of the list that last held it */
};

/* What was last found of a pod that runs (landed.c). */
struct landed_mark {
    uint8_t code; /* enum reason; REASON_NONE */
    uint8_t bad_a, bad_b;
    bool unreserved;
};

struct pod_rec {
    char *key;     /* "llm/chat-0"; NULL: record not in use */
    uint32_t node; /* record number */
    uint32_t prev; /* of the same node; INDEX_NONE ends */
    uint32_t next;
    uint32_t gpus;
    uint64_t uid; /* hash */
    uint8_t kind; /* enum claim_kind */
    bool ended;   /* ran to its end: holds nothing, whatever a report says */
    uint32_t seen;
    struct grip *named;
    struct grip *plan;       /* tpguard.io/gpus; NULL none */
    uint64_t plan_text;      /* hash of its text; 0 none */
    struct tp_groups *group; /* NULL: no TP group whose wires could be judged */
    bool unreserved;         /* labelled tpguard.io/gated, and bound without a set */
    struct landed_mark mark;
};

/* A pod that is bound to no node yet. Of those that concern no GPU only the name is kept, so that
 * they can be told from pods that this cache has not met. */
struct waiting_rec {
    char *key; /* "llm/chat-0"; NULL: record not in use */
    char *uid;
    char *text; /* the object's JSON; NULL: no GPU pod, or beyond CLUSTER_WAITING_TEXT */
    uint32_t text_n;
    bool gpu;
    uint32_t seen;
};

struct namespace_rec {
    char *name; /* NULL: record not in use */
    bool valid;
    uint8_t mode; /* enum mode */
    char *bad;    /* its label, when it is no mode */
    uint32_t seen;
};

struct content {
    struct pool nodes; /* struct node_rec */
    struct pool pods;
    struct pool waiting;
    struct pool namespaces;
    struct index node_index;
    struct index pod_index;
    struct index waiting_index;
    struct index namespace_index;
    uint32_t round[CLUSTER_KINDS]; /* of the list under way or the last one */
    size_t waiting_text;           /* bytes of all waiting_rec.text */
    size_t place_bytes;            /* of all node_rec.place */
    uint32_t n_tainted;            /* nodes whose node_rec.place has a taint */
    uint64_t next_gen;
    uint32_t *order; /* known nodes by name; NULL: to be sorted again */
    uint32_t n_order;
    bool exact;           /* believe tpguard.io/gpus of pods */
    struct arena scratch; /* one decoding */
    struct node_wiring wiring;
    unsigned char block[PLACE_BLOCK_MAX]; /* of the node that is put */
    struct topo topo;                     /* of the view in use */
    struct health health;
};

struct content *content_new(bool exact); /* NULL without memory */
void content_free(struct content *c);

NODISCARD bool content_put_node(struct content *c, const struct node_object *n, struct err *e);
NODISCARD bool content_put_pod(struct content *c, const struct pod *p, struct err *e);
NODISCARD bool content_put_namespace(struct content *c, const struct namespace_object *n,
                                     struct err *e);
void content_drop_node(struct content *c, struct span name);
/* freshness_s: the policy's, 0 none. */
NODISCARD bool content_put_heartbeat(struct content *c, struct span node,
                                     const struct cluster_beat *beat, int64_t now,
                                     uint32_t freshness_s, struct err *e);
void content_drop_heartbeat(struct content *c, struct span node);
void content_end_heartbeats(struct content *c); /* of a list: what it did not hold goes */
/* uid empty: whichever has the name. */
void content_drop_pod(struct content *c, struct span ns, struct span name, struct span uid);
void content_forget_pod(struct content *c, uint32_t at);
void content_drop_namespace(struct content *c, struct span name);
/* Remembers a pod that is bound nowhere; text is its object. Bound pods and ended ones leave. */
NODISCARD bool content_put_waiting(struct content *c, const struct pod *p, struct span text,
                                   struct err *e);
void content_drop_waiting(struct content *c, struct span ns, struct span name, struct span uid);
void content_free_waiting(struct content *c);
struct span content_waiting_name(const void *owner, uint32_t at);
static inline struct waiting_rec *content_waiting(const struct content *c, uint32_t at) {
    return pool_at(&c->waiting, at);
}
/* A list of everything of one kind: what is put from now on is seen; at its end the rest goes. */
void content_round_begin(struct content *c, enum cluster_kind kind);
void content_round_end(struct content *c, enum cluster_kind kind);

static inline struct node_rec *content_node(const struct content *c, uint32_t at) {
    return pool_at(&c->nodes, at);
}
static inline struct pod_rec *content_pod(const struct content *c, uint32_t at) {
    return pool_at(&c->pods, at);
}
static inline struct span node_rec_name(const struct node_rec *r) {
    return (struct span){r->name, r->name_n};
}

/* A record for the name, made when there is none. */
NODISCARD bool content_node_for(struct content *c, struct span name, uint32_t *at, struct err *e);
/* Frees the record when nobody speaks of it any more. */
void content_node_release(struct content *c, uint32_t at);
void content_touch(struct content *c, struct node_rec *r);
/* What the report says of a pod; NULL nothing. */
struct held_rec *content_held(const struct node_rec *r, const char *key);
/* The pod is no more: until the node reports anew, what it says of this name is old. */
void content_held_gone(struct node_rec *r, const char *key);
/* The agent has found the report to be as the kubelet's books are. true: what it says of some name
 * counts again, since the pod was seen to go before the agent looked. */
bool content_held_vouched(struct node_rec *r);
struct grip *content_grip(unsigned n, const struct pin_entry *gpu); /* NULL without memory */
bool content_fail_memory(struct err *e);
char *content_copy(struct span s); /* on the heap, NUL at its end; NULL without memory */

/* Keeps uid and marks of a node whose record is filled. Only what the leader writes there depends
 * on them, no answer: the generation stays. */
NODISCARD bool content_put_shown(struct node_rec *r, const struct node_object *n, struct err *e);

/* Keeps labels and taints of a GPU node whose record is filled, as long as there is room. The
 * node's own answers do not depend on them and stay; the content's generation changes with them. */
void content_put_place(struct content *c, struct node_rec *r, const struct node_object *n);
void content_drop_place(struct content *c, struct node_rec *r);

/* Reads the report of a node into its record. */
NODISCARD bool content_put_report(struct content *c, struct node_rec *r, struct span text,
                                  struct buf *complaints, struct err *e);
void content_drop_report(struct node_rec *r);

/* The node as decisions see it: points into c->topo and c->health, so one at a time. */
void content_view(struct content *c, uint32_t at, const struct policy *policy,
                  struct node_view *out);
/* Without the pods of the node: busy, used and pending are empty. */
void content_view_wiring(struct content *c, uint32_t at, const struct policy *policy,
                         struct node_view *out);
/* The same books again, with owners: t may be NULL. extra: claims beside those of the cache (may be
 * NULL); besides: key of a pod that does not count, NULL none. */
struct extra_claims {
    const struct claim *claim;
    unsigned n;
    const char *besides;
};
void content_occupancy(const struct content *c, const struct node_rec *r, const struct topo *t,
                       const struct extra_claims *extra, struct occupancy *out);
/* The node with these claims as well; nothing of it is kept. */
void content_view_with(struct content *c, uint32_t at, const struct policy *policy,
                       const struct extra_claims *extra, struct node_view *out);
/* "ns/name"; false when it is no name of a pod. */
#define CONTENT_KEY_MAX 512
bool content_key(struct span ns, struct span name, char out[static CONTENT_KEY_MAX]);
/* "2,3": NVML indices; NULL when it is no such list, or without memory. */
struct grip *content_plan(struct span text);
/* Known nodes in name order. false: no memory. */
NODISCARD bool content_sort(struct content *c);

#endif
