#include "topology/jw.h"
#include "webhook/explain.h"

struct showing {
    bool json;
    struct buf *out;
    struct explain_running sum;
};

static void show_json(const struct cluster_landed *l, struct buf *out) {
    const struct landed_case *c = l->now;
    char text[512];
    struct buf line = BUF_OVER(text);
    struct jw w = jw_new(out, 0);
    bool bad = c->landed.code != REASON_NONE;
    landed_line(c, &line);
    jw_object(&w);
    jw_kv_u64(&w, "version", 1);
    jw_kv_str(&w, "kind", "RunningPod");
    jw_kv_span(&w, "namespace", l->ns);
    jw_kv_span(&w, "name", l->name);
    jw_kv_str(&w, "node", c->at.name);
    jw_kv_u64(&w, "tp", c->group.tp);
    jw_kv_u64(&w, "groups", c->group.groups);
    jw_kv_str(&w, "state", l->unknown ? "unknown" : bad ? "bad" : "healthy");
    jw_kv_str(&w, "code", bad ? reason_row((enum reason)c->landed.code)->code : "");
    jw_kv_str(&w, "gpus", c->at.gpus);
    jw_kv_str(&w, "pair", c->at.bad);
    jw_kv_str(&w, "sentence", buf_cstr(&line));
    jw_object_end(&w);
    buf_char(out, '\n');
}

static void show_text(const struct cluster_landed *l, struct buf *out) {
    const struct landed_case *c = l->now;
    bool bad = c->landed.code != REASON_NONE;
    if (!bad && !l->unknown) {
        return;
    }
    buf_fmt(out, SPAN_FMT "/" SPAN_FMT "  ", SPAN_ARG(l->ns), SPAN_ARG(l->name));
    landed_line(c, out);
    if (bad) {
        buf_fmt(out, " (%s)", reason_row((enum reason)c->landed.code)->code);
    }
    buf_char(out, '\n');
}

static bool show(void *ctx, const struct cluster_landed *l) {
    struct showing *s = ctx;
    s->sum.pods++;
    s->sum.unknown += l->unknown;
    s->sum.bad += l->now->landed.code != REASON_NONE;
    if (s->json) {
        show_json(l, s->out);
    } else {
        show_text(l, s->out);
    }
    return buf_ok(s->out);
}

struct explain_running explain_running(struct cluster *c, bool json, int64_t now, struct buf *out) {
    struct showing s = {.json = json, .out = out};
    cluster_each_running(c, now, show, &s);
    if (!json && s.sum.pods == 0) {
        buf_str(out, "No pod with a TP group runs.\n");
    } else if (!json) {
        buf_fmt(out, "%u pod%s with a TP group run%s: %u not on healthy NVLink", s.sum.pods,
                s.sum.pods == 1 ? "" : "s", s.sum.pods == 1 ? "s" : "", s.sum.bad);
        if (s.sum.unknown) {
            buf_fmt(out, ", %u cannot be told", s.sum.unknown);
        }
        buf_str(out, ".\n");
    }
    return s.sum;
}
