/* The HTTPS server: sockets, connections, deadlines, TLS. A request goes through body.c (what is
 * wrong with its head and body), one handler of handle.h, and out again.
 *
 * One thread per connection: a long filter call holds up nobody else, and handshakes run side by
 * side. Never epoll: with it, libmicrohttpd 0.9.75 spins at 100 % CPU for a client that stops in
 * the middle of its TLS hello. */
#ifndef TPGUARD_HTTP_SERVER_H
#define TPGUARD_HTTP_SERVER_H

#include "topology/attr.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/http/handle.h"

struct server_options {
    const char *listen;          /* HOST:PORT, all routes */
    const char *extender_listen; /* /scheduler/... once more, with a pool of its own; "" none */
    struct span cert;            /* PEM; NUL behind it; needed during the call only */
    struct span key;
    unsigned deadline_s;
};

struct server;

/* service must outlive the server. */
NODISCARD bool server_start(struct service *service, const struct server_options *o,
                            struct server **out, struct err *e);
/* As bound: "127.0.0.1:43211"; of the second listener NULL when there is none. */
const char *server_address(const struct server *s, bool extender);

/* New connections get this certificate; on failure the old one stays. */
NODISCARD bool server_use_certificate(struct server *s, struct span cert, struct span key,
                                      struct err *e);

/* No new connections, answers say Connection: close, requests in flight get at most drain_s
 * seconds; then everything ends. False when some request was cut. */
bool server_stop(struct server *s, unsigned drain_s);

#endif
