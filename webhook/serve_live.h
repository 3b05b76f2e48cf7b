/* The live half of `tpguard serve`: client, watches, leader, and what the leader writes; started in
 * that order, stopped in the other. */
#ifndef TPGUARD_WEBHOOK_SERVE_LIVE_H
#define TPGUARD_WEBHOOK_SERVE_LIVE_H

#include "topology/attr.h"
#include "topology/err.h"
#include "webhook/http/handle.h"
#include "webhook/serve_certificate.h"
#include "webhook/serve_options.h"

struct serve_live;

/* Fills service->live. service and options must outlive it. Returns when the API server can be
 * asked, not when the cache is full: /readyz tells that. */
NODISCARD bool serve_live_start(struct service *service, const struct serve_options *o,
                                struct serve_live **out, struct err *e);
/* The certificate of --issue-tls: waits until there is one (at most half a minute); from then on
 * new ones go to the server that serve_live_use names. */
NODISCARD bool serve_live_certificate(struct serve_live *l, struct certs *out, struct err *e);
void serve_live_use(struct serve_live *l, struct server *server);
void serve_live_stop(struct serve_live *l); /* NULL is fine */

#endif
