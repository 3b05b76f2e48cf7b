#include "webhook/sys/metrics.h"

#define UNBOUNDED UINT64_MAX

static const struct bucket {
    uint64_t us;
    const char *le;
} buckets[METRIC_BUCKETS] = {
    {50, "5e-05"},    {100, "0.0001"},  {250, "0.00025"},   {500, "0.0005"},
    {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},    {10000, "0.01"},
    {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},    {250000, "0.25"},
    {1000000, "1.0"}, {2500000, "2.5"}, {10000000, "10.0"}, {UNBOUNDED, "+Inf"},
};

static unsigned values(const struct metric_label *l) {
    return l->name ? l->n : 1;
}

static unsigned width(const struct metric *m) {
    return m->kind == METRIC_HISTOGRAM ? METRIC_HISTOGRAM_CELLS : 1;
}

unsigned metric_cells(const struct metric *m) {
    return values(&m->label[0]) * values(&m->label[1]) * width(m);
}

static _Atomic uint64_t *cell_of(const struct metric *m, unsigned a, unsigned b) {
    if (a >= values(&m->label[0]) || b >= values(&m->label[1])) {
        return NULL;
    }
    return &m->cell[(a * values(&m->label[1]) + b) * width(m)];
}

void metric_add(const struct metric *m, unsigned a, unsigned b, uint64_t by) {
    _Atomic uint64_t *c = cell_of(m, a, b);
    if (c) {
        atomic_fetch_add_explicit(c, by, memory_order_relaxed);
    }
}

void metric_set(const struct metric *m, unsigned a, unsigned b, uint64_t value) {
    _Atomic uint64_t *c = cell_of(m, a, b);
    if (c) {
        atomic_store_explicit(c, value, memory_order_relaxed);
    }
}

void metric_observe_us(const struct metric *m, unsigned a, unsigned b, uint64_t us) {
    _Atomic uint64_t *c = cell_of(m, a, b);
    if (!c) {
        return;
    }
    unsigned i = 0;
    while (us > buckets[i].us) {
        i++;
    }
    atomic_fetch_add_explicit(&c[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&c[METRIC_BUCKETS], us, memory_order_relaxed);
}

uint64_t metric_get(const struct metric *m, unsigned a, unsigned b) {
    const _Atomic uint64_t *c = cell_of(m, a, b);
    uint64_t sum = 0;
    for (unsigned i = 0; c && i < (width(m) == 1 ? 1 : METRIC_BUCKETS); i++) {
        sum += atomic_load_explicit(&c[i], memory_order_relaxed);
    }
    return sum;
}

/* {route="filter",status="200"}, with le behind the family's own labels when it is given. */
static void put_labels(const struct metric *m, const unsigned at[METRIC_LABELS_MAX], const char *le,
                       struct buf *out) {
    char sep = '{';
    for (unsigned i = 0; i < METRIC_LABELS_MAX && m->label[i].name; i++) {
        buf_fmt(out, "%c%s=\"%s\"", sep, m->label[i].name, m->label[i].value(at[i]));
        sep = ',';
    }
    if (le) {
        buf_fmt(out, "%cle=\"%s\"", sep, le);
        sep = ',';
    }
    if (sep == ',') {
        buf_char(out, '}');
    }
}

static void put_sample(const struct metric *m, const char *suffix,
                       const unsigned at[METRIC_LABELS_MAX], uint64_t v, struct buf *out) {
    buf_fmt(out, "%s%s", m->name, suffix);
    put_labels(m, at, NULL, out);
    buf_char(out, ' ');
    buf_u64(out, v);
    buf_char(out, '\n');
}

static void put_histogram(const struct metric *m, const unsigned at[METRIC_LABELS_MAX],
                          struct buf *out) {
    const _Atomic uint64_t *c = cell_of(m, at[0], at[1]);
    uint64_t count = 0;
    for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
        count += atomic_load_explicit(&c[i], memory_order_relaxed);
        buf_fmt(out, "%s_bucket", m->name);
        put_labels(m, at, buckets[i].le, out);
        buf_char(out, ' ');
        buf_u64(out, count);
        buf_char(out, '\n');
    }
    put_sample(m, "_count", at, count, out);
    uint64_t us = atomic_load_explicit(&c[METRIC_BUCKETS], memory_order_relaxed);
    buf_fmt(out, "%s_sum", m->name);
    put_labels(m, at, NULL, out);
    buf_fmt(out, " %llu.%06u\n", (unsigned long long)(us / 1000000), (unsigned)(us % 1000000));
}

static void put_cell(const struct metric *m, const unsigned at[METRIC_LABELS_MAX],
                     struct buf *out) {
    uint64_t v = metric_get(m, at[0], at[1]);
    if (m->used_only && v == 0) {
        return;
    }
    switch (m->kind) {
    case METRIC_COUNTER:
        put_sample(m, "_total", at, v, out);
        break;
    case METRIC_GAUGE:
        put_sample(m, "", at, v, out);
        break;
    case METRIC_INFO:
        put_sample(m, "_info", at, 1, out);
        break;
    case METRIC_HISTOGRAM:
        put_histogram(m, at, out);
        break;
    }
}

void metric_text(const struct metric *m, struct buf *out) {
    static const char *const type[] = {"counter", "gauge", "info", "histogram"};
    buf_fmt(out, "# TYPE %s %s\n", m->name, type[m->kind]);
    if (m->kind == METRIC_HISTOGRAM) {
        buf_fmt(out, "# UNIT %s seconds\n", m->name);
    }
    buf_fmt(out, "# HELP %s %s\n", m->name, m->help);
    for (unsigned a = 0; a < values(&m->label[0]); a++) {
        for (unsigned b = 0; b < values(&m->label[1]); b++) {
            put_cell(m, (const unsigned[METRIC_LABELS_MAX]){a, b}, out);
        }
    }
}

void metrics_end(struct buf *out) {
    buf_str(out, "# EOF\n");
}
