/* What tpguard counts: the table of its metric families. Label values come from closed lists
 * (routes, statuses, verdicts, reasons), so that no text of a user ever becomes a time series. */
#ifndef TPGUARD_HTTP_STATS_H
#define TPGUARD_HTTP_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/buf.h"
#include "webhook/core/decide.h"
#include "webhook/http/handle.h"

/* Before the first thread starts; version must stay. */
void stats_setup(const char *program_version);

/* An admission decision. */
void stats_decision(enum verdict v, enum reason code);
/* What was said of a workload: its template that is worst off. */
void stats_workload(enum verdict v, enum reason code);
/* Nodes that filter judged, by reason (REASON_NONE: kept). */
void stats_filter_nodes(enum reason code, unsigned n);
/* A request that ended: route as in routes (ROUTES: another path), status 0: cut. */
void stats_request(unsigned route, unsigned status, uint64_t us);
void stats_reload(bool cluster_file, bool good);

void stats_text(const struct service *s, struct buf *out);

#endif
