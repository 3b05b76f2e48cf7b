/* The second half of live/landed.h, where the policy wants it (serve --across-pcie evict): a pod
 * whose TP group runs across PCIe is evicted, so that its controller makes a successor that is
 * placed well. Carefully: only after it has been so for a while (a link may flap), only while
 * a healthy set is free for it, only pods that a controller makes again, one each EVICT_SPACE_S in
 * the whole cluster, by the Eviction API, which minds disruption budgets, and of exactly this pod
 * (uid). It is never deleted otherwise. State is this thread's own: another leader begins to count
 * anew. */
#ifndef TPGUARD_LIVE_EVICT_H
#define TPGUARD_LIVE_EVICT_H

#include "webhook/live/events.h"
#include "webhook/live/live.h"

#define EVICT_AFTER_S 120 /* when nobody says otherwise */
#define EVICT_SPACE_S 60
#define EVICT_AGAIN_S 60 /* it may not go now: asked again after so long */
#define EVICT_PODS    256

struct evict;

/* Both must outlive it. after_s: how long it must have been so. NULL without memory. */
struct evict *evict_new(struct live *live, struct events *events, uint32_t after_s);
void evict_free(struct evict *v); /* NULL is fine */
void evict_forget(struct evict *v);

/* It was found to run across PCIe now (Unix seconds). Beyond EVICT_PODS it has to wait until it is
 * found again. NULL v: nothing. */
void evict_note(struct evict *v, struct span ns, struct span name, struct span uid, int64_t now);

enum evict_result {
    EVICT_NONE = 0, /* nobody is due */
    EVICT_DONE,
    EVICT_KEPT,   /* it may not go now: no healthy set is free, nobody would make it again, its
                     disruption budget */
    EVICT_OVER,   /* it is gone, or is not across PCIe any more */
    EVICT_FAILED, /* the API server did not answer, or refused */
};
/* At most one pod. To be called about each second by the thread that notes. NULL v: EVICT_NONE. */
enum evict_result evict_once(struct evict *v, int64_t now);

#endif
