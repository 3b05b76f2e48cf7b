/* Which Event is written next, and which says nothing new. Two parts: what was said lately (keep),
 * and what is still to be said (queue). No thread, no I/O, no clock: the owner locks, and says what
 * time it is (clock_mono_us).
 *
 * The same of the same fact is said again after EVENT_SAME_S at the earliest, unless something else
 * was said of the object since: then it is news. Anything of a fact waits for EVENT_OTHER_S after
 * the last; meanwhile the newest text takes the place of the older. */
#ifndef TPGUARD_LIVE_EVENTQUEUE_H
#define TPGUARD_LIVE_EVENTQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "webhook/codec/event.h"

#define EVENT_SAME_S  600
#define EVENT_OTHER_S 20
#define EVENT_QUEUE   1024
#define KEEP_SETS     512 /* objects with facts that are remembered, about */
#define KEEP_WAYS     8   /* facts of one object */

/* ---- one event, copied ---- */

struct event_item {
    struct event ev; /* points into the texts below */
    uint64_t object, key, text;
    unsigned tries;
    int64_t not_before_us;
    char kind[64], api_version[128], ns[64], name[254], uid[64], reason[64], component[64];
    char about[EVENT_MESSAGE_MAX + 1];
    char message[EVENT_MESSAGE_MAX + 1];
};
/* On the heap (free). NULL: without memory, or something in it is longer than it can be. */
NODISCARD struct event_item *event_item_new(const struct event *ev);

/* ---- what was said ---- */

struct event_keep {
    struct event_kept {
        uint64_t object; /* 0: not in use */
        uint64_t key, text;
        int64_t at_us;
    } slot[KEEP_SETS][KEEP_WAYS];
};
bool event_keep_knows(const struct event_keep *k, const struct event_item *i);
bool event_keep_repeats(const struct event_keep *k, const struct event_item *i, int64_t now_us);

/* ---- what is to be said ---- */

struct event_queue {
    struct event_item *item[EVENT_QUEUE]; /* oldest first */
    unsigned n;
    uint64_t repeated; /* said nothing new, or a newer one took their place */
    uint64_t dropped;  /* the queue was full */
};
/* Takes the item over. */
void event_queue_push(struct event_queue *q, const struct event_keep *k, struct event_item *i,
                      int64_t now_us);
/* One that was taken has been said: the same again, pushed meanwhile, needs not be. */
void event_queue_said(struct event_queue *q, struct event_keep *k, const struct event_item *i,
                      int64_t now_us);
/* Gives back one that could not be written: it is tried again, unless a newer one of its fact has
 * come meanwhile. */
void event_queue_back(struct event_queue *q, struct event_item *i);
/* The oldest that may be written now; the caller's (free). NULL: none before *when_us (INT64_MAX:
 * none at all). all: also those whose time has not come. */
NODISCARD struct event_item *event_queue_take(struct event_queue *q, const struct event_keep *k,
                                              int64_t now_us, bool all, int64_t *when_us);
void event_queue_done(struct event_queue *q);

#endif
