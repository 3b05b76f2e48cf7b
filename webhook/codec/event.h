/* core/v1 Events as text: what `kubectl describe` shows of an object. One fact (object, reason) is
 * one Event: its name follows from the object's uid and the reason, so that whoever says it again
 * finds it. Example, shortened:
 *
 * {"apiVersion":"v1","kind":"Event","metadata":{"name":"qwen.5e1b...","namespace":"llm"},
 *  "involvedObject":{"apiVersion":"v1","kind":"Pod","namespace":"llm","name":"qwen","uid":"7f8e.."},
 *  "reason":"NVLinkSetBusy","message":"TP=2 waits for ...","type":"Normal","count":1,
 *  "firstTimestamp":"2026-11-25T12:00:00Z","lastTimestamp":"2026-11-25T12:00:00Z",
 *  "source":{"component":"tpguard"},"reportingComponent":"tpguard","reportingInstance":"tpguard-0"}
 */
#ifndef TPGUARD_CODEC_EVENT_H
#define TPGUARD_CODEC_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/arena.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"

#define EVENT_MESSAGE_MAX 1000 /* bytes; what is longer is cut (Kubernetes itself takes 1024) */
#define EVENT_NAME_MAX    254  /* bytes of a name and its NUL */
#define EVENT_OBJECT_MAX  ((size_t)256 * 1024)

/* What is said, and of which object. */
struct event {
    const char *kind;        /* "Pod", "Node", "Deployment" */
    const char *api_version; /* "v1", "apps/v1" */
    struct span ns;          /* of the object; "" for a Node: the Event then lives in "default" */
    struct span name;
    struct span uid;    /* of a Node its name does as well: describe looks for both */
    const char *reason; /* a code of core/reason.h */
    const char *about;  /* which part of the object, where several may be told of in one moment
                           ("0-1"): each is a fact of its own. NULL: the object */
    bool warning;       /* type Warning, else Normal */
    bool settles;       /* what else waits to be said of the object is void by it */
    const char *message;
    const char *component; /* who says it: "tpguard", "tpguard-agent" */
};

/* As numbers, equal for equal ones, never 0: the object, the fact (object, reason, about), and what
 * is said of it. */
uint64_t event_object(const struct event *ev);
uint64_t event_key(const struct event *ev);
uint64_t event_text(const struct event *ev);

/* "<object>.<16 hex digits of the key>", a name that Kubernetes takes. */
void event_name(const struct event *ev, char out[static EVENT_NAME_MAX]);
struct span event_namespace(const struct event *ev);
/* One line of ASCII of at most EVENT_MESSAGE_MAX bytes, whatever came in. */
void event_clean(const char *message, struct buf *out);

/* For POST. now: Unix seconds; instance: the process that says it. */
void event_encode_new(const struct event *ev, int64_t now, const char *instance, struct buf *out);
/* For PATCH, merge: said for the count-th time. */
void event_encode_again(const struct event *ev, uint64_t count, int64_t now, struct buf *out);

/* One that is there already. */
struct event_seen {
    struct span message;
    uint64_t count; /* 0 where it is not counted */
    int64_t last;   /* Unix seconds; 0 not said */
};
/* Texts live in the arena. */
NODISCARD bool event_decode(struct span text, struct arena *a, struct event_seen *out,
                            struct err *e);

#endif
