/* A thread that does something now and then, and can be stopped while it waits. It has as much
 * stack as a worker of the server, for some of these threads judge pods as it does. */
#ifndef TPGUARD_SYS_PACE_H
#define TPGUARD_SYS_PACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/err.h"

struct pace {
    pthread_t thread;
    pthread_mutex_t lock; /* of stop and poked; the owner may guard small things of its own by it */
    pthread_cond_t wake;
    _Atomic bool stop; /* for calls that can be ended early (kube_request.stop) */
    bool poked;
};

/* On failure nothing is left of it. What ctx points to must be ready: the thread begins at once. */
NODISCARD bool pace_start(struct pace *p, void *(*run)(void *), void *ctx, struct err *e);
/* In the thread: waits at most us microseconds. False: stop. */
NODISCARD bool pace_wait(struct pace *p, int64_t us);
void pace_poke(struct pace *p); /* the wait that is under way, or the next, ends at once */
/* Ends the wait and joins. What was built by pace_start is gone then. */
void pace_stop(struct pace *p);

/* Any number, for spreading attempts: not for secrets. */
uint64_t pace_random(void);

#endif
