/* One Event to the API server: made, or counted up where it is there already (made by another
 * replica, or before a restart). At most four calls; nothing is repeated here. */
#ifndef TPGUARD_LIVE_EVENTSEND_H
#define TPGUARD_LIVE_EVENTSEND_H

#include "topology/arena.h"
#include "webhook/codec/event.h"
#include "webhook/kube/client.h"

/* The API server, or in tests what stands for it: as kube_call. */
struct event_wire {
    void *ctx;
    bool (*call)(void *ctx, const struct kube_request *r, struct kube_response *out, struct err *e);
};

enum event_sent {
    EVENT_WRITTEN = 0,
    EVENT_SAID,    /* it stands there with this text, written a short while ago */
    EVENT_LATER,   /* the API server is busy or does not answer: may be tried again */
    EVENT_REFUSED, /* not allowed, or its namespace is going: no use in trying again */
};

struct event_send {
    const struct event_wire *wire;
    const struct event *ev;
    const char *instance;
    bool known;          /* probably there: ask before making it */
    int64_t now;         /* Unix seconds */
    int64_t said_s;      /* a text as young as this is not said again; 0: it is */
    unsigned timeout_ms; /* of each call */
    struct arena *arena; /* for what is read; reset by the caller */
};
struct event_receipt {
    unsigned calls;
    unsigned wait_s; /* LATER: not before; 0 not said */
    struct err why;  /* LATER, REFUSED */
};
enum event_sent event_send(const struct event_send *s, struct event_receipt *out);

#endif
