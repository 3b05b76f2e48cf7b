#include "webhook/core/workload.h"

#include "topology/buf.h"
#include "webhook/core/pin.h"
#include "webhook/core/workload_parts.h"

struct evidence *workload_note(struct workload *w, enum evidence_field f, enum evidence_source s,
                               const char *name, const char *where) {
    struct evidence *ev = &w->evidence[f];
    *ev = (struct evidence){.source = (uint8_t)s};
    struct buf nb = BUF_OVER(ev->name);
    struct buf wb = BUF_OVER(ev->where);
    buf_span(&nb, span_upto(span_of(name), sizeof ev->name - 1));
    buf_span(&wb, span_upto(span_of(where), sizeof ev->where - 1));
    return ev;
}

void workload_note_value(struct evidence *ev, struct span value, bool unknown) {
    struct buf b = BUF_OVER(ev->value);
    buf_span(&b, span_upto(value, sizeof ev->value - 1));
    ev->unknown = unknown;
}

/* ---- which container ---- */

/* 3 an engine with GPUs, 2 GPUs, 1 an engine or named GPUs, 0 neither. */
static unsigned rank(const struct pod *p, const struct container *c, struct reading *r) {
    reading_of(p, c, r);
    bool engine = r->row != NULL;
    if (workload_takes_gpus(c)) {
        return engine ? 3 : 2;
    }
    return engine ? 1 : 0;
}

static int choose_container(const struct pod *p, struct reading *r) {
    int best = -1;
    unsigned best_rank = 0;
    for (unsigned i = 0; i < p->n_containers; i++) {
        const struct container *c = &p->containers[i];
        if (c->init && !c->sidecar) {
            continue;
        }
        unsigned k = rank(p, c, r);
        if (best < 0 || k > best_rank) {
            best = (int)i;
            best_rank = k;
        }
    }
    if (best >= 0 && r->c != &p->containers[best]) {
        reading_of(p, &p->containers[best], r);
    }
    return best;
}

/* ---- said by hand ---- */

static bool by_hand(const struct pod *p, const char *key, enum evidence_field f, struct workload *w,
                    struct size *out, struct err *e) {
    struct span value = pod_annotation(p, key);
    if (!value.p) {
        return true;
    }
    struct size size = {true, 0};
    if (!size_parse(value, &size.n)) {
        char where[128];
        struct buf b = BUF_OVER(where);
        buf_fmt(&b, "metadata.annotations[%s]", key);
        return err_at(e, ERR_INPUT, where,
                      "%s wants a whole number above 0, found \"" SPAN_FMT "\"", key,
                      SPAN_ARG(span_upto(value, 64)));
    }
    workload_note_value(workload_note(w, f, FROM_ANNOTATION, key, "metadata.annotations"), value,
                        false);
    *out = size;
    return true;
}

static bool bad_annotation(const char *key, const char *wants, struct span found, struct err *e) {
    char where[128];
    struct buf b = BUF_OVER(where);
    buf_fmt(&b, "metadata.annotations[%s]", key);
    return err_at(e, ERR_INPUT, where, "%s wants %s, found \"" SPAN_FMT "\"", key, wants,
                  SPAN_ARG(span_upto(found, 64)));
}

static bool annotations(const struct pod *p, struct workload *w, struct err *e) {
    struct span weights = pod_annotation(p, ANN_WEIGHTS_GIB);
    struct span latency = pod_annotation(p, ANN_LATENCY);
    if (!by_hand(p, ANN_TP, EV_TP, w, &w->tp, e) || !by_hand(p, ANN_PP, EV_PP, w, &w->pp, e) ||
        !by_hand(p, ANN_DP, EV_DP, w, &w->dp, e)) {
        return false;
    }
    if (weights.p &&
        (!span_u32(span_trim(weights), 65536, &w->weights_gib) || w->weights_gib == 0)) {
        return bad_annotation(ANN_WEIGHTS_GIB, "whole GiB, 1 to 65536", weights, e);
    }
    if (latency.p && !span_is(latency, "true") && !span_is(latency, "false")) {
        return bad_annotation(ANN_LATENCY, "\"true\" or \"false\"", latency, e);
    }
    w->latency_critical = latency.p && span_is(latency, "true");
    return true;
}

/* ---- what follows ---- */

static struct size times(struct size a, struct size b) {
    uint64_t n = (uint64_t)a.n * b.n;
    bool known = a.known && b.known && n <= UINT32_MAX;
    return (struct size){known, known ? (uint32_t)n : 0};
}

static void derive(const struct reading *r, uint32_t dp_local, struct workload *w) {
    struct size one_rank = times(times(w->tp, w->pp), w->cp);
    bool inside =
        r->row &&
        (r->row->dp_inside ||
         (r->row->dp_inside_flag && arg_given(&r->argv, r->first, r->row, r->row->dp_inside_flag)));
    if (r->p->group_size > 1 && w->nodes.known && w->nodes.n == 1) {
        w->nodes = (struct size){true, r->p->group_size};
        workload_note_value(workload_note(w, EV_NODES, FROM_RESOURCES, "group size", ""),
                            SPAN("pods of the group"), false);
    }
    w->world = inside ? one_rank : times(one_rank, w->dp);
    uint32_t here = workload_visible(w);
    if (dp_local) {
        w->in_pod = times(one_rank, (struct size){true, dp_local});
    } else if (w->nodes.known && w->nodes.n > 1) {
        bool known = w->world.known;
        uint32_t part = known ? (w->world.n + w->nodes.n - 1) / w->nodes.n : 0;
        w->in_pod = (struct size){known, here && part > here ? here : part};
    } else {
        w->in_pod = w->world;
    }
    bool fills = r->row && r->row->fills_pod && w->tp.known && !dp_local;
    if (fills && here > w->in_pod.n) {
        w->in_pod = (struct size){true, here};
    }
}

static bool spans_pods(const struct reading *r, const struct workload *w) {
    static const engine_words executor = {"--distributed-executor-backend"};
    struct arg arg = {0};
    if (w->nodes.known && w->nodes.n > 1) {
        return true;
    }
    if (r->row) {
        arg_find(&r->argv, r->first, r->row, executor, &arg);
    }
    return r->ray || !w->nodes.known || (arg.state == ARG_VALUE && span_is(arg.value, "ray"));
}

static void find_scope(const struct reading *r, struct workload *w) {
    uint32_t here = workload_visible(w);
    if (!w->tp.known) {
        w->scope = SCOPE_UNKNOWN;
    } else if (w->tp.n == 1) {
        w->scope = SCOPE_NONE;
    } else if (here && w->tp.n > here && spans_pods(r, w)) {
        w->scope = SCOPE_MULTI;
    } else if (!w->nodes.known && r->row) {
        w->scope = SCOPE_UNKNOWN; /* the group may or may not go over the other pods */
    } else {
        w->scope = SCOPE_SINGLE;
    }
    bool parts = w->nodes.known && w->nodes.n == 1 && !r->ray;
    if (!parts && w->in_pod.known && here && w->in_pod.n > here) {
        w->in_pod.n = here; /* the rest runs in the other pods */
    }
}

/* No engine: one GPU cannot hold a TP group, with more nobody knows. */
static void without_engine(const struct reading *r, struct workload *w) {
    uint32_t here = workload_visible(w);
    w->pp = w->dp = w->cp = w->nodes = (struct size){true, 1};
    if (r->worker) {
        w->nodes = (struct size){r->p->group_size > 0, r->p->group_size};
        workload_note_value(workload_note(w, EV_TP, FROM_NOTHING, "", ""),
                            SPAN("belongs to the group of a leader"), true);
    } else if (here <= 1 && !w->claims && w->pin.kind != PIN_ALL && w->pin.kind != PIN_UNKNOWN) {
        w->tp = (struct size){true, 1};
        workload_note_value(workload_note(w, EV_TP, FROM_RESOURCES, "nvidia.com/gpu", ""),
                            here ? SPAN("1 GPU") : SPAN("no GPU"), false);
    } else {
        workload_note_value(workload_note(w, EV_TP, FROM_NOTHING, "", ""),
                            SPAN("no engine was recognised"), true);
    }
}

static void note_engine(const struct reading *r, struct workload *w) {
    char where[96];
    struct buf b = BUF_OVER(where);
    w->is_worker = r->worker && !r->row;
    w->engine = "";
    if (!r->row) {
        return;
    }
    w->engine_found = true;
    w->engine = r->row->name;
    if (r->by_image) {
        container_path(r->c, &b);
        buf_str(&b, ".image");
    } else {
        argv_where(&r->argv, r->first ? r->first - 1 : 0, r->c, &b);
    }
    workload_note_value(
        workload_note(w, EV_ENGINE, r->by_image ? FROM_IMAGE : FROM_FLAG, "", where),
        span_of(r->row->name), false);
}

static bool read_group(const struct reading *r, struct workload *w, struct err *e) {
    uint32_t dp_local = 0;
    if (r->row) {
        if (!workload_sizes(r, w, &dp_local, e)) {
            return false;
        }
        workload_model(r, w);
    } else {
        without_engine(r, w);
    }
    if (!annotations(r->p, w, e)) {
        return false;
    }
    derive(r, dp_local, w);
    find_scope(r, w);
    return true;
}

/* The spans of a copy point into the copy's own text. */
static struct span rebase(struct span s, const struct workload *from, struct workload *to) {
    bool ours = s.n && s.p >= from->text && s.p < from->text + sizeof from->text;
    return ours ? (struct span){to->text + (s.p - from->text), s.n} : s;
}

bool workload_read(const struct pod *p, struct workload *out, struct err *e) {
    struct reading r NOINIT;
    reading_init(&r);
    struct workload w = {.container = choose_container(p, &r), .engine = ""};
    static const struct container no_container = {.n_env = 0};
    r.p = p;
    r.c = r.c ? r.c : &no_container;
    workload_asks(p, &w);
    w.container_gpus = r.c->gpus;
    bool asks = w.gpus || w.mig || w.shared || w.other_gpus || w.claims;
    if (!pin_read(&r, asks, &w, e)) {
        return false;
    }
    note_engine(&r, &w);
    bool named = w.pin.kind == PIN_NODE || (w.pin.kind != PIN_NONE && (w.engine_found || asks));
    w.gpu_pod = asks || named;
    if (!read_group(&r, &w, e)) {
        return false;
    }
    *out = w;
    out->model = rebase(w.model, &w, out);
    out->quant = rebase(w.quant, &w, out);
    out->dtype = rebase(w.dtype, &w, out);
    return true;
}

const char *scope_name(enum scope s) {
    static const char *const names[] = {"none", "single", "multi", "unknown"};
    return names[(unsigned)s <= SCOPE_UNKNOWN ? s : SCOPE_UNKNOWN];
}

const char *evidence_field_name(enum evidence_field f) {
    static const char *const names[EV_FIELD_COUNT] = {
        [EV_ENGINE] = "engine", [EV_TP] = "tp",
        [EV_PP] = "pp",         [EV_DP] = "dp",
        [EV_CP] = "cp",         [EV_NODES] = "nodes",
        [EV_MODEL] = "model",   [EV_QUANT] = "quantization",
        [EV_DTYPE] = "dtype",   [EV_PIN] = "pin",
        [EV_GPUS] = "gpus",
    };
    return (unsigned)f < EV_FIELD_COUNT ? names[f] : "";
}

const char *evidence_source_name(enum evidence_source s) {
    static const char *const names[FROM_SOURCE_COUNT] = {
        "", "flag", "env", "config", "annotation", "image", "resources", "default"};
    return (unsigned)s < FROM_SOURCE_COUNT ? names[s] : "";
}
