/* The texts of a list and of a watch, taken apart without a tree: pages of a LIST, lines of a
 * WATCH. Inside of the room kube. */
#ifndef TPGUARD_KUBE_WATCH_TEXT_H
#define TPGUARD_KUBE_WATCH_TEXT_H

#include <stdbool.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/core/watchstate.h"

struct watch_page {
    char version[WATCH_VERSION_MAX]; /* metadata.resourceVersion; "" none */
    char next[WATCH_CONTINUE_MAX];   /* metadata.continue; "" the last page */
    unsigned items;
};
/* Calls item for each object of items, in order. Values that are longer than their place are
 * ERR_TOO_LARGE. A page that turns out to be broken fails at the end: its sound items were handed
 * over before. */
NODISCARD bool watch_page_read(struct span body, void (*item)(void *ctx, struct span object),
                               void *ctx, struct watch_page *out, struct err *e);

enum watch_line_type {
    WATCH_ADDED,
    WATCH_MODIFIED,
    WATCH_DELETED,
    WATCH_BOOKMARK,
    WATCH_ERROR,
    WATCH_OTHER, /* a type of later days: passed over */
};
struct watch_line {
    enum watch_line_type type;
    struct span object;              /* in the line given */
    char version[WATCH_VERSION_MAX]; /* of the object; "" none */
};
NODISCARD bool watch_line_read(struct span line, struct watch_line *out, struct err *e);

/* "llm/chat-0" or "node-1" of an object, cut to cap, for log lines; "?" when it does not say. */
void watch_object_name(struct span object, char *out, size_t cap);

#endif
