/* One resource of the API server, listed and then watched for as long as the program runs, on a
 * thread of its own. What to do next is decided by the pure state machine of core/watchstate.h;
 * this file carries it out: pages, lines, back-off.
 *
 * A list that has to be made again never leaves a hole: its objects are put over the old ones, and
 * only when it is complete the sink is told to forget what it did not hold. */
#ifndef TPGUARD_KUBE_WATCH_H
#define TPGUARD_KUBE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/kube/client.h"

#define WATCH_PAGE       500                        /* objects of one LIST page */
#define WATCH_PAGE_MAX   ((size_t)64 * 1024 * 1024) /* bytes of one page */
#define WATCH_OBJECT_MAX ((size_t)4 * 1024 * 1024)  /* bytes of one event's line */

/* Called by the watch's thread only, one call at a time. Texts are the JSON of one object (items of
 * a list have no kind) and good during the call. An object that put refuses is logged by the watch
 * (namespace/name and error) and passed over: one bad object hides no other. */
struct watch_sink {
    void *ctx;
    void (*list_begin)(void *ctx);
    bool (*put)(void *ctx, struct span object, struct err *e);  /* listed, ADDED, MODIFIED */
    bool (*drop)(void *ctx, struct span object, struct err *e); /* DELETED, or left the selector */
    void (*list_end)(void *ctx); /* complete: what was not put since list_begin is gone */
};

struct watch_options {
    const char *name;  /* for logs and metrics: "pods" */
    const char *path;  /* "/api/v1/pods" */
    const char *query; /* selectors, escaped: "fieldSelector=..."; "" none */
    bool partial;      /* PartialObjectMetadata: metadata alone */
    unsigned page;     /* 0: WATCH_PAGE */
};

struct watch;

/* Strings of the options must outlive the watch (literals). */
NODISCARD bool watch_start(struct kube_client *client, const struct watch_options *o,
                           const struct watch_sink *sink, struct watch **out, struct err *e);
void watch_stop(struct watch *w); /* joins the thread; at most about a second; NULL is fine */

struct watch_status {
    bool synced;          /* one full list has reached the sink */
    int64_t alive_us;     /* clock_mono_us() of the last sign of life: page, event, bookmark, or a
                             stream that the server accepted; 0 never */
    uint64_t lists;       /* full lists so far */
    uint64_t events;      /* ADDED, MODIFIED, DELETED so far */
    uint64_t failures;    /* attempts that failed */
    char last_error[240]; /* "" none, or none since */
};
/* Any thread. */
void watch_status(struct watch *w, struct watch_status *out);

#endif
