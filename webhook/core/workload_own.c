#include "topology/buf.h"
#include "webhook/core/workload_parts.h"

static bool is_engine(const struct size_ask *a, const char *name) {
    return span_is(span_of(a->r->row->name), name);
}

static void where_of(const struct size_ask *a, const struct arg *arg, char out[96]) {
    struct buf b = buf_over(out, 96);
    argv_where(&a->r->argv, arg->word, a->r->c, &b);
}

static void name_of(const struct arg *arg, char out[64]) {
    struct buf b = buf_over(out, 64);
    buf_span(&b, span_upto(arg->name, 60));
}

/* {"tensor_parallel_size": 4}: the number behind the key; an empty span when it is none. */
static bool json_number(struct span json, const char *key, struct span *out) {
    size_t at = span_search(json, key);
    if (at == json.n) {
        return false;
    }
    struct span s = span_trim(span_from(json, at + strlen(key)));
    bool colon = s.n && s.p[0] == ':';
    s = span_trim(span_from(s, 1));
    size_t n = 0;
    while (colon && n < s.n && s.p[n] != ',' && s.p[n] != '}') {
        n++;
    }
    *out = span_trim(span_upto(s, n));
    return true;
}

bool size_from_json(const struct size_ask *a, bool *done, struct err *e) {
    const char *key = a->field == EV_TP   ? "\"tensor_parallel_size\""
                      : a->field == EV_PP ? "\"pipeline_parallel_size\""
                                          : NULL;
    struct arg arg = {0};
    struct span value = {"", 0};
    char where[96];
    char name[64];
    if (!key || !a->r->row->json[0]) {
        return true;
    }
    arg_find(&a->r->argv, a->r->first, a->r->row, a->r->row->json, &arg);
    where_of(a, &arg, where);
    name_of(&arg, name);
    if (arg.state == ARG_UNKNOWN) {
        size_take_unknown(a, name, arg.why, where, FROM_FLAG);
        *done = true;
    } else if (arg.state == ARG_VALUE && json_number(arg.value, key, &value)) {
        *done = true;
        return size_take(a, arg.name, value, where, FROM_FLAG, e);
    }
    return true;
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

static void from_profile(const struct size_ask *a, bool *done) {
    char text[256];
    struct buf b = BUF_OVER(text);
    struct reading_place at;
    uint32_t n = 0;
    if (reading_env(a->r, "NIM_MODEL_PROFILE", &b, &at) == ENV_KNOWN &&
        profile_number(buf_view(&b), a->field == EV_TP ? "-tp" : "-pp", &n)) {
        *a->out = (struct size){true, n};
        workload_note_value(workload_note(a->w, a->field, FROM_ENV, "NIM_MODEL_PROFILE", at.where),
                            buf_view(&b), false);
        *done = true;
    }
}

/* MLC's --overrides "tensor_parallel_shards=2;..."; the last one wins. */
static bool from_overrides(const struct size_ask *a, bool *done, struct err *e) {
    static const engine_words flag = {"--overrides"};
    const char *want = a->field == EV_TP ? "tensor_parallel_shards" : "pipeline_parallel_stages";
    struct arg arg = {0};
    char where[96];
    arg_find(&a->r->argv, a->r->first, a->r->row, flag, &arg);
    where_of(a, &arg, where);
    if (arg.state == ARG_UNKNOWN) {
        size_take_unknown(a, "--overrides", arg.why, where, FROM_FLAG);
        *done = true;
        return true;
    }
    struct span value = arg.value;
    while (arg.state == ARG_VALUE && value.n) {
        struct span item = span_cut(&value, ';');
        struct span key = span_trim(span_cut(&item, '='));
        if (!span_is(key, want)) {
            continue;
        }
        *done = true;
        if (!size_take(a, key, item, where, FROM_FLAG, e)) {
            return false;
        }
    }
    return true;
}

bool size_from_text(const struct size_ask *a, bool *done, struct err *e) {
    if (a->field != EV_TP && a->field != EV_PP) {
        return true;
    }
    if (is_engine(a, "nim")) {
        from_profile(a, done);
    }
    return !is_engine(a, "mlc") || from_overrides(a, done, e);
}

/* A mode said by flag, else by environment; ENV_UNKNOWN when it is there and cannot be told. */
static enum env_state mode_of(const struct size_ask *a, const engine_words flags, const char *env,
                              struct buf *out) {
    struct arg arg;
    struct reading_place at;
    arg_find(&a->r->argv, a->r->first, a->r->row, flags, &arg);
    if (arg.state == ARG_VALUE) {
        buf_span(out, arg.value);
        return buf_ok(out) ? ENV_KNOWN : ENV_UNKNOWN;
    }
    if (arg.state != ARG_ABSENT) {
        return ENV_UNKNOWN;
    }
    enum env_state state = reading_env(a->r, env, out, &at);
    return state == ENV_UNKNOWN && !at.here ? ENV_ABSENT : state;
}

/* "CUDA0,CUDA1": how many devices -dev names; 0 not said. */
static uint32_t devices_named(const struct size_ask *a) {
    static const engine_words flags = {"-dev", "--device"};
    char text[512];
    struct buf b = BUF_OVER(text);
    if (mode_of(a, flags, "LLAMA_ARG_DEVICE", &b) != ENV_KNOWN) {
        return 0;
    }
    struct span rest = buf_view(&b);
    uint32_t n = 0;
    while (rest.n) {
        n += span_cut(&rest, ',').n > 0;
    }
    return n;
}

/* --split-mode=row: llama.cpp's parser knows whole words only. */
static bool split_mode_glued(const struct size_ask *a) {
    for (unsigned i = a->r->first; i < a->r->argv.n; i++) {
        struct span w = argv_word(&a->r->argv, i);
        if (span_starts(w, "--split-mode=") || span_starts(w, "--split_mode=") ||
            span_starts(w, "-sm=")) {
            return true;
        }
    }
    return false;
}

static void by_split_mode(const struct size_ask *a, bool *done) {
    static const engine_words flags = {"--split-mode", "-sm"};
    char text[64];
    struct buf b = BUF_OVER(text);
    enum env_state state = mode_of(a, flags, "LLAMA_ARG_SPLIT_MODE", &b);
    uint32_t n = devices_named(a);
    *done = true;
    if (state == ENV_UNKNOWN || split_mode_glued(a)) {
        size_take_unknown(a, "--split-mode", "how llama.cpp splits the model cannot be told", "",
                          FROM_NOTHING);
    } else if (!span_is(buf_view(&b), "row") && !span_is(buf_view(&b), "tensor")) {
        *done = false;
    } else if (n && n <= SIZE_MAX_TP) {
        *a->out = (struct size){true, n};
        workload_note_value(workload_note(a->w, EV_TP, FROM_FLAG, "--device", ""),
                            SPAN("split by rows over the named devices"), false);
    } else {
        size_take_visible(a, "split mode row: all visible GPUs");
    }
}

static void by_sharded(const struct size_ask *a, bool *done) {
    static const engine_words flags = {"--sharded"};
    char text[16];
    struct buf b = BUF_OVER(text);
    if (mode_of(a, flags, "SHARDED", &b) == ENV_KNOWN && span_is(buf_view(&b), "false")) {
        *a->out = (struct size){true, 1};
        workload_note_value(workload_note(a->w, EV_TP, FROM_ENV, "SHARDED", ""), SPAN("false"),
                            false);
        *done = true;
    }
}

void size_by_mode(const struct size_ask *a, bool *done) {
    if (is_engine(a, "llama.cpp")) {
        by_split_mode(a, done);
    } else if (is_engine(a, "tgi") || is_engine(a, "lorax")) {
        by_sharded(a, done);
    }
}
