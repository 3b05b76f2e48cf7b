#include "topology/buf.h"
#include "webhook/core/expand.h"
#include "webhook/core/workload_parts.h"

/* A copy that outlives the reading. */
static struct span keep(struct workload *w, struct span s) {
    s = span_trim(s);
    if (s.n > sizeof w->text - w->n_text || span_marked(s)) {
        return (struct span){0};
    }
    char *at = w->text + w->n_text;
    if (s.n) {
        memcpy(at, s.p, s.n);
    }
    w->n_text = (uint16_t)(w->n_text + s.n);
    return (struct span){at, s.n};
}

static bool take(struct workload *w, enum evidence_field f, enum evidence_source source,
                 const char *name, const char *where, struct span value, struct span *out) {
    struct evidence *ev = workload_note(w, f, source, name, where);
    bool unknown = span_marked(value);
    workload_note_value(ev, unknown ? SPAN("only known inside the container") : value, unknown);
    *out = keep(w, value);
    return true;
}

static bool from_flag(const struct reading *r, struct workload *w, enum evidence_field f,
                      const engine_words flags, struct span *out) {
    struct arg arg;
    arg_find(&r->argv, r->first, r->row, flags, &arg);
    if (arg.state != ARG_VALUE && arg.state != ARG_UNKNOWN) {
        return false;
    }
    char where[96];
    char name[64];
    struct buf wb = BUF_OVER(where);
    struct buf nb = BUF_OVER(name);
    argv_where(&r->argv, arg.word, r->c, &wb);
    buf_span(&nb, span_upto(arg.name, 60));
    return take(w, f, FROM_FLAG, name, where, arg.state == ARG_VALUE ? arg.value : SPAN("\x01"),
                out);
}

static bool from_env(const struct reading *r, struct workload *w, enum evidence_field f,
                     const engine_words env, struct span *out) {
    for (unsigned i = 0; i < NAMES_MAX && env[i]; i++) {
        char text[ENV_VALUE_MAX + 1] NOINIT;
        struct buf b = BUF_OVER(text);
        struct reading_place at;
        if (reading_env(r, env[i], &b, &at) == ENV_KNOWN && b.n) {
            return take(w, f, FROM_ENV, env[i], at.where, buf_view(&b), out);
        }
    }
    return false;
}

/* nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8 -> meta/llama-3.1-8b-instruct */
static bool from_nim_image(const struct reading *r, struct workload *w) {
    struct span image = r->c->image;
    size_t at = span_search(image, "nvcr.io/nim/");
    if (at == image.n) {
        return false;
    }
    struct span name = span_from(image, at + strlen("nvcr.io/nim/"));
    name = span_upto(name, span_find(name, ':'));
    name = span_upto(name, span_find(name, '@'));
    return take(w, EV_MODEL, FROM_IMAGE, "image", "", name, &w->model);
}

static bool from_position(const struct reading *r, struct workload *w) {
    unsigned word = 0;
    if (!r->row->model_first || r->script_file || !arg_positional(&r->argv, r->first, &word)) {
        return false;
    }
    char where[96];
    struct buf wb = BUF_OVER(where);
    argv_where(&r->argv, word, r->c, &wb);
    return take(w, EV_MODEL, FROM_FLAG, "model", where, argv_word(&r->argv, word), &w->model);
}

void workload_model(const struct reading *r, struct workload *w) {
    const struct engine_row *row = r->row;
    bool model = from_flag(r, w, EV_MODEL, row->model, &w->model) || from_position(r, w) ||
                 from_env(r, w, EV_MODEL, row->env_model, &w->model) || from_nim_image(r, w);
    (void)model;
    if (!from_flag(r, w, EV_QUANT, row->quant, &w->quant)) {
        (void)from_env(r, w, EV_QUANT, row->env_quant, &w->quant);
    }
    if (!from_flag(r, w, EV_DTYPE, row->dtype, &w->dtype)) {
        (void)from_env(r, w, EV_DTYPE, row->env_dtype, &w->dtype);
    }
}
