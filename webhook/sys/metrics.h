/* Counters, gauges and histograms as OpenMetrics text. A family is one row of a table that its
 * owner writes down: name, help, labels with closed lists of values (never text of a user), and the
 * cells, one per combination. Cells are atomic: any thread adds, any thread prints, no lock. */
#ifndef TPGUARD_SYS_METRICS_H
#define TPGUARD_SYS_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "topology/buf.h"

enum metric_kind {
    METRIC_COUNTER, /* name without _total */
    METRIC_GAUGE,
    METRIC_INFO,      /* name without _info; one sample of value 1 with one label */
    METRIC_HISTOGRAM, /* durations; observed in microseconds, printed in seconds */
};

#define METRIC_LABELS_MAX 2
/* Upper bounds of the histogram's buckets, the last being infinity: see metrics.c. */
#define METRIC_BUCKETS 16
/* Cells of one histogram: a count for each bucket, then the sum in microseconds. */
#define METRIC_HISTOGRAM_CELLS (METRIC_BUCKETS + 1)

struct metric_label {
    const char *name; /* NULL: the family has fewer labels */
    unsigned n;
    const char *(*value)(unsigned i); /* i < n; printed as it is: no quote, backslash, newline */
};

struct metric {
    const char *name;
    const char *help;
    enum metric_kind kind;
    bool used_only; /* print only cells that are not 0: for wide label combinations */
    struct metric_label label[METRIC_LABELS_MAX];
    _Atomic uint64_t *cell; /* metric_cells() of them */
};

unsigned metric_cells(const struct metric *m);

/* a, b: which value of each label (0 where the family has none). Out of range: counted nowhere. */
void metric_add(const struct metric *m, unsigned a, unsigned b, uint64_t by);
void metric_set(const struct metric *m, unsigned a, unsigned b, uint64_t value);
void metric_observe_us(const struct metric *m, unsigned a, unsigned b, uint64_t us);
uint64_t metric_get(const struct metric *m, unsigned a, unsigned b); /* a histogram: its count */

/* The family's text; metrics_end writes the "# EOF" that closes an exposition. */
void metric_text(const struct metric *m, struct buf *out);
void metrics_end(struct buf *out);

#endif
