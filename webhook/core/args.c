#include "webhook/core/args.h"

/* Long flags of the argparse engines that share a beginning with those we read: an abbreviation
 * that fits two of them is refused by the engine. Only beginnings of --t, --p, --d, --m, --q, --n
 * matter here. */
static const char *const neighbours[] = {
    "--tensor-parallel-size",
    "--pipeline-parallel-size",
    "--data-parallel-size",
    "--data-parallel-size-local",
    "--data-parallel-rank",
    "--data-parallel-address",
    "--data-parallel-rpc-port",
    "--data-parallel-backend",
    "--data-parallel-start-rank",
    "--data-parallel-hybrid-lb",
    "--prefill-context-parallel-size",
    "--decode-context-parallel-size",
    "--tokenizer",
    "--tokenizer-mode",
    "--trust-remote-code",
    "--tool-call-parser",
    "--task",
    "--port",
    "--dtype",
    "--device",
    "--download-dir",
    "--disable-log-stats",
    "--model",
    "--max-model-len",
    "--max-num-seqs",
    "--max-num-batched-tokens",
    "--quantization",
    "--nnodes",
    "--node-rank",
    "--config",
    "--config-format",
    "--enable-expert-parallel",
    "--enable-prefix-caching",
    "--tp-size",
    "--pp-size",
    "--pp-max-micro-batch-size",
    "--pp-async-batch-depth",
    "--dp-size",
    "--model-path",
    "--model-impl",
    "--enable-dp-attention",
    "--tensor-model-parallel-size",
    "--pipeline-model-parallel-size",
    "--context-parallel-size",
};
#define FLAG_MAX 64

/* The flag's name as the parser sees it: "_" becomes "-" before the first "." where it does so. */
static struct span normal(const struct engine_row *row, struct span name, char out[FLAG_MAX]) {
    bool underscores = row->parser == PARSE_FLEXIBLE || row->parser == PARSE_EXACT;
    if (!underscores || name.n >= FLAG_MAX || !span_starts(name, "--")) {
        return name;
    }
    bool dot = false;
    for (size_t i = 0; i < name.n; i++) {
        dot = dot || name.p[i] == '.';
        out[i] = !dot && name.p[i] == '_' ? '-' : name.p[i];
    }
    return (struct span){out, name.n};
}

static bool listed(const engine_words names, struct span name) {
    for (unsigned i = 0; i < NAMES_MAX && names[i]; i++) {
        if (span_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* The row's own names are normalised as well: kserve spells --model_id. */
static bool listed_flexible(const struct engine_row *row, const engine_words names,
                            struct span name) {
    char text[FLAG_MAX];
    for (unsigned i = 0; i < NAMES_MAX && names[i]; i++) {
        if (span_eq(name, normal(row, span_of(names[i]), text))) {
            return true;
        }
    }
    return listed(names, name);
}

static bool is_neighbour(struct span name) {
    for (unsigned i = 0; i < sizeof neighbours / sizeof neighbours[0]; i++) {
        if (span_is(name, neighbours[i])) {
            return true;
        }
    }
    return false;
}

/* Whose flag it is: an abbreviation is only ambiguous among the flags of one engine. */
static bool row_may_have(const struct engine_row *row, const char *flag) {
    static const char *const only_sglang[] = {
        "--tp-size", "--pp-size",    "--pp-max-micro-batch-size", "--pp-async-batch-depth",
        "--dp-size", "--model-path", "--enable-dp-attention"};
    for (unsigned i = 0; i < sizeof only_sglang / sizeof only_sglang[0]; i++) {
        if (strcmp(flag, only_sglang[i]) == 0) {
            return row->dp_inside_flag != NULL;
        }
    }
    bool megatron = strcmp(row->name, "megatron") == 0;
    bool its_flag = span_has(span_of(flag), "-model-parallel-size") ||
                    strcmp(flag, "--context-parallel-size") == 0;
    return megatron == its_flag;
}

enum likeness { LIKE_NO = 0, LIKE_YES, LIKE_SEVERAL };

static enum likeness abbreviates(const struct engine_row *row, const engine_words names,
                                 struct span name) {
    bool argparse = row->parser == PARSE_ARGPARSE || row->parser == PARSE_FLEXIBLE;
    if (!argparse || name.n < 3 || !span_starts(name, "--") || is_neighbour(name)) {
        return LIKE_NO;
    }
    bool ours = false;
    for (unsigned i = 0; i < NAMES_MAX && names[i]; i++) {
        ours = ours || span_eq(span_upto(span_of(names[i]), name.n), name);
    }
    for (unsigned i = 0; ours && i < sizeof neighbours / sizeof neighbours[0]; i++) {
        bool fits = span_eq(span_upto(span_of(neighbours[i]), name.n), name);
        if (fits && row_may_have(row, neighbours[i]) && !listed(names, span_of(neighbours[i]))) {
            return LIKE_SEVERAL;
        }
    }
    return ours ? LIKE_YES : LIKE_NO;
}

static enum likeness flag_is(const struct engine_row *row, const engine_words names,
                             struct span name) {
    char text[FLAG_MAX];
    struct span n = normal(row, name, text);
    return listed_flexible(row, names, n) ? LIKE_YES : abbreviates(row, names, n);
}

/* A word that argparse takes for a flag, not for a value. */
static bool looks_like_flag(struct span w) {
    return w.n > 1 && w.p[0] == '-' && !(w.p[1] >= '0' && w.p[1] <= '9') && w.p[1] != '.' &&
           span_find(w, ' ') == w.n;
}

static void take(unsigned i, struct span name, struct span value, struct arg *out) {
    *out = (struct arg){.state = ARG_VALUE, .name = name, .value = value, .word = i};
    if (span_marked(value)) {
        out->state = ARG_UNKNOWN;
        out->why = "its value is only known inside the container";
    }
}

static void take_unclear(unsigned i, struct span name, const char *why, struct arg *out) {
    *out = (struct arg){.state = ARG_UNKNOWN, .name = name, .word = i, .why = why};
}

static size_t find_space(struct span w) {
    size_t n = 0;
    while (n < w.n && !span_is_space(w.p[n])) {
        n++;
    }
    return n;
}

/* "--port 80 --tensor-parallel-size 2" as one word: is the flag among its parts? */
static bool hides_flag(const struct engine_row *row, const engine_words names, struct span w,
                       struct span *name) {
    while (w.n) {
        struct span part = span_upto(w, find_space(w));
        w = span_from(w, part.n + 1);
        *name = span_upto(part, span_find(part, '='));
        if (name->n > 1 && name->p[0] == '-' && flag_is(row, names, *name) != LIKE_NO) {
            return true;
        }
    }
    return false;
}

/* Takes word i, and the next one as its value, if it is the flag. */
static unsigned take_word(const struct argv *v, unsigned i, const struct engine_row *row,
                          const engine_words names, struct arg *out) {
    struct span w = argv_word(v, i);
    struct span name;
    if (find_space(w) < span_trim(w).n) {
        if (hides_flag(row, names, w, &name)) {
            take_unclear(i, name,
                         "flag and value stand in one argument, which the engine does not split",
                         out);
        }
        return i;
    }
    size_t eq = row->parser == PARSE_EXACT ? w.n : span_find(w, '=');
    name = span_upto(w, eq);
    enum likeness like = flag_is(row, names, name);
    struct span next = argv_word(v, i + 1);
    if (like == LIKE_NO) {
        return i;
    }
    if (like == LIKE_SEVERAL) {
        take_unclear(i, name, "the flag is cut so short that it fits several", out);
        return i;
    }
    if (eq < w.n) {
        take(i, name, span_from(w, eq + 1), out);
        return i;
    }
    if (i + 1 < v->n && (row->parser == PARSE_CLICK || !looks_like_flag(next))) {
        take(i + 1, name, next, out);
        return i + 1;
    }
    *out = (struct arg){.state = ARG_NO_VALUE, .name = name, .word = i};
    return i;
}

void arg_find(const struct argv *v, unsigned from, const struct engine_row *row,
              const engine_words names, struct arg *out) {
    *out = (struct arg){0};
    for (unsigned i = from; names[0] && i < v->n; i++) {
        struct span w = argv_word(v, i);
        if (span_is(w, "--")) {
            return;
        }
        if (w.n > 1 && w.p[0] == '-') {
            i = take_word(v, i, row, names, out);
        }
    }
}

/* The letters of a flag: no dashes in front, and of -tp2 the -tp. */
static struct span letters(struct span name) {
    bool one_dash = name.n > 1 && name.p[1] != '-';
    while (name.n && name.p[0] == '-') {
        name = span_from(name, 1);
    }
    while (one_dash && name.n && name.p[name.n - 1] >= '0' && name.p[name.n - 1] <= '9') {
        name.n--;
    }
    return span_upto(name, FLAG_MAX);
}

/* The same but for "_" and "-". */
static bool same_letters(struct span a, struct span b) {
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        char c = a.p[i] == '_' ? '-' : a.p[i];
        char d = b.p[i] == '_' ? '-' : b.p[i];
        if (c != d) {
            return false;
        }
    }
    return true;
}

bool arg_resembles(const struct argv *v, unsigned from, const engine_words names, struct arg *out) {
    for (unsigned i = from; names[0] && i < v->n; i++) {
        struct span w = argv_word(v, i);
        struct span name = span_upto(w, span_find(w, '='));
        if (span_is(w, "--")) {
            return false;
        }
        if (name.n < 2 || name.p[0] != '-') {
            continue;
        }
        struct span spelt = letters(name);
        for (unsigned k = 0; k < NAMES_MAX && names[k]; k++) {
            if (same_letters(spelt, letters(span_of(names[k])))) {
                *out = (struct arg){.state = ARG_UNKNOWN, .name = name, .word = i};
                return true;
            }
        }
    }
    return false;
}

bool arg_given(const struct argv *v, unsigned from, const struct engine_row *row,
               const char *name) {
    const engine_words names = {name};
    for (unsigned i = from; i < v->n; i++) {
        if (flag_is(row, names, argv_word(v, i)) == LIKE_YES) {
            return true;
        }
    }
    return false;
}

/* Flags that take no value, by how engines name them. */
static bool is_switch(struct span w) {
    static const char *const starts[] = {
        "--enable-",  "--disable-",         "--no-",   "--trust", "--enforce-eager",
        "--headless", "--async-scheduling", "--skip-", "--use-"};
    for (unsigned i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        if (span_starts(w, starts[i])) {
            return true;
        }
    }
    return false;
}

bool arg_positional(const struct argv *v, unsigned from, unsigned *word) {
    for (unsigned i = from; i < v->n; i++) {
        struct span w = argv_word(v, i);
        if (w.n && w.p[0] != '-' && !(w.n == 1 && span_marked(w))) {
            *word = i;
            return true;
        }
        bool value_behind = w.n > 1 && span_find(w, '=') == w.n && !is_switch(w) &&
                            !looks_like_flag(argv_word(v, i + 1));
        i += w.n && w.p[0] == '-' && value_behind;
    }
    return false;
}

bool arg_open_ended(const struct argv *v, unsigned from) {
    for (unsigned i = from; i < v->n; i++) {
        struct span w = argv_word(v, i);
        struct span before = i > from ? argv_word(v, i - 1) : (struct span){"", 0};
        bool value = before.n > 2 && before.p[0] == '-' && span_find(before, '=') == before.n &&
                     !is_switch(before);
        if (w.n == 1 && w.p[0] == MARK_UNKNOWN && !value) {
            return true;
        }
    }
    return false;
}
