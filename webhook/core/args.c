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
    if (row->parser != PARSE_FLEXIBLE || name.n >= FLAG_MAX || !span_starts(name, "--")) {
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

static bool abbreviates(const struct engine_row *row, const engine_words names, struct span name) {
    bool argparse = row->parser == PARSE_ARGPARSE || row->parser == PARSE_FLEXIBLE;
    if (!argparse || name.n < 3 || !span_starts(name, "--") || is_neighbour(name)) {
        return false;
    }
    bool ours = false;
    for (unsigned i = 0; i < NAMES_MAX && names[i]; i++) {
        ours = ours || span_eq(span_upto(span_of(names[i]), name.n), name);
    }
    for (unsigned i = 0; ours && i < sizeof neighbours / sizeof neighbours[0]; i++) {
        bool fits = span_eq(span_upto(span_of(neighbours[i]), name.n), name);
        if (fits && row_may_have(row, neighbours[i]) && !listed(names, span_of(neighbours[i]))) {
            return false; /* ambiguous, or another flag: the engine would not take it for ours */
        }
    }
    return ours;
}

static bool flag_is(const struct engine_row *row, const engine_words names, struct span name) {
    char text[FLAG_MAX];
    struct span n = normal(row, name, text);
    return listed_flexible(row, names, n) || abbreviates(row, names, n);
}

/* A word that argparse takes for a flag, not for a value. */
static bool looks_like_flag(struct span w) {
    return w.n > 1 && w.p[0] == '-' && !(w.p[1] >= '0' && w.p[1] <= '9') && w.p[1] != '.' &&
           span_find(w, ' ') == w.n;
}

static void take(const struct argv *v, unsigned i, struct span name, struct span value,
                 struct arg *out) {
    *out = (struct arg){.state = ARG_VALUE, .name = name, .value = value, .word = i};
    if (span_marked(value)) {
        out->state = ARG_UNKNOWN;
        out->why = "its value is only known inside the container";
    }
    (void)v;
}

void arg_find(const struct argv *v, unsigned from, const struct engine_row *row,
              const engine_words names, struct arg *out) {
    *out = (struct arg){0};
    for (unsigned i = from; names[0] && i < v->n; i++) {
        struct span w = argv_word(v, i);
        if (span_is(w, "--")) {
            return;
        }
        if (w.n < 2 || w.p[0] != '-') {
            continue;
        }
        size_t space = span_find(w, ' ');
        size_t eq = row->parser == PARSE_EXACT ? w.n : span_find(w, '=');
        if (space < eq && space < w.n) {
            if (flag_is(row, names, span_upto(w, space))) {
                *out = (struct arg){
                    .state = ARG_UNKNOWN,
                    .name = span_upto(w, space),
                    .word = i,
                    .why = "flag and value stand in one argument, which the engine does not split"};
            }
            continue;
        }
        struct span name = span_upto(w, eq);
        if (!flag_is(row, names, name)) {
            continue;
        }
        if (eq < w.n) {
            take(v, i, name, span_from(w, eq + 1), out);
        } else if (i + 1 < v->n &&
                   (row->parser == PARSE_CLICK || !looks_like_flag(argv_word(v, i + 1)))) {
            take(v, i + 1, name, argv_word(v, i + 1), out);
            i++;
        } else {
            *out = (struct arg){.state = ARG_NO_VALUE, .name = name, .word = i};
        }
    }
}

bool arg_given(const struct argv *v, unsigned from, const struct engine_row *row,
               const char *name) {
    const engine_words names = {name};
    for (unsigned i = from; i < v->n; i++) {
        if (flag_is(row, names, argv_word(v, i))) {
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
