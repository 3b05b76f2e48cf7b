/* Every maximum of the HTTP edge, in one list. The options of `tpguard serve` move some of them. */
#ifndef TPGUARD_HTTP_LIMITS_H
#define TPGUARD_HTTP_LIMITS_H

#include <assert.h>
#include <stddef.h>

#define HTTP_KIB ((size_t)1024)
#define HTTP_MIB ((size_t)1024 * 1024)

/* An object has at most 3 MiB in the API server, a review of an update holds two of them. */
#define HTTP_ADMIT_BODY_MAX (8 * HTTP_MIB)
/* Bodies of /scheduler/...: 100,000 names are 3 MiB, 1,000 full nodes about 10. */
#define HTTP_BODY_DEFAULT (32 * HTTP_MIB)
#define HTTP_BODY_MAX     (1024 * HTTP_MIB)
/* Body bytes held by all requests together: this many of the largest body; then 503. */
#define HTTP_BODIES_AT_ONCE 4
/* A refused body is read and thrown away up to here, so that the connection lives on; a longer one
 * costs its client the connection. */
#define HTTP_REFUSED_DRAIN (64 * HTTP_KIB)
/* Reserved at once for a body that says its length; beyond, memory follows what really arrives. */
#define HTTP_BODY_RESERVE HTTP_MIB

/* Memory of one request beside its body: cJSON needs 6 times the text for real objects, 40 times
 * for hostile ones, which are refused here. */
#define HTTP_ARENA_BASE     (2 * HTTP_MIB)
#define HTTP_ARENA_PER_BYTE ((size_t)16)
#define HTTP_ARENA_MAX      (64 * HTTP_MIB)
/* An answer: the input's nodes back (full nodes: as long as the body), and this much of our own. */
#define HTTP_REPLY_OWN (64 * HTTP_MIB)

/* libmicrohttpd clears a connection's whole pool after each request: a large one costs time. */
#define HTTP_POOL_MAIN            (32 * HTTP_KIB)
#define HTTP_POOL_EXTENDER        (128 * HTTP_KIB)
#define HTTP_CONNECTIONS_MAIN     1024
#define HTTP_CONNECTIONS_EXTENDER 64
/* Only touched pages count; sanitizer builds need much more than the release. */
#define HTTP_THREAD_STACK HTTP_MIB
#define HTTP_BACKLOG      512

/* Longer than the 90 s that Go clients keep an idle connection: they close first, so that no
 * request is sent into a connection that is being closed here. */
#define HTTP_IDLE_S       120
#define HTTP_DEADLINE_S   10 /* one request from its first byte to the last byte of its answer */
#define HTTP_DEADLINE_MAX 300
#define HTTP_DRAIN_S      10

static_assert(HTTP_ADMIT_BODY_MAX <= HTTP_BODY_DEFAULT, "the smaller limit is admission's");
static_assert(HTTP_IDLE_S > 90, "Go's IdleConnTimeout");

#endif
