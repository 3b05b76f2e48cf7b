/* The handlers: one function per route, bytes in, bytes out. They know nothing of the HTTP library:
 * server.c fills a struct call and sends its reply. Each decodes, asks the cluster, decides,
 * encodes, counts and logs. */
#ifndef TPGUARD_HTTP_HANDLE_H
#define TPGUARD_HTTP_HANDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "topology/arena.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "webhook/cluster/cluster.h"
#include "webhook/core/policy.h"

struct watchdog;
struct live;
struct events;

/* What all requests share; lives as long as the server. */
struct service {
    struct cluster *cluster;
    struct live *live;         /* NULL: a recorded cluster */
    struct events *events;     /* NULL: none are written */
    struct watchdog *watchdog; /* the server's: who is connected */
    struct policy policy;      /* the one the cluster was made with */
    size_t max_body; /* of /scheduler/...; admission takes at most HTTP_ADMIT_BODY_MAX of it */
    bool bench_echo; /* POST /bench/echo answers */
    _Atomic int autoscaler; /* nodes come and go, as seen in the cluster: 1 yes, 0 no, -1 not known
                               yet, which no decision may take for a no */
    _Atomic bool stopping;
    _Atomic bool was_ready;              /* read with is_ready() */
    _Atomic int64_t certificate_expires; /* Unix seconds */
    _Atomic size_t bytes_in_flight;      /* of bodies */
};

struct reply {
    unsigned status;
    const char *type;
    const char *allow; /* for 405, else NULL */
    struct buf body;
};

struct call {
    struct service *service;
    struct span body;
    struct span bytes;  /* the query's bytes=N, of the bench route */
    struct arena arena; /* everything decoded for this request */
    int64_t begun_us;   /* monotonic, when its headers were read */
    struct reply reply;
};

typedef void handler(struct call *c);

handler handle_admit_pods;
handler handle_admit_bindings;
handler handle_admit_workloads;
handler handle_filter;
handler handle_prioritize;
handler handle_preempt;
handler handle_healthz;
handler handle_readyz;
handler handle_metrics;
handler handle_bench_echo;

/* Routes: the table is the only list of them. Its rows are the values of the metric label. */
struct route {
    const char *path;
    const char *label;
    const char *allow; /* methods, as the Allow header says them */
    handler *run;
    bool post; /* POST with a JSON body; else GET and HEAD */
    bool scheduler;
    bool bench;
};
#define ROUTES 10
extern const struct route routes[ROUTES];
/* Position in routes; ROUTES when there is no such path (here). */
unsigned route_find(struct span path, bool scheduler_only, bool bench);

/* The policy of a request in a namespace of this mode: what the operator said, and what has been
 * seen of the cluster since. All handlers decide with this one. */
struct policy service_policy(struct service *s, enum mode mode);

/* Has the cache a first full content, and in a live cluster: is it fresh? */
bool is_ready(struct service *s);
/* Why not, for people; "" when it is. */
void ready_text(struct service *s, char *why, unsigned cap);

/* ---- replies ---- */

/* {"error":msg,"path":path}, the path only where there is one. */
void reply_error(struct call *c, unsigned status, const struct err *e);
void reply_text(struct call *c, unsigned status, const char *text);
/* HTTP status of an error. */
unsigned status_of(const struct err *e);
extern const char reply_json_type[];

#endif
