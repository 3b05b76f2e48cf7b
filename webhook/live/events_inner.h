/* For the tests of this file: the same with another wire and other times. */
#ifndef TPGUARD_LIVE_EVENTS_INNER_H
#define TPGUARD_LIVE_EVENTS_INNER_H

#include "webhook/live/events.h"
#include "webhook/live/eventsend.h"

struct events_times {
    int64_t space_us;    /* between two writes */
    int64_t back_us;     /* before the second try; each further one waits twice as long */
    int64_t drain_us;    /* for what is queued when it stops */
    unsigned timeout_ms; /* of one call */
};
NODISCARD bool events_start_with(const struct event_wire *wire, const struct events_times *times,
                                 const char *instance, struct events **out, struct err *e);

#endif
