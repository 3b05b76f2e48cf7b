#include "topology/buf.h"
#include "webhook/core/workload_parts.h"

bool size_parse(struct span value, uint32_t *out) {
    uint32_t n = 0;
    if (!span_u32(span_trim(value), SIZE_MAX_TP, &n) || n == 0) {
        return false;
    }
    *out = n;
    return true;
}

static const engine_words no_words;

static const engine_words *flags_of(const struct engine_row *row, enum evidence_field f) {
    switch ((unsigned)f) {
    case EV_TP:
        return &row->tp;
    case EV_PP:
        return &row->pp;
    case EV_DP:
        return &row->dp;
    case EV_CP:
        return &row->cp;
    case EV_NODES:
        return &row->nodes;
    default:
        return &no_words;
    }
}

static const engine_words *env_of(const struct engine_row *row, enum evidence_field f) {
    switch ((unsigned)f) {
    case EV_TP:
        return &row->env_tp;
    case EV_PP:
        return &row->env_pp;
    case EV_DP:
        return &row->env_dp;
    case EV_NODES:
        return &row->env_nodes;
    default:
        return &no_words;
    }
}

static bool bad_size(const char *where, struct span name, struct span value, struct err *e) {
    if (value.n == 0) {
        return err_at(e, ERR_INPUT, where, SPAN_FMT " wants a whole number above 0, found nothing",
                      SPAN_ARG(span_upto(name, 64)));
    }
    return err_at(e, ERR_INPUT, where,
                  SPAN_FMT " wants a whole number above 0, found \"" SPAN_FMT "\"",
                  SPAN_ARG(span_upto(name, 64)), SPAN_ARG(span_upto(value, 64)));
}

/* Words that stand for a number with some engines: max (DJL), auto (xinference: one GPU, by its own
 * help text). */
static bool word_size(const struct size_ask *a, struct span value, struct size *out) {
    if (span_is(value, "max")) {
        uint32_t visible = workload_visible(a->w);
        *out = (struct size){visible > 0, visible};
        return true;
    }
    if (span_is(value, "auto")) {
        bool one = span_is(span_of(a->r->row->name), "xinference");
        *out = (struct size){one, one ? 1 : 0};
        return true;
    }
    return false;
}

void size_take_unknown(const struct size_ask *a, const char *name, const char *why,
                       const char *where, enum evidence_source source) {
    workload_note_value(workload_note(a->w, a->field, source, name, where), span_of(why), true);
    *a->out = (struct size){false, 0};
}

void size_take_visible(const struct size_ask *a, const char *why) {
    uint32_t visible = workload_visible(a->w);
    bool known = visible > 0 && visible <= SIZE_MAX_TP;
    *a->out = (struct size){known, known ? visible : 0};
    workload_note_value(workload_note(a->w, a->field, FROM_DEFAULT, "", ""), span_of(why), !known);
}

bool size_take(const struct size_ask *a, struct span name, struct span value, const char *where,
               enum evidence_source source, struct err *e) {
    char text[64];
    char why[160];
    struct buf b = BUF_OVER(text);
    struct buf wb = BUF_OVER(why);
    struct size size = {true, 0};
    buf_span(&b, span_upto(name, 60));
    if (span_find(value, '$') < value.n) {
        /* $(TP) that nobody defines, $TP outside a shell: the engine may get it as it stands. */
        buf_fmt(&wb, "\"" SPAN_FMT "\" stands there unexpanded", SPAN_ARG(span_upto(value, 64)));
        size_take_unknown(a, buf_cstr(&b), buf_cstr(&wb), where, source);
        return true;
    }
    if (a->field == EV_NODES && span_find(value, ':') < value.n) {
        size_take_unknown(a, buf_cstr(&b), "a range of nodes", where, source); /* torchrun's 2:4 */
        return true;
    }
    if (!word_size(a, value, &size) && !size_parse(value, &size.n)) {
        return bad_size(where, name, value, e);
    }
    if (size.known && size.n > SIZE_MAX_TP) {
        size = (struct size){false, 0};
    }
    workload_note_value(workload_note(a->w, a->field, source, buf_cstr(&b), where), value,
                        !size.known);
    *a->out = size;
    return true;
}

/* What the flag said, if it was there. */
static bool take_arg(const struct size_ask *a, const struct arg *arg, const char *where,
                     enum evidence_source source, struct err *e) {
    char name[64];
    struct buf nb = BUF_OVER(name);
    buf_span(&nb, span_upto(arg->name, 60));
    switch (arg->state) {
    case ARG_ABSENT:
        return true;
    case ARG_VALUE:
        return size_take(a, arg->name, arg->value, where, source, e);
    case ARG_UNKNOWN:
        size_take_unknown(a, name, arg->why, where, source);
        return true;
    case ARG_NO_VALUE:
        break;
    }
    return bad_size(where, arg->name, (struct span){"", 0}, e);
}

static bool from_flags(const struct size_ask *a, const engine_words *flags, bool *done,
                       struct err *e) {
    struct arg arg;
    char where[96];
    struct buf b = BUF_OVER(where);
    arg_find(&a->r->argv, a->r->first, a->r->row, *flags, &arg);
    *done = arg.state != ARG_ABSENT;
    argv_where(&a->r->argv, arg.word, a->r->c, &b);
    return take_arg(a, &arg, where, FROM_FLAG, e);
}

/* The words of a text, split at spaces. */
static void split_words(struct span text, struct argv *v) {
    argv_reset(v, ARGV_TEXT_MAX);
    struct span rest = span_trim(text);
    while (rest.n) {
        struct span word = span_cut(&rest, ' ');
        if (word.n) {
            argv_put(v, word);
            argv_end(v, 0);
        }
    }
}

/* Environment that holds flags. */
static bool from_env_flags(const struct size_ask *a, bool *done, struct err *e) {
    for (unsigned i = 0; i < NAMES_MAX && a->r->row->env_flags[i] && !*done; i++) {
        char text[ENV_VALUE_MAX + 1] NOINIT;
        struct buf b = BUF_OVER(text);
        struct reading_place at;
        if (reading_env(a->r, a->r->row->env_flags[i], &b, &at) != ENV_KNOWN) {
            continue;
        }
        struct argv v NOINIT;
        struct arg arg;
        split_words(buf_view(&b), &v);
        arg_find(&v, 0, a->r->row, *flags_of(a->r->row, a->field), &arg);
        *done = arg.state != ARG_ABSENT;
        if (!take_arg(a, &arg, at.where, FROM_ENV, e)) {
            return false;
        }
    }
    return true;
}

static bool from_env(const struct size_ask *a, bool *done, struct err *e) {
    const engine_words *env = env_of(a->r->row, a->field);
    for (unsigned i = 0; i < NAMES_MAX && (*env)[i] && !*done; i++) {
        const char *name = (*env)[i];
        char text[ENV_VALUE_MAX + 1] NOINIT;
        struct buf b = BUF_OVER(text);
        struct reading_place at;
        enum env_state state = reading_env(a->r, name, &b, &at);
        if (state == ENV_ABSENT || !at.here) {
            continue;
        }
        *done = true;
        if (state == ENV_UNKNOWN) {
            size_take_unknown(a, name, "its value is not in the pod", at.where, FROM_ENV);
        } else if (!size_take(a, span_of(name), buf_view(&b), at.where, FROM_ENV, e)) {
            return false;
        }
    }
    return true;
}

/* A flag that another engine spells so, or this one with other dashes: this one does not take it,
 * and what it was to say is not what it does. */
static bool from_foreign_flag(const struct size_ask *a) {
    const struct reading *r = a->r;
    struct arg arg = {0};
    bool found = false;
    for (unsigned i = 0; !found && i < engine_rows_count; i++) {
        found = arg_resembles(&r->argv, r->first, *flags_of(&engine_rows[i], a->field), &arg);
    }
    if (!found) {
        return false;
    }
    char name[64];
    char why[160];
    char where[96];
    struct buf nb = BUF_OVER(name);
    struct buf yb = BUF_OVER(why);
    struct buf wb = BUF_OVER(where);
    buf_span(&nb, span_upto(arg.name, 60));
    buf_fmt(&yb, "%s does not take this flag", r->row->name);
    argv_where(&r->argv, arg.word, r->c, &wb);
    size_take_unknown(a, name, why, where, FROM_FLAG);
    return true;
}

bool size_read(const struct size_ask *a, bool *done, struct err *e) {
    *done = false;
    if (!from_flags(a, flags_of(a->r->row, a->field), done, e)) {
        return false;
    }
    *done = *done || from_foreign_flag(a);
    if (!*done && !from_env_flags(a, done, e)) {
        return false;
    }
    return *done || from_env(a, done, e);
}

/* pp, dp, cp, nodes: 1 unless said; unknown when the flags cannot all be seen. */
static bool read_other(const struct reading *r, struct workload *w, enum evidence_field f,
                       struct size *out, struct err *e) {
    const struct size_ask a = {r, w, f, out};
    bool done = false;
    *out = (struct size){true, 1};
    if (!size_from_json(&a, &done, e) || (!done && !size_read(&a, &done, e)) ||
        (!done && !size_from_text(&a, &done, e))) {
        return false;
    }
    if (!done && r->opaque && (*flags_of(r->row, f))[0]) {
        out->known = w->tp.known;
    }
    return true;
}

/* NIM_MULTI_NODE without a count. */
static void several_nodes(const struct reading *r, struct workload *w) {
    const struct size_ask a = {r, w, EV_NODES, &w->nodes};
    for (unsigned i = 0; i < NAMES_MAX && r->row->env_multi[i]; i++) {
        char text[16];
        struct buf b = BUF_OVER(text);
        struct reading_place at;
        enum env_state state = reading_env(r, r->row->env_multi[i], &b, &at);
        bool on = span_is(buf_view(&b), "1") || span_ieq(buf_view(&b), SPAN("true"));
        if (at.here && (state == ENV_UNKNOWN || (state == ENV_KNOWN && on)) &&
            w->evidence[EV_NODES].source == FROM_NOTHING) {
            size_take_unknown(&a, r->row->env_multi[i], "how many nodes is not said", at.where,
                              FROM_ENV);
        }
    }
}

/* server.py leader --gpu_per_node=8: as many nodes as the ranks fill. */
static bool nodes_by_part(const struct reading *r, struct workload *w, struct err *e) {
    struct size part = {true, 1};
    const struct size_ask a = {r, w, EV_NODES, &part};
    bool done = false;
    if (!from_flags(&a, &r->row->per_node, &done, e)) {
        return false;
    }
    if (done && (!part.known || !w->tp.known || !w->pp.known)) {
        w->nodes = (struct size){false, 0};
    } else if (done) {
        uint32_t world = w->tp.n * w->pp.n;
        w->nodes = (struct size){true, (world + part.n - 1) / part.n};
    }
    return true;
}

static bool read_dp_local(const struct reading *r, struct workload *w, uint32_t *dp_local,
                          struct err *e) {
    struct size local = {true, 1};
    struct evidence dp = w->evidence[EV_DP];
    const struct size_ask a = {r, w, EV_DP, &local};
    bool done = false;
    bool ok = from_flags(&a, &r->row->dp_local, &done, e);
    w->evidence[EV_DP] = dp;
    *dp_local = ok && done && local.known ? local.n : 0;
    return ok;
}

bool workload_sizes(const struct reading *r, struct workload *w, uint32_t *dp_local,
                    struct err *e) {
    if (!workload_tp(r, w, e) || !read_other(r, w, EV_PP, &w->pp, e) ||
        !read_other(r, w, EV_DP, &w->dp, e) || !read_other(r, w, EV_CP, &w->cp, e) ||
        !read_other(r, w, EV_NODES, &w->nodes, e)) {
        return false;
    }
    several_nodes(r, w);
    bool alone = w->nodes.known && w->nodes.n == 1 && r->p->group_size <= 1;
    bool picked = w->evidence[EV_TP].source == FROM_DEFAULT && r->row->picks_visible;
    if (!w->tp.known && picked && alone && workload_visible(w) == 1) {
        const struct size_ask a = {r, w, EV_TP, &w->tp};
        size_take_visible(&a, "1: no more GPUs are visible");
    }
    return nodes_by_part(r, w, e) && read_dp_local(r, w, dp_local, e);
}
