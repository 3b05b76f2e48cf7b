/* core/v1 Events, as `kubectl describe` shows them. Anybody pushes; one thread writes them to the
 * API server, never faster than EVENTS_RATE a second.
 *
 * The same fact (object, reason) is the same Event object: its name is made from the object's uid
 * and the reason. Another replica, or this one after a restart, finds it there and counts it up
 * instead of making a second one. What says nothing new is not written again (eventkeep.h). Events
 * help people; they are not a record: when the queue is full the oldest are dropped, and counted.
 */
#ifndef TPGUARD_LIVE_EVENTS_H
#define TPGUARD_LIVE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "webhook/codec/event.h"
#include "webhook/core/reason.h"
#include "webhook/kube/client.h"

#define EVENTS_QUEUE 1024
#define EVENTS_RATE  20 /* writes a second */

struct events;

/* instance: this process among its replicas, the pod's name; copied. client must outlive it. */
NODISCARD bool events_start(struct kube_client *client, const char *instance, struct events **out,
                            struct err *e);
/* Copies what it is given; never waits for the network. Any thread. Without a queue: nothing. */
void events_push(struct events *q, const struct event *ev);
/* The same, of a pod: the code's row says whether it is a warning. */
struct pod_event {
    struct span ns, name, uid;
    enum reason code;
    bool settles; /* as in struct event */
    const char *message;
};
void events_push_pod(struct events *q, const struct pod_event *p);
/* Writes what is queued for at most about two seconds, then joins the thread. NULL is fine. */
void events_stop(struct events *q);

struct events_stats {
    uint64_t pushed;
    uint64_t written;  /* made or counted up in the API server */
    uint64_t repeated; /* not written: the same was said a short while ago */
    uint64_t dropped;  /* the queue was full */
    uint64_t refused;  /* the API server did not take it, or did not answer */
    unsigned queued;   /* now */
};
void events_stats_get(struct events *q, struct events_stats *out); /* any thread; NULL: zeros */

#endif
