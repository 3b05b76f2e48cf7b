/* The cache of nodes and pods, and the answers kept from it. It does not care where its objects
 * come from: a recorded file now, list + watch of a live cluster later; both call the same apply
 * functions.
 *
 * Thread-safe: one mutex, held to copy in or to read out, never across I/O. Each node's wiring is
 * decoded once, when its annotation changes; each pair (shape, node) is decided once, until that
 * node (or time: freshness) changes. A filter call over n names is then n look-ups. */
#ifndef TPGUARD_CLUSTER_CLUSTER_H
#define TPGUARD_CLUSTER_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/buf.h"
#include "topology/err.h"
#include "webhook/codec/object.h"
#include "webhook/core/decide.h"
#include "webhook/core/landed.h"
#include "webhook/core/say_event.h"

#define CLUSTER_NODES_MAX    50000
#define CLUSTER_PODS_MAX     200000
#define CLUSTER_WAITING_TEXT ((size_t)64 * 1024 * 1024) /* of all objects of waiting GPU pods */
/* Labels and taints of all GPU nodes; mostly 1 to 8 KB a node, at most 16 KB. Of a node for which
 * no room is left they are not known, and nothing keeps a pod off it. */
#define CLUSTER_PLACE_BYTES ((size_t)64 * 1024 * 1024)
#define CLUSTER_SHAPES      64 /* shapes whose answers are kept; the least recently used goes first */

struct cluster;

struct cluster *
cluster_new(const struct policy *policy); /* copies the policy; NULL without memory */
void cluster_free(struct cluster *c);

/* Objects are copied. A node whose annotation cannot be read is kept as TOPOLOGY_INVALID (with its
 * reason), true. */
NODISCARD bool cluster_put_node(struct cluster *c, const struct node_object *n, struct err *e);
NODISCARD bool cluster_put_pod(struct cluster *c, const struct pod *p,
                               struct err *e); /* not bound, ended: forgotten */
NODISCARD bool cluster_put_namespace(struct cluster *c, const struct namespace_object *n,
                                     struct err *e);
void cluster_drop_node(struct cluster *c, struct span name);
void cluster_drop_pod(struct cluster *c, struct span ns, struct span name);
/* The same, of this very pod: a younger one of its name stays. */
void cluster_drop_pod_of(struct cluster *c, struct span ns, struct span name, struct span uid);
void cluster_drop_namespace(struct cluster *c, struct span name);

/* ---- live: objects arrive from list + watch ---- */

enum cluster_kind {
    CLUSTER_NODES = 0,
    CLUSTER_PODS,
    CLUSTER_NAMESPACES,
    CLUSTER_AGENTS, /* their heartbeats */
    CLUSTER_KINDS
};
/* Around a full list: what is not put between begin and end is forgotten at the end, and not
 * before, so that a list made again leaves no hole. The cache is ready when each kind was listed
 * once. */
void cluster_list_begin(struct cluster *c, enum cluster_kind kind);
void cluster_list_end(struct cluster *c, enum cluster_kind kind);
struct cluster_beat {
    int64_t at; /* Unix seconds */
    bool books; /* the kubelet's books were read as well */
};
/* The node's agent found at that time that its report was still true. It lives beside the Node,
 * where a change would wake every pod that waits. Here it changes an answer, and the generation,
 * only where the report was too old before, or where it vouches for what the report says of a pod
 * that went and came back under its name. now: Unix seconds. */
NODISCARD bool cluster_put_heartbeat(struct cluster *c, struct span node,
                                     const struct cluster_beat *beat, int64_t now, struct err *e);
void cluster_drop_heartbeat(struct cluster *c, struct span node);
/* As cluster_put_pod; a pod that waits for a node is remembered with its object's text. */
NODISCARD bool cluster_put_pod_object(struct cluster *c, const struct pod *p, struct span text,
                                      struct err *e);

enum cluster_pod {
    CLUSTER_POD_UNSEEN = 0, /* this cache has not met it (yet): ask the API server */
    CLUSTER_POD_PLAIN,      /* waits for a node, concerns no GPU */
    CLUSTER_POD_WAITING,    /* GPU pod that waits for a node */
    CLUSTER_POD_BOUND,      /* GPU pod on a node */
};
/* uid: the pod meant; one of the same name and another uid is UNSEEN. *text (made by the caller)
 * gets the object of a WAITING pod; left empty where it is not kept. */
enum cluster_pod cluster_find_pod(struct cluster *c, struct span ns, struct span name,
                                  struct span uid, struct buf *text);
/* Changes with everything that may change an answer. */
uint64_t cluster_generation(struct cluster *c);
/* Each waiting GPU pod: its object's text, good during the call. false stops. No cluster_* call
 * from inside. */
typedef bool cluster_waiting_visit(void *ctx, struct span uid, struct span text);
void cluster_each_waiting(struct cluster *c, cluster_waiting_visit *visit, void *ctx);

#define CLUSTER_CLAIMS_MAX 256 /* reservations of one node that count */
/* One reservation made at a bind, of this or another tpguard (webhook/core/ledger.h). */
struct cluster_claim {
    struct span ns, name, uid;
    uint32_t gpus;
    struct span plan; /* "2,3"; "" none */
    bool sure;        /* the API server was asked: it is on its way to this node */
    bool unseen;      /* out: not on a node as far as this cache knows: counted only when sure */
};
struct cluster_plan {
    bool known; /* the node */
    struct node_answer answer;
    char gpus[128];               /* the set as NVML indices: "2,3"; "" none */
    char uuids[GPU_MAX * 48 + 1]; /* the same GPUs by UUID, "" where they are not known */
    struct set_view set;          /* that set, and the node without it */
    unsigned unseen;              /* claims that are not sure */
};
/* What the node answers to the shape beside these reservations, those excepted that the cache
 * counts already or knows to be over. besides: "ns/name" of the pod that asks, which does not stand
 * in its own way. */
void cluster_plan_bind(struct cluster *c, struct span node, const struct shape *s,
                       struct cluster_claim *claim, unsigned n, const char *besides, int64_t now,
                       struct cluster_plan *out);

/* A GPU node, or one that still shows something of ours: what it shows, and on demand what it is.
 */
struct cluster_shown {
    uint32_t at; /* its number, below CLUSTER_NODES_MAX: the same as long as the node is there */
    struct span name;
    struct span uid;
    const struct node_marks *marks;
    uint64_t inputs; /* the same: wiring and problem are the same as well */
    uint64_t books;  /* the same: what its pods hold is as well; 0 where the policy shows nothing
                        of that */
    struct cluster *of;
};
/* Inside a visit. The view knows of pods where policy_shows_free, else nothing of them. problem:
 * why the annotation cannot be read. */
struct cluster_wiring {
    struct node_view view;
    struct span problem;
    const struct policy *policy;
};
void cluster_shown_wiring(const struct cluster_shown *s, struct cluster_wiring *out);
/* false stops behind this node. Everything is good during the call only; no other cluster_* call
 * from inside, no I/O. */
typedef bool cluster_shown_visit(void *ctx, const struct cluster_shown *s);
/* From node number *from on. true: all were visited, *from is 0 again; false: *from is where to go
 * on. */
bool cluster_each_shown(struct cluster *c, uint32_t *from, cluster_shown_visit *visit, void *ctx);

/* ---- pods that run ---- */

/* A pod with a TP group of which something else is found than the last time it was told. */
struct cluster_landed {
    struct span ns, name;
    const struct landed_case *now;
    bool mended;  /* its GPUs were told of before, and carry its groups again */
    bool unknown; /* which GPUs it has, or how they are wired, cannot be told now */
};
/* true: told (or of no interest), false: not now; it comes again. Everything is good during the
 * call only; no cluster_* call from inside, no I/O. */
typedef bool cluster_landed_visit(void *ctx, const struct cluster_landed *l);
/* Looks at the pods of nodes that have changed since the last call, at most `nodes` of these in one
 * go. true: all were looked at. now: Unix seconds. */
bool cluster_each_landed(struct cluster *c, int64_t now, uint32_t nodes,
                         cluster_landed_visit *visit, void *ctx);
/* Every pod with a TP group, as it is now, told or not; nothing is remembered. false stops. */
void cluster_each_running(struct cluster *c, int64_t now, cluster_landed_visit *visit, void *ctx);
/* What was last found of this pod; REASON_NONE also when there is none. */
enum reason cluster_landed_code(struct cluster *c, struct span ns, struct span name);
/* What was told of this pod could not be said after all: it comes again. */
void cluster_landed_again(struct cluster *c, struct span ns, struct span name);
/* Nothing was told of any pod: whoever starts to look, looks at all. */
void cluster_landed_anew(struct cluster *c);

/* Everything anew from a file's text, all or nothing: on failure the old content stays. */
NODISCARD bool cluster_load(struct cluster *c, struct span text, struct err *e);

struct cluster_stats {
    bool ready; /* a first full content is there */
    unsigned nodes, gpu_nodes, pods, topo_ok, topo_missing, topo_invalid;
    unsigned off_nvlink; /* pods last found on GPUs that do not carry their TP groups */
    unsigned unreserved; /* pods with a TP group that were bound past the gate */
    uint64_t decided;    /* decide_node calls so far */
    uint64_t kept;       /* answers read from the keep */
};
void cluster_stats_get(struct cluster *c, struct cluster_stats *out);
/* One line per node whose annotation could not be read: "node gpu-d: tpguard.io/topology: ..." for
 * the log. Returns the count. */
unsigned cluster_complaints(struct cluster *c, struct buf *out);

/* Mode of a namespace: its label, else the policy's. */
enum mode cluster_mode(struct cluster *c, struct span ns);

/* Many look-ups of one shape under one lock: begin, answer x n, end. Keep it short; no I/O between.
 */
struct cluster_session {
    struct cluster *c;
    const struct shape *shape; /* the caller's: must live until cluster_end */
    void *slot;
    unsigned hint; /* the next name is probably here */
    int64_t now;
};
void cluster_begin(struct cluster *c, const struct shape *s, int64_t now,
                   struct cluster_session *out);
/* false: no such node. */
bool cluster_answer(struct cluster_session *s, struct span name, struct node_answer *out);
void cluster_end(struct cluster_session *s);

/* The answer of one node as if its pods with these UIDs were gone: the GPUs they hold are free
 * where it is known which, else their number is. UIDs that are not known there free nothing. false:
 * no such node. */
bool cluster_answer_without(struct cluster *c, struct span node, const struct span *uids,
                            unsigned n, const struct shape *s, int64_t now,
                            struct node_answer *out);

/* What is asked of all nodes. pod: whose own constraints count (webhook/core/place.h); NULL
 * nobody's.
 */
struct cluster_ask {
    const struct shape *shape;
    const struct pod *pod;
    int64_t now;
};
/* All nodes counted, with the cases worth naming. */
void cluster_census(struct cluster *c, const struct cluster_ask *ask, struct census *out);

/* For explain and the map: every node in name order, with its view (valid during the call only) and
 * answer. */
struct cluster_node_info {
    const struct node_view *view;
    const struct node_answer *answer; /* NodeNotAllowed where the pod may not be; else the node's */
    const char *why;                  /* ... which of its constraints says so; "" */
    const char *problem;              /* why the topology is invalid; "" */
    const char *source;               /* where the topology was read: "tpguard.io/topology",
                                         "tpguard.io/nvidia-smi-topo", "" */
    int64_t observed_at;
};
/* false stops. The cache is locked meanwhile: no cluster_* call from inside. */
typedef bool cluster_visit(void *ctx, const struct cluster_node_info *info);
void cluster_each(struct cluster *c, const struct cluster_ask *ask, cluster_visit *visit,
                  void *ctx);
/* Who holds GPU `position` of that node: "llm/chat-0"; "" when nobody known. */
void cluster_holder(struct cluster *c, struct span node, unsigned position, char *out,
                    unsigned cap);

/* ---- judge: the one path from a pod to a verdict, used by the server and by explain ---- */

struct judgement {
    bool is_gpu_pod;
    bool malformed; /* workload_read refused: `bad` says why */
    struct err bad;
    enum mode mode;
    struct workload w;
    struct shape shape;
    struct census asked;
    struct census unpinned;
    bool has_unpinned;
    struct decision decision;
};
/* The pod in namespace ns as of now. Always gives a decision. out is large (about 100 KiB): keep it
 * in an arena. */
void judge_pod(struct cluster *c, const struct policy *policy, const struct pod *p, struct span ns,
               int64_t now, struct judgement *out);
/* Of a pod that exists, as if it, or its successor, were to be placed now: nothing is rewritten any
 * more, and the node that it has is not what it asks for. */
void judge_anew(struct cluster *c, const struct policy *policy, const struct pod *p, int64_t now,
                struct judgement *out);

#endif
