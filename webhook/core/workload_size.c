#include "topology/buf.h"
#include "webhook/core/expand.h"
#include "webhook/core/workload_parts.h"

bool size_parse(struct span value, uint32_t *out) {
    uint32_t n = 0;
    if (!span_u32(span_trim(value), SIZE_MAX_TP, &n) || n == 0) {
        return false;
    }
    *out = n;
    return true;
}

/* One size to be read: where it may stand and where it goes. */
struct size_ask {
    const struct reading *r;
    struct workload *w;
    enum evidence_field field;
    const engine_words *flags;
    const engine_words *env;
    struct size *out;
};

static bool bad_size(const char *where, struct span name, struct span value, struct err *e) {
    if (value.n == 0) {
        return err_at(e, ERR_INPUT, where, SPAN_FMT " wants a whole number above 0, found nothing",
                      SPAN_ARG(name));
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

static bool take_size(const struct size_ask *a, struct span name, struct span value,
                      const char *where, enum evidence_source source, struct err *e) {
    char text[64];
    struct buf b = BUF_OVER(text);
    struct size size = {true, 0};
    if (!word_size(a, value, &size) && !size_parse(value, &size.n)) {
        return bad_size(where, name, value, e);
    }
    buf_span(&b, span_upto(name, 60));
    workload_note_value(workload_note(a->w, a->field, source, text, where), value, !size.known);
    *a->out = size;
    return true;
}

static void take_unknown(const struct size_ask *a, const char *name, const char *why,
                         const char *where, enum evidence_source source) {
    workload_note_value(workload_note(a->w, a->field, source, name, where), span_of(why), true);
    *a->out = (struct size){false, 0};
}

/* From one argument vector. *done: it was there. */
static bool from_flags(const struct size_ask *a, const struct argv *v, unsigned first,
                       enum evidence_source source, const char *fixed_where, bool *done,
                       struct err *e) {
    struct arg arg;
    char where[96];
    char name[64];
    struct buf b = BUF_OVER(where);
    struct buf nb = BUF_OVER(name);
    arg_find(v, first, a->r->row, *a->flags, &arg);
    *done = arg.state != ARG_ABSENT;
    if (fixed_where) {
        buf_str(&b, fixed_where);
    } else {
        argv_where(v, arg.word, a->r->c, &b);
    }
    buf_span(&nb, span_upto(arg.name, 60));
    switch (arg.state) {
    case ARG_ABSENT:
        return true;
    case ARG_VALUE:
        return take_size(a, arg.name, arg.value, where, source, e);
    case ARG_UNKNOWN:
        take_unknown(a, name, arg.why, where, source);
        return true;
    case ARG_NO_VALUE:
        break;
    }
    return bad_size(where, arg.name, (struct span){"", 0}, e);
}

/* Environment that holds flags, split at spaces. */
static bool from_env_flags(const struct size_ask *a, bool *done, struct err *e) {
    for (unsigned i = 0; i < NAMES_MAX && a->r->row->env_flags[i] && !*done; i++) {
        char text[ENV_VALUE_MAX + 1];
        struct buf b = BUF_OVER(text);
        int at = -1;
        if (env_read(a->r->p, a->r->c, a->r->row->env_flags[i], &b, &at) != ENV_KNOWN) {
            continue;
        }
        struct argv v;
        argv_reset(&v);
        struct span rest = span_trim(buf_view(&b));
        while (rest.n) {
            struct span word = span_cut(&rest, ' ');
            if (word.n) {
                argv_put(&v, word);
                argv_end(&v, 0);
            }
        }
        char where[96];
        struct buf wb = BUF_OVER(where);
        container_path(a->r->c, &wb);
        buf_fmt(&wb, ".env[%d].value", at);
        if (!from_flags(a, &v, 0, FROM_ENV, where, done, e)) {
            return false;
        }
    }
    return true;
}

static bool from_env(const struct size_ask *a, bool *done, struct err *e) {
    for (unsigned i = 0; a->env && i < NAMES_MAX && (*a->env)[i] && !*done; i++) {
        const char *name = (*a->env)[i];
        char text[ENV_VALUE_MAX + 1];
        struct buf b = BUF_OVER(text);
        char where[96];
        struct buf wb = BUF_OVER(where);
        int at = -1;
        enum env_state state = env_read(a->r->p, a->r->c, name, &b, &at);
        if (state == ENV_ABSENT || (state == ENV_UNKNOWN && at < 0)) {
            continue;
        }
        container_path(a->r->c, &wb);
        buf_fmt(&wb, ".env[%d].value", at);
        *done = true;
        if (state == ENV_UNKNOWN) {
            take_unknown(a, name, "its value is not in the pod", where, FROM_ENV);
        } else if (!take_size(a, span_of(name), buf_view(&b), where, FROM_ENV, e)) {
            return false;
        }
    }
    return true;
}

static bool read_size(const struct size_ask *a, bool *done, struct err *e) {
    *done = false;
    if (!from_flags(a, &a->r->argv, a->r->first, FROM_FLAG, NULL, done, e)) {
        return false;
    }
    if (!*done && !from_env_flags(a, done, e)) {
        return false;
    }
    return *done || from_env(a, done, e);
}

/* "vllm-fp8-tp2-pp1": number behind "-tp" in a NIM profile. */
static bool profile_number(struct span profile, const char *tag, uint32_t *out) {
    size_t at = span_search(profile, tag);
    if (at == profile.n) {
        return false;
    }
    struct span s = span_from(profile, at + strlen(tag));
    size_t n = 0;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9') {
        n++;
    }
    return size_parse(span_upto(s, n), out);
}

/* Sizes that some engines keep in a text of their own. *done when found. */
static void from_text(const struct size_ask *a, bool *done) {
    struct span engine = span_of(a->r->row->name);
    bool tp = a->field == EV_TP;
    char text[ENV_VALUE_MAX + 1];
    struct buf b = BUF_OVER(text);
    uint32_t n = 0;
    if (span_is(engine, "nim") &&
        env_read(a->r->p, a->r->c, "NIM_MODEL_PROFILE", &b, NULL) == ENV_KNOWN &&
        profile_number(buf_view(&b), tp ? "-tp" : "-pp", &n)) {
        *a->out = (struct size){true, n};
        workload_note_value(workload_note(a->w, a->field, FROM_ENV, "NIM_MODEL_PROFILE", ""),
                            buf_view(&b), false);
        *done = true;
        return;
    }
    static const engine_words overrides = {"--overrides"};
    struct arg arg = {0};
    if (span_is(engine, "mlc")) {
        arg_find(&a->r->argv, a->r->first, a->r->row, overrides, &arg);
    }
    struct span value = arg.value;
    while (arg.state == ARG_VALUE && value.n) {
        struct span item = span_cut(&value, ';');
        struct span key = span_cut(&item, '=');
        if (span_is(key, tp ? "tensor_parallel_shards" : "pipeline_parallel_stages") &&
            size_parse(item, &n)) {
            *a->out = (struct size){true, n};
            workload_note_value(workload_note(a->w, a->field, FROM_FLAG, "--overrides", ""),
                                arg.value, false);
            *done = true;
        }
    }
}

/* llama.cpp is tensor parallel only when it splits rows. */
static bool splits_rows(const struct reading *r, struct arg *arg) {
    static const engine_words mode = {"--split-mode", "-sm"};
    char text[64];
    struct buf b = BUF_OVER(text);
    arg_find(&r->argv, r->first, r->row, mode, arg);
    struct span value = arg->value;
    if (arg->state == ARG_ABSENT &&
        env_read(r->p, r->c, "LLAMA_ARG_SPLIT_MODE", &b, NULL) == ENV_KNOWN) {
        value = buf_view(&b);
    }
    return span_is(value, "row") || span_is(value, "tensor");
}

static void visible_size(const struct size_ask *a, const char *why) {
    uint32_t visible = workload_visible(a->w);
    *a->out = (struct size){visible > 0, visible};
    workload_note_value(workload_note(a->w, a->field, FROM_DEFAULT, "", ""), span_of(why),
                        visible == 0);
}

/* Nobody said it. */
static void tp_absent(const struct size_ask *a, bool config) {
    const struct engine_row *row = a->r->row;
    struct arg arg;
    if (row->absent == ABSENT_NO_TP) {
        if (span_is(span_of(row->name), "llama.cpp") && splits_rows(a->r, &arg)) {
            visible_size(a, "split mode row: all visible GPUs");
            return;
        }
        *a->out = (struct size){true, 1};
        workload_note_value(workload_note(a->w, EV_TP, FROM_DEFAULT, "", ""),
                            SPAN("1: no tensor parallelism"), false);
    } else if (row->absent == ABSENT_UNKNOWN) {
        take_unknown(a, "", row->why_unknown, "", FROM_DEFAULT);
    } else if (config) {
        take_unknown(a, "--config", "a config file may say it, and cannot be read here", "",
                     FROM_CONFIG);
    } else if (a->r->opaque) {
        take_unknown(a, "", "the script that starts the engine cannot be read here", "",
                     FROM_NOTHING);
    } else if (arg_open_ended(&a->r->argv, a->r->first)) {
        take_unknown(a, "", "flags come from a variable that is not in the pod", "", FROM_NOTHING);
    } else if (row->absent == ABSENT_VISIBLE) {
        visible_size(a, "all visible GPUs");
    } else {
        *a->out = (struct size){true, 1};
        workload_note_value(workload_note(a->w, EV_TP, FROM_DEFAULT, "", ""), SPAN("1"), false);
    }
}

static bool read_tp(const struct reading *r, struct workload *w, struct err *e) {
    const struct size_ask a = {r, w, EV_TP, &r->row->tp, &r->row->env_tp, &w->tp};
    struct arg config;
    bool done = false;
    arg_find(&r->argv, r->first, r->row, r->row->config, &config);
    if (!read_size(&a, &done, e)) {
        return false;
    }
    if (!done) {
        from_text(&a, &done);
    }
    bool sharded = span_is(span_of(r->row->name), "tgi") && !done;
    if (sharded) {
        static const engine_words flag = {"--sharded"};
        char text[16];
        struct buf b = BUF_OVER(text);
        struct arg arg;
        arg_find(&r->argv, r->first, r->row, flag, &arg);
        struct span value = arg.value;
        if (arg.state == ARG_ABSENT && env_read(r->p, r->c, "SHARDED", &b, NULL) == ENV_KNOWN) {
            value = buf_view(&b);
        }
        if (span_is(value, "false")) {
            w->tp = (struct size){true, 1};
            workload_note_value(workload_note(w, EV_TP, FROM_ENV, "SHARDED", ""), SPAN("false"),
                                false);
            return true;
        }
    }
    bool unsure = config.state != ARG_ABSENT;
    if (!done) {
        tp_absent(&a, unsure);
    } else if (unsure && r->row->config_wins) {
        take_unknown(&a, "--config",
                     "the engine's config file wins over the flag, and cannot be read here", "",
                     FROM_CONFIG);
    } else if (r->row->env_beaten_by_count && workload_visible(w) > 1) {
        visible_size(&a, "all visible GPUs: this worker counts them itself");
    }
    return true;
}

/* pp, dp, cp, nodes: 1 unless said; unknown when the flags cannot all be seen. */
static bool read_other(const struct reading *r, struct workload *w, enum evidence_field f,
                       const engine_words *flags, const engine_words *env, struct size *out,
                       struct err *e) {
    const struct size_ask a = {r, w, f, flags, env, out};
    bool done = false;
    *out = (struct size){true, 1};
    if (!read_size(&a, &done, e)) {
        return false;
    }
    if (!done && f == EV_PP) {
        from_text(&a, &done);
    }
    if (!done && r->opaque && (*flags)[0]) {
        out->known = w->tp.known;
    }
    return true;
}

bool workload_sizes(const struct reading *r, struct workload *w, uint32_t *dp_local,
                    struct err *e) {
    const struct engine_row *row = r->row;
    struct size local = {true, 1};
    *dp_local = 0;
    if (!read_tp(r, w, e) || !read_other(r, w, EV_PP, &row->pp, &row->env_pp, &w->pp, e) ||
        !read_other(r, w, EV_DP, &row->dp, &row->env_dp, &w->dp, e) ||
        !read_other(r, w, EV_CP, &row->cp, NULL, &w->cp, e) ||
        !read_other(r, w, EV_NODES, &row->nodes, NULL, &w->nodes, e)) {
        return false;
    }
    struct arg arg;
    arg_find(&r->argv, r->first, row, row->dp_local, &arg);
    struct evidence dp = w->evidence[EV_DP];
    if (arg.state != ARG_ABSENT) {
        if (!read_other(r, w, EV_DP, &row->dp_local, NULL, &local, e)) {
            return false;
        }
        w->evidence[EV_DP] = dp;
        *dp_local = local.known ? local.n : 0;
    }
    return true;
}
