/* The two things that an agent writes: one PATCH of its Node when the annotations do not say what
 * they should, and the heartbeat that vouches for them in between. Each waits on its own after a
 * failure: 1 s, doubling to a minute, or as long as the API server asks for. One thread. */
#ifndef TPGUARD_AGENT_PUBLISH_H
#define TPGUARD_AGENT_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/agent/own.h"
#include "webhook/kube/client.h"

struct publish_retry {
    int64_t at_us; /* nothing is tried before */
    uint32_t wait_s;
};

struct publish {
    const char *node;
    const char *namespace;
    uint32_t heartbeat_s;
    struct publish_retry patch;
    struct publish_retry beat;
    int64_t beat_us; /* of the monotonic clock: the next heartbeat is due */
    bool fresh;      /* there is no Lease yet, as far as we know */
    void *ctx;
    bool (*call)(void *ctx, const struct kube_request *q, struct kube_response *out,
                 struct err *e); /* as kube_call */
};

/* What is to be shown; n = 0: left as it is. */
struct publish_want {
    struct span topology;
    struct span allocations;
    int64_t seen_at; /* the wiring was read then and is as `topology` says; 0: it was not */
    bool books;      /* the kubelet's books were read, and are as `allocations` says */
    int64_t mono_us; /* now */
    uint32_t random; /* any number, new for each call */
};

/* The patch that brings the Node to that; false: it is there. */
bool publish_difference(const struct own_node *own, const struct publish_want *w, struct buf *out);

/* Does what is due. *own is what the Node shows, and is brought up to date by a patch that was
 * taken. Logs. Returns the time of the monotonic clock at which it wants to be called again. */
int64_t publish_step(struct publish *p, struct own_node *own, const struct publish_want *w);

#endif
