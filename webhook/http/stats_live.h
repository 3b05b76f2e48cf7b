/* What is counted of a live cluster, beside stats.h. */
#ifndef TPGUARD_HTTP_STATS_LIVE_H
#define TPGUARD_HTTP_STATS_LIVE_H

#include "webhook/http/handle.h"

enum stats_bind {
    STATS_BIND_RESERVED,
    STATS_BIND_REFUSED,
    STATS_BIND_PASSED,
    STATS_BIND_FAILED,
    STATS_BIND_COUNT
};
/* One binding; tries: compare-and-swap rounds it took. Any thread. */
void stats_bind(enum stats_bind result, unsigned tries);

/* Nothing for a recorded cluster. */
void stats_live_text(const struct service *s, struct buf *out);

#endif
