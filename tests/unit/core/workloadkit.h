/* Readings of pods, checked against a line of words: each word of `reads` ("tp=2", "model=m", ? for
 * unknown) must be among those that describe the workload. */
#ifndef TPGUARD_TESTS_WORKLOADKIT_H
#define TPGUARD_TESTS_WORKLOADKIT_H

#include "tests/tap.h"
#include "tests/unit/core/podkit.h"
#include "topology/buf.h"
#include "webhook/core/workload.h"

#define SH(...) .command = {"/bin/bash", "-c"}, .args = {__VA_ARGS__}

struct reading_row {
    const char *what;
    struct podkit kit;
    const char *reads;
};

static inline void workloadkit_size(struct buf *out, const char *name, struct size s) {
    buf_fmt(out, " %s=", name);
    if (s.known) {
        buf_u64(out, s.n);
    } else {
        buf_char(out, '?');
    }
}

static inline void workloadkit_text(struct buf *out, const char *name, struct span s) {
    buf_fmt(out, " %s=" SPAN_FMT, name, SPAN_ARG(s));
}

static inline void workloadkit_describe(const struct workload *w, struct buf *out) {
    buf_fmt(out, "engine=%s", w->engine);
    workloadkit_size(out, "tp", w->tp);
    workloadkit_size(out, "pp", w->pp);
    workloadkit_size(out, "dp", w->dp);
    workloadkit_size(out, "cp", w->cp);
    workloadkit_size(out, "world", w->world);
    workloadkit_size(out, "in", w->in_pod);
    workloadkit_size(out, "nodes", w->nodes);
    buf_fmt(out, " scope=%s", scope_name((enum scope)w->scope));
    workloadkit_text(out, "model", w->model);
    workloadkit_text(out, "quant", w->quant);
    workloadkit_text(out, "dtype", w->dtype);
    buf_fmt(out, " pin=%u/%u gpu=%d worker=%d mig=%u", w->pin.kind, w->pin.n, w->gpu_pod,
            w->is_worker, w->mig);
    buf_str(out, w->visible_known ? " visible=" : "");
    for (unsigned i = 0; w->visible_known && i < w->n_order; i++) {
        buf_fmt(out, "%s%u", i ? "," : "", w->order[i]);
    }
}

static inline bool workloadkit_has(struct span words, struct span word) {
    while (words.n) {
        if (span_eq(span_cut(&words, ' '), word)) {
            return true;
        }
    }
    return false;
}

static inline void workloadkit_check(const struct reading_row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct podkit_room room;
        struct workload w = {0};
        struct err e = {0};
        char text[1024];
        struct buf b = BUF_OVER(text);
        if (!ok(workload_read(podkit_build(&rows[i].kit, &room), &w, &e), "%s: is read (%s %s)",
                rows[i].what, e.path, e.msg)) {
            continue;
        }
        workloadkit_describe(&w, &b);
        bool all = true;
        struct span want = span_of(rows[i].reads);
        while (want.n) {
            all = workloadkit_has(buf_view(&b), span_cut(&want, ' ')) && all;
        }
        ok(all, "%s: wants %s, reads %s", rows[i].what, rows[i].reads, buf_cstr(&b));
        bool by_hand = w.evidence[EV_TP].source == FROM_ANNOTATION;
        ok(by_hand || w.tp.known != w.evidence[EV_TP].unknown,
           "%s: the evidence says whether TP is known", rows[i].what);
    }
}

#endif
