/* The leader keeps what every GPU node shows of its wiring right: labels tpguard.io/nvlink and
 * nvlink-set, where no scheduler of ours runs nvlink-free and stranded, the condition
 * NVLinkDegraded, and an Event of the Node for every change (core/nodestate.h says what,
 * core/nodechange.h when). Only differences are written: every change of a Node's labels or
 * condition wakes the pods that wait, and must be worth it. Labels and condition are written before
 * the event is told. All of it by one thread, the leader's. */
#ifndef TPGUARD_LIVE_NODES_H
#define TPGUARD_LIVE_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "webhook/live/events.h"
#include "webhook/live/leader.h"
#include "webhook/live/live.h"

#define NODES_PATCHES_MAX 200 /* a round; the rest in the next */
#define NODES_LOOK_S      10  /* all nodes are looked at this often though nothing changed */
#define NODES_ECHO_S      5   /* an own write is waited for this long before it is made again */

/* What the leader remembers of the nodes: what it wrote, and the pairs it saw (a byte each, at most
 * NODES_PAIRS_MAX in all; beyond that changes are told against the condition alone). */
#define NODES_PAIRS_MAX ((size_t)64 * 1024 * 1024)
struct nodes_memory;
struct nodes_memory *nodes_memory_new(void); /* NULL without memory */
void nodes_memory_free(struct nodes_memory *m);

struct nodes_done {
    unsigned patches; /* that succeeded */
    unsigned events;
    unsigned failures; /* requests that did not */
    bool more;         /* there is more to do at once */
};

/* To be called about once a second while this replica leads and the cache is ready; most calls find
 * nothing to do and cost next to nothing. Blocks for its requests, stops between two of them when
 * the lease is lost. events may be NULL. Logs what goes wrong. */
void nodes_publish_once(struct live *l, const struct leader *leader, struct events *events,
                        struct nodes_memory *m, struct nodes_done *out);

/* The same with other ends, for tests. */
struct nodes_ends {
    struct cluster *cluster;
    uint64_t term; /* of the lease: another one, and the memory starts anew */
    int64_t now;   /* Unix seconds */
    void *ctx;
    int64_t (*mono_us)(void *ctx); /* the monotonic clock */
    bool (*call)(void *ctx, const struct kube_request *q, struct kube_response *out,
                 struct err *e); /* as kube_call */
    void (*tell)(void *ctx, const struct event *ev);
    bool (*going)(void *ctx); /* false: no more requests */
};
void nodes_round(const struct nodes_ends *ends, struct nodes_memory *m, struct nodes_done *out);

#endif
