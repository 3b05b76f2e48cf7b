/* The Lease object (coordination.k8s.io/v1) as text. Written as a merge patch that says only what
 * is ours and which version it replaces, so that fields this program does not know stay. */
#ifndef TPGUARD_LIVE_LEASE_OBJECT_H
#define TPGUARD_LIVE_LEASE_OBJECT_H

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/core/lease.h"

#define LEASE_OBJECT_MAX ((size_t)128 * 1024)

NODISCARD bool lease_decode(struct span text, struct lease_record *out, struct err *e);
/* For POST. */
void lease_encode_new(const struct lease_record *r, const char *name, struct buf *out);
/* For PATCH, merge: 409 when the object is not of r->version any more. */
void lease_encode_patch(const struct lease_record *r, struct buf *out);
/* Now, as Kubernetes' MicroTime. */
void lease_time_text(int64_t unix_ms, char out[LEASE_TIME_MAX]);

#endif
