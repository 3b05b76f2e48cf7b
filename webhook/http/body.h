/* A request's head and body on their way in: what is wrong with them is settled here, before any
 * handler runs. Knows nothing of the HTTP library. */
#ifndef TPGUARD_HTTP_BODY_H
#define TPGUARD_HTTP_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/http/handle.h"

/* What counts of the head. */
struct head {
    struct span method;
    struct span path;
    struct span content_type; /* p == NULL: not given */
    struct span length;       /* the last Content-Length */
    struct span coding;       /* the last Transfer-Encoding */
    unsigned lengths;         /* how many of them there are */
    unsigned codings;
};

struct intake {
    struct service *service;
    struct buf body;
    size_t limit;
    size_t dropped;  /* bytes of a refused body that were read and thrown away */
    size_t drain;    /* as many may be */
    size_t counted;  /* in service->bytes_in_flight */
    unsigned refuse; /* status, 0 while all is well */
    const char *allow;
    bool hang_up; /* refused at once: the body is not read, the connection ends */
    struct err why;
};

/* route: as of route_find. */
void intake_begin(struct intake *in, struct service *s, const struct head *h, unsigned route);
/* false: too much even to throw away, the connection has to be cut. */
NODISCARD bool intake_take(struct intake *in, const char *bytes, size_t n);
void intake_done(struct intake *in);

#endif
