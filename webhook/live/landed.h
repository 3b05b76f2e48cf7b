/* Pods that run and should not run so: a TP group whose GPUs have no healthy NVLink between them,
 * because the kubelet picked them so or because a link died since, and pods that were bound while
 * tpguard could not be asked. Each is told once, as an Event of the pod and in the log, and once
 * more when its links are back. By the leader alone. */
#ifndef TPGUARD_LIVE_LANDED_H
#define TPGUARD_LIVE_LANDED_H

#include "webhook/live/events.h"
#include "webhook/live/evict.h"
#include "webhook/live/live.h"

/* One round looks at most at so many nodes that changed, under the cache's lock, and tells of so
 * many pods, each of which is one question to the API server. */
#define LANDED_NODES 512
#define LANDED_PODS  16

struct landed_watch;

/* All must outlive it. gate: bindings come by the binding gate, so that one without a set is worth
 * a word. evict gets the pods that run across PCIe; NULL: nobody is moved. NULL without memory. */
struct landed_options {
    struct live *live;
    struct events *events;
    struct evict *evict;
    bool gate;
};
struct landed_watch *landed_new(const struct landed_options *o);
void landed_free(struct landed_watch *w); /* NULL is fine */

struct landed_round {
    unsigned told;
    unsigned failed; /* the API server could not be asked: they come again */
};
/* To be called about each second by one thread, on the leader alone. now: Unix seconds. */
void landed_once(struct landed_watch *w, int64_t now, struct landed_round *out);
/* Another has led meanwhile: everything is looked at again. */
void landed_forget(struct landed_watch *w);

#endif
