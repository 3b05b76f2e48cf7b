/* The leader's rounds over the live cluster. */
#include "webhook/live/nodes.h"
#include "webhook/sys/clock.h"

struct live_ends {
    struct live *live;
    const struct leader *leader;
    struct events *events;
};

static bool live_call(void *ctx, const struct kube_request *q, struct kube_response *out,
                      struct err *e) {
    const struct live_ends *l = ctx;
    return kube_call(live_client(l->live), q, out, e);
}

static void live_tell(void *ctx, const struct event *ev) {
    const struct live_ends *l = ctx;
    events_push(l->events, ev);
}

static int64_t live_mono(void *ctx) {
    (void)ctx;
    return clock_mono_us();
}

static bool live_going(void *ctx) {
    const struct live_ends *l = ctx;
    return leader_is(l->leader);
}

void nodes_publish_once(struct live *l, const struct leader *leader, struct events *events,
                        struct nodes_memory *m, struct nodes_done *out) {
    struct live_ends ctx = {l, leader, events};
    const struct nodes_ends ends = {.cluster = live_cluster(l),
                                    .term = leader_term(leader),
                                    .now = clock_unix_s(),
                                    .mono_us = live_mono,
                                    .ctx = &ctx,
                                    .call = live_call,
                                    .tell = live_tell,
                                    .going = live_going};
    *out = (struct nodes_done){0};
    if (leader_is(leader)) {
        nodes_round(&ends, m, out);
    }
}
