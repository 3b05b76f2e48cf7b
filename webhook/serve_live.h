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
/* Every few seconds: what is seen of the cluster goes into the service (an autoscaler). NULL is
 * fine. */
void serve_live_look(struct serve_live *l);
/* The certificate of --issue-tls: waits until there is one (at most half a minute). */
NODISCARD bool serve_live_certificate(struct serve_live *l, struct certs *out, struct err *e);
/* From now on a new one goes to the server; in_use is what it started with. */
NODISCARD bool serve_live_renew(struct serve_live *l, struct server *server,
                                const struct certs *in_use, struct err *e);
void serve_live_keep(struct serve_live *l); /* ends that: the server is about to go; NULL is fine */
void serve_live_stop(struct serve_live *l); /* NULL is fine */

#endif
