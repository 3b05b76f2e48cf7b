#include "webhook/core/admit_parts.h"
#include "webhook/core/nodestate_parts.h"

#define LISTED_MOST 16
#define RUNS_MOST   8

static unsigned lanes_said(struct wire w) {
    return w.kind == WIRE_NVLINK ? w.lanes : 0;
}

unsigned pair_lanes(const struct topo *t, unsigned a, unsigned b) {
    unsigned ab = lanes_said(t->wire[a][b]);
    unsigned ba = lanes_said(t->wire[b][a]);
    return ab < ba ? ab : ba;
}

unsigned pair_expected(const struct topo *t, unsigned a, unsigned b) {
    unsigned ab = t->expected[a][b] == EXPECTED_UNKNOWN ? 0 : t->expected[a][b];
    unsigned ba = t->expected[b][a] == EXPECTED_UNKNOWN ? 0 : t->expected[b][a];
    return ab > ba ? ab : ba;
}

void put_disagreement(const struct topo *t, unsigned a, unsigned b, struct buf *out) {
    buf_fmt(out, "%u lanes one way, %u the other", lanes_said(t->wire[a][b]),
            lanes_said(t->wire[b][a]));
}

/* Runs of NVML indices: positions are dense, indices may have gaps. */
static void put_runs(const struct topo *t, struct gpuset set, struct buf *out) {
    unsigned runs = 0;
    for (unsigned i = gpuset_next(set, 0); i < GPU_MAX;) {
        unsigned last = i;
        while (gpuset_has(set, last + 1) && t->gpu[last + 1].index == t->gpu[last].index + 1) {
            last++;
        }
        if (runs++ == RUNS_MOST) {
            buf_str(out, ",...");
            return;
        }
        buf_fmt(out, "%s%u", runs > 1 ? "," : "", (unsigned)t->gpu[i].index);
        if (last > i) {
            buf_fmt(out, " to %u", (unsigned)t->gpu[last].index);
        }
        i = gpuset_next(set, last + 1);
    }
}

void put_gpus(const struct topo *t, struct gpuset set, struct buf *out) {
    set = gpuset_and(set, gpuset_first(t->n));
    if (gpuset_count(set) > LISTED_MOST) {
        put_runs(t, set, out);
    } else {
        topo_set_text(t, set, out);
    }
}

void put_gpu_words(const struct topo *t, struct gpuset set, struct buf *out) {
    buf_str(out, gpuset_count(set) == 1 ? "GPU " : "GPUs ");
    put_gpus(t, set, out);
}

void put_fault(const struct gpu *g, struct buf *out) {
    text_clean(out, (struct span){g->fault, strnlen(g->fault, GPU_FAULT_MAX)}, GPU_FAULT_MAX);
}

void pair_list_add(struct pair_list *l, unsigned a, unsigned b, const char *what) {
    if (l->n++ >= l->most) {
        return;
    }
    if (l->n == 1) {
        l->first = a;
        buf_str(l->out, "GPUs ");
    } else if (strcmp(l->said, what) == 0) {
        buf_str(l->out, ", ");
    } else {
        buf_fmt(l->out, ": %s; ", l->said);
    }
    buf_fmt(l->out, "%u-%u", (unsigned)l->t->gpu[a].index, (unsigned)l->t->gpu[b].index);
    struct buf said = BUF_OVER(l->said);
    buf_str(&said, what);
}

void pair_list_end(struct pair_list *l) {
    if (!l->n) {
        return;
    }
    buf_fmt(l->out, ": %s", l->said);
    if (l->n > l->most) {
        unsigned more = l->n - l->most;
        buf_fmt(l->out, ", and %u more pair%s", more, more == 1 ? "" : "s");
    }
}
