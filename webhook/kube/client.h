/* Requests to the API server: the only place that knows libcurl. A client may be used by many
 * threads at once; each call takes a connection of its own from a small pool, so kept-alive
 * connections are reused. Every call has a deadline and a largest answer; tokens are read again
 * when they are older than a minute or were refused (401, which costs one more try with the fresh
 * token), CA files when they change. Nothing else is tried again here: callers know what may be
 * repeated. Redirects are not followed, and no proxy is used but the config's. */
#ifndef TPGUARD_KUBE_CLIENT_H
#define TPGUARD_KUBE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/kube/config.h"

#define KUBE_TIMEOUT_MS   10000                     /* when a request says 0 */
#define KUBE_RESPONSE_MAX ((size_t)8 * 1024 * 1024) /* when a request says 0 */
#define KUBE_HEADERS_MAX  ((size_t)64 * 1024)       /* of one answer */
#define KUBE_CONNECTIONS  16                        /* calls and streams at once; more calls wait */
#define KUBE_REASON_MAX   64
#define KUBE_MESSAGE_MAX  240

struct kube_client;

/* Takes what it needs out of config (copied). No network I/O yet. The first call of all in a
 * program must be made before there are other threads that use libcurl. */
NODISCARD bool kube_client_new(const struct kube_config *config, struct kube_client **out,
                               struct err *e);
void kube_client_free(struct kube_client *c); /* no call may be under way; NULL is fine */
/* The namespace of the config; "" not said. */
const char *kube_client_namespace(const struct kube_client *c);

enum kube_body {
    KUBE_JSON = 0,        /* application/json: POST, PUT */
    KUBE_MERGE_PATCH,     /* application/merge-patch+json */
    KUBE_STRATEGIC_PATCH, /* application/strategic-merge-patch+json */
};

struct kube_request {
    const char *method; /* GET, POST, PUT, PATCH, DELETE */
    const char *path;   /* "/api/v1/nodes/n1?fieldManager=tpguard": ready, escaped (kube_escape) */
    const char *accept; /* NULL: application/json */
    struct span body;   /* n = 0 none */
    enum kube_body body_type;
    unsigned timeout_ms;
    size_t max_response;
    const _Atomic bool *stop; /* ends the call early (ERR_IO); looked at each second; NULL never */
};

struct kube_response {
    unsigned status;                /* HTTP */
    struct buf body;                /* the caller's, by buf_done, also after an error status */
    unsigned retry_after_s;         /* of a Retry-After header; 0 none */
    int64_t date;                   /* the server's clock: Unix seconds of its Date; 0 not said */
    char reason[KUBE_REASON_MAX];   /* of a Status body on 4xx and 5xx: "NotFound"; "" none */
    char message[KUBE_MESSAGE_MAX]; /* the same, or a plain text; cleaned to one line */
};

/* false: no HTTP answer came (ERR_IO: refused, cut, timed out, TLS; the text says which, with the
 * server's address), or it was too large (ERR_TOO_LARGE). Then *out is untouched. true for every
 * HTTP status. */
NODISCARD bool kube_call(struct kube_client *c, const struct kube_request *r,
                         struct kube_response *out, struct err *e);

/* The same, but every status that is not 2xx is an error as well ("PATCH /api/v1/nodes/n1: 403
 * Forbidden: ..."), with *status (may be NULL) set to it in any case, 0 when no answer came. body
 * may be NULL. */
NODISCARD bool kube_want(struct kube_client *c, const struct kube_request *r, struct buf *body,
                         unsigned *status, struct err *e);

/* A path segment or query value, percent-encoded. */
void kube_escape(struct span s, struct buf *out);

/* A streamed GET, for watches. line gets one line without its end at a time, empty ones passed
 * over, of at most max_line bytes (a longer one ends the stream: ERR_TOO_LARGE); false stops the
 * stream. Ends when the server ends it, when nothing came for idle_ms (ERR_IO), or when *stop
 * becomes true (looked at at least each second). */
struct kube_stream {
    const char *path;
    const char *accept;
    size_t max_line;
    unsigned connect_ms; /* until the headers are there */
    unsigned idle_ms;
    void *ctx;
    bool (*line)(void *ctx, struct span line);
    const _Atomic bool *stop;
    void (*open)(void *ctx); /* the server said 200, before the first line; NULL fine */
};
/* As kube_call; out->body holds what came with a status that is not 200 (at most 64 KiB of it).
 * true also when the server ended the stream in order (a last line without an end is handed over
 * too), or line or stop ended it. */
NODISCARD bool kube_stream(struct kube_client *c, const struct kube_stream *s,
                           struct kube_response *out, struct err *e);

#endif
