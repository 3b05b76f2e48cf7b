#include "webhook/explain.h"

#include <time.h>

#include "webhook/codec/review.h"
#include "webhook/core/bind.h"

#define PICTURE_MAX ((size_t)64 * 1024)

struct gathering {
    struct arena *a;
    const struct draw_opts *draw;
    const char *subject;
    struct explained *out;
    struct explain_row *rows;
    unsigned cap;
    bool full; /* the arena ran out */
};

static const char *keep(struct arena *a, struct span s) {
    struct span copy = {0};
    return arena_span(a, s, &copy) ? copy.p : NULL;
}

static const char *set_words(struct arena *a, const struct node_view *v, struct gpuset set) {
    char text[512];
    struct buf b = BUF_OVER(text);
    if (v->topo) {
        topo_set_text(v->topo, set, &b);
    }
    return keep(a, buf_view(&b));
}

static const char *pair_words(struct arena *a, const struct node_view *v,
                              const struct node_answer *n) {
    char text[32];
    struct buf b = BUF_OVER(text);
    if (v->topo && n->bad_a != n->bad_b && n->bad_a < v->topo->n && n->bad_b < v->topo->n) {
        buf_u64(&b, v->topo->gpu[n->bad_a].index);
        buf_char(&b, '-');
        buf_u64(&b, v->topo->gpu[n->bad_b].index);
    }
    return keep(a, buf_view(&b));
}

static const char *summary_words(struct arena *a, const struct cluster_node_info *info) {
    char text[512];
    struct buf b = BUF_OVER(text);
    const struct node_view *v = info->view;
    if (v->topo && v->health) {
        draw_summary(v->topo, v->health, &b);
    } else if (v->topo_state == NODE_TOPO_INVALID) {
        buf_fmt(&b, "%u GPUs, wiring cannot be read: %s", v->gpus, info->problem);
    } else {
        buf_fmt(&b, "%u GPUs, no wiring annotated", v->gpus);
    }
    return keep(a, buf_view(&b));
}

static const char *draw_node(struct gathering *g, const struct cluster_node_info *info) {
    const struct node_view *v = info->view;
    struct buf b = buf_new(PICTURE_MAX);
    struct draw_opts o = *g->draw;
    o.busy = v->busy;
    o.show_use = true;
    if (info->answer->has_set) {
        o.marked = info->answer->set;
    }
    draw_matrix(v->topo, v->health, &o, &b);
    const char *text = buf_ok(&b) ? keep(g->a, buf_view(&b)) : "";
    buf_done(&b);
    return text;
}

static bool visit(void *ctx, const struct cluster_node_info *info) {
    struct gathering *g = ctx;
    const struct node_view *v = info->view;
    if (v->gpus == 0 && v->topo_state == NODE_TOPO_MISSING) {
        g->out->hidden++;
        return true;
    }
    if (g->out->n_rows == g->cap) {
        g->full = true;
        return false;
    }
    struct explain_row *r = &g->rows[g->out->n_rows++];
    *r = (struct explain_row){
        .name = keep(g->a, v->name),
        .answer = *info->answer,
        .set = info->answer->has_set ? set_words(g->a, v, info->answer->set) : "",
        .bad = pair_words(g->a, v, info->answer),
        .summary = summary_words(g->a, info),
        .why = keep(g->a, span_of(info->why)),
        .gpus = v->gpus,
        .used = v->used,
    };
    if (!r->name || !r->set || !r->bad || !r->summary || !r->why) {
        g->full = true;
        return false;
    }
    if (v->topo && v->health && span_is(v->name, g->subject)) {
        g->out->matrix = draw_node(g, info);
    }
    return true;
}

/* The node worth drawing: the one to blame when the pod cannot go anywhere or was refused, else the
 * best home. */
static const char *subject_of(const struct judgement *j) {
    const struct node_case *bad = &j->asked.nearest;
    const struct node_case *good = &j->asked.best;
    if (j->w.scope == SCOPE_NONE && !j->shape.pinned) {
        return "";
    }
    if (good->set && j->decision.verdict != VERDICT_DENY) {
        return good->name;
    }
    const struct node_case *off = &j->asked.kept_off.node;
    return off->set && !bad->product[0] ? off->name : bad->set ? bad->name : "";
}

static bool patch_of(const struct explained *x, struct arena *a, struct span *out, struct err *e) {
    const struct judgement *j = x->j;
    bool patched = j->decision.allowed && j->mode != MODE_AUDIT;
    if (!j->is_gpu_pod || !patched || x->unit->bare_spec) {
        return true;
    }
    struct policy policy = *x->policy;
    policy.mode = j->mode;
    char note[4096];
    struct buf annotation = BUF_OVER(note);
    struct admit_in in = {
        .pod = &x->unit->pod,
        .w = &j->w,
        .shape = &j->shape,
        .policy = &policy,
        .asked = &j->asked,
        .unpinned = j->has_unpinned ? &j->unpinned : NULL,
    };
    decision_annotation(&in, &j->decision, &annotation);
    char prefix[112];
    struct buf pre = BUF_OVER(prefix);
    struct span path = span_of(x->unit->path);
    while (path.n) {
        buf_char(&pre, '/');
        buf_span(&pre, span_cut(&path, '.'));
    }
    struct buf patch = buf_new((size_t)256 * 1024);
    const struct patch_ask ask = {
        .pod = &x->unit->pod,
        .decision = &j->decision,
        .policy = &policy,
        .annotation = buf_ok(&annotation) ? buf_view(&annotation) : (struct span){0},
        .gated = j->mode == MODE_ENFORCE && bind_decides(&j->shape) && !x->unit->pod.node_name.n,
        .prefix = prefix,
    };
    patch_build(&ask, &patch);
    bool done = buf_ok(&patch) && arena_span(a, buf_view(&patch), out);
    buf_done(&patch);
    return done || err_set(e, ERR_TOO_LARGE, "the patch does not fit");
}

bool explain_gather(struct cluster *c, const struct policy *policy, const struct unit *u,
                    const struct draw_opts *draw, struct arena *a, struct explained *out,
                    struct err *e) {
    struct cluster_stats stats;
    cluster_stats_get(c, &stats);
    struct judgement *j = ARENA_NEW(a, struct judgement, 1);
    struct explain_row *rows = ARENA_NEW(a, struct explain_row, stats.nodes);
    if (!j || !rows) {
        return err_set(e, ERR_TOO_LARGE, "out of room for %u nodes", stats.nodes);
    }
    int64_t now = (int64_t)time(NULL);
    judge_pod(c, policy, &u->pod, u->ns, now, j);
    *out = (struct explained){
        .unit = u, .policy = policy, .j = j, .row = rows, .subject = "", .matrix = ""};
    if (!j->is_gpu_pod || j->decision.code == REASON_IGNORED) {
        /* Nothing is decided from it; what the pod is, is still worth showing. */
        struct err unread = {0};
        return workload_read(&u->pod, &j->w, &unread) || unread.code == ERR_INPUT;
    }
    if (j->malformed) {
        return true;
    }
    struct gathering g = {.a = a,
                          .draw = draw,
                          .out = out,
                          .rows = rows,
                          .cap = stats.nodes,
                          .subject = subject_of(j)};
    out->subject = g.subject;
    const struct cluster_ask ask = {.shape = &j->shape, .pod = &u->pod, .now = now};
    cluster_each(c, &ask, visit, &g);
    if (g.full) {
        return err_set(e, ERR_TOO_LARGE, "out of room for %u nodes", stats.nodes);
    }
    return patch_of(out, a, &out->patch, e);
}
