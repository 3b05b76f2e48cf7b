/* What the operator of the cluster decided. Plain values; flags of `serve` and `explain`, chart
 * values. */
#ifndef TPGUARD_CORE_POLICY_H
#define TPGUARD_CORE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "topology/span.h"

struct buf;

enum mode { MODE_ENFORCE = 0, MODE_WARN, MODE_AUDIT, MODE_OFF, MODE_COUNT };
enum rewrite { REWRITE_STEER = 1, REWRITE_REPIN = 2, REWRITE_REPLICAS = 4, REWRITE_PIPELINE = 8 };
enum unsatisfiable { UNSAT_AUTO = 0, UNSAT_DENY, UNSAT_WAIT };
/* A pod whose TP size cannot be read, or a node whose wiring cannot. */
enum unknown_policy {
    UNKNOWN_STRICT = 0, /* TP unknown: all its GPUs must be one NVLink set. Topology unknown: no TP
                           group there */
    UNKNOWN_ALLOW,      /* let it through, with a warning */
};
enum allocation { ALLOC_PLUGIN = 0, ALLOC_EXACT };
/* A workload whose pods would be denied: the person who applies it is warned, or denied. */
enum workloads { WORKLOADS_WARN = 0, WORKLOADS_DENY };

struct policy {
    enum mode mode;    /* default of namespaces without the label */
    unsigned rewrites; /* bits of enum rewrite that the cluster allows */
    enum unsatisfiable unsatisfiable;
    bool autoscaler; /* nodes come and go: `auto` then waits */
    enum unknown_policy unknown_tp;
    enum unknown_policy unknown_topology;
    enum allocation allocation;
    enum workloads workloads;
    bool allow_degraded;        /* a pair with fewer lanes than expected may serve */
    uint32_t freshness_s;       /* older topology is unknown; 0 = no limit. Only for sources with a
                                   heartbeat:       annotations written by hand carry source
                                   "manual"/"nvidia-smi" and do not age */
    struct span scheduler_name; /* steered pods get it; empty = leave as it is */
};

/* mode enforce; steer; unsatisfiable auto; unknown strict; plugin; workloads warn; degraded not
 * allowed; 600 s; no scheduler name. */
struct policy policy_default(void);

/* Nodes show what is free on them now, and pods prefer it: only where no scheduler of ours looks at
 * every node for itself. With one, a label that changes at every bind would do nothing but wake
 * the pods that wait. */
static inline bool policy_shows_free(const struct policy *p) {
    return !p->scheduler_name.n && (p->rewrites & REWRITE_STEER);
}

bool mode_parse(struct span s, enum mode *out);
const char *mode_name(enum mode m);
/* "none", or a comma list of steer, repin, replicas, pipeline. */
NODISCARD bool rewrites_parse(struct span s, unsigned *out, struct err *e);
void rewrites_text(unsigned bits, struct buf *out);
bool unsatisfiable_parse(struct span s, enum unsatisfiable *out);
const char *unsatisfiable_name(enum unsatisfiable u);
bool unknown_parse(struct span s, enum unknown_policy *out); /* strict, allow */
const char *unknown_name(enum unknown_policy u);
bool allocation_parse(struct span s, enum allocation *out); /* plugin, exact */
const char *allocation_name(enum allocation a);
bool workloads_parse(struct span s, enum workloads *out); /* warn, deny */
const char *workloads_name(enum workloads w);

#endif
