/* tpguard's own Events on pods: why a GPU pod waits (by the leader, which looks at all that wait),
 * and which set one got when it was bound (by whoever admitted the bind). The words are core's
 * (say_event.h); how often they are written is the queue's business (events.h). */
#ifndef TPGUARD_LIVE_NARRATE_H
#define TPGUARD_LIVE_NARRATE_H

#include "webhook/cluster/cluster.h"
#include "webhook/live/bind.h"
#include "webhook/live/events.h"

/* One round takes at most so many pods and bytes, and so long; the next goes on behind it. */
#define NARRATE_PODS      2000
#define NARRATE_TEXT      ((size_t)32 * 1024 * 1024)
#define NARRATE_BUDGET_US 250000
#define NARRATE_IDLE_S    10 /* where nothing changed: time alone may (freshness) */

struct narrate;

/* The cache, policy and queue must outlive it. NULL without memory. */
struct narrate *narrate_new(struct cluster *c, const struct policy *policy, struct events *events);
void narrate_free(struct narrate *n); /* NULL is fine */

struct narrate_round {
    bool skipped;    /* nothing has changed since the last round */
    unsigned looked; /* pods that were judged */
    unsigned told;   /* ... of which something was said */
    unsigned bad;    /* objects that could not be read */
};
/* To be called about each second by one thread, on the leader alone. now: Unix seconds. */
void narrate_once(struct narrate *n, int64_t now, struct narrate_round *out);

/* After bind_gate let a pod through: NVLinkSetReserved, when a healthy set was reserved for its TP
 * group. Nothing otherwise, nor in a dry run. */
void narrate_reserved(struct events *events, const struct bind_ask *ask,
                      const struct bind_answer *bind);

#endif
