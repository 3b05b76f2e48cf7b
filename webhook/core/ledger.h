/* Reservations of one node: which pods have just been let through to it and which GPUs they were
 * promised. Between the moment a bind is admitted and the moment every tpguard has seen the pod on
 * its node, this list is what keeps two pods off one set. It lives in an object of the API server
 * (webhook/live/reserve.h) and changes only by compare-and-swap, so it holds for any number of
 * replicas and outlives all of them. Pure data, texts borrowed. */
#ifndef TPGUARD_CORE_LEDGER_H
#define TPGUARD_CORE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "topology/span.h"

/* Longest that an admitted bind can be under way (the API server cuts requests after 60 s), and
 * that a ready cache may lag behind (LIVE_SILENCE_S): older reservations are either in every cache
 * or came to nothing. */
#define LEDGER_TTL_S 150
/* A pod that the API server still knows without a node so long after its bind was admitted: that
 * bind came to nothing (tpguard or the API server was killed, another webhook refused), and its set
 * is free again. What is left of a request after tpguard's answer takes milliseconds. */
#define LEDGER_FLIGHT_S 30
/* Binds to one node within that time; beyond it the next one waits. */
#define LEDGER_MAX 256

struct ledger_entry {
    struct span ns, name, uid; /* the pod */
    uint32_t gpus;             /* asked of the kubelet */
    struct span set;           /* "2,3": NVML indices; "" none */
    int64_t at;                /* Unix seconds */
};
struct ledger {
    struct ledger_entry entry[LEDGER_MAX];
    unsigned n;
};

/* Drops what is older than LEDGER_TTL_S, and what claims to be from as far in the future (a clock
 * that was set back). */
void ledger_expire(struct ledger *l, int64_t now);
/* Adds, or puts in the place of an older one of the same pod (uid). ERR_TOO_LARGE when full. */
NODISCARD bool ledger_put(struct ledger *l, const struct ledger_entry *entry, struct err *e);

#endif
