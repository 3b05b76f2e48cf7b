#include "webhook/core/engine.h"

#include "webhook/core/args.h"
#include "webhook/core/workload.h"

static struct span basename_of(struct span s) {
    for (size_t i = s.n; i-- > 0;) {
        if (s.p[i] == '/') {
            return span_from(s, i + 1);
        }
    }
    return s;
}

static bool in_words(const engine_words words, struct span s) {
    for (unsigned i = 0; i < NAMES_MAX && words[i]; i++) {
        if (span_is(s, words[i])) {
            return true;
        }
    }
    return false;
}

static bool is_python(struct span s) {
    return span_starts(basename_of(s), "python");
}

bool engine_is_launcher(struct span s) {
    static const char *const names[] = {"env",
                                        "numactl",
                                        "mpirun",
                                        "mpiexec",
                                        "timeout",
                                        "taskset",
                                        "tini",
                                        "dumb-init",
                                        "catchsegv",
                                        "stdbuf",
                                        "nice",
                                        "sudo",
                                        "nsys",
                                        "xvfb-run",
                                        "uv",
                                        "poetry",
                                        "conda",
                                        "srun",
                                        "deepspeed",
                                        "gosu",
                                        "nohup",
                                        "exec",
                                        "trtllm-llmapi-launch",
                                        "entrypoint.sh",
                                        "nvidia_entrypoint.sh",
                                        "accelerate",
                                        "dumb_init"};
    struct span base = basename_of(s);
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (span_is(base, names[i])) {
            return true;
        }
    }
    return is_python(s);
}

static const struct engine_row *row_of_module(struct span module) {
    for (unsigned r = 0; r < engine_rows_count; r++) {
        if (in_words(engine_rows[r].module, module)) {
            return &engine_rows[r];
        }
    }
    return NULL;
}

/* The program at word i, its subcommand checked. *first: what comes behind. */
static const struct engine_row *row_of_program(const struct argv *v, unsigned i, unsigned *first) {
    struct span base = basename_of(argv_word(v, i));
    for (unsigned r = 0; r < engine_rows_count; r++) {
        const struct engine_row *row = &engine_rows[r];
        if (!in_words(row->exe, base)) {
            continue;
        }
        bool sub = row->sub && span_is(argv_word(v, i + 1), row->sub);
        if (row->sub && !sub) {
            continue;
        }
        *first = i + 1 + sub;
        /* trtllm-serve and lmdeploy name their subcommand or not */
        bool optional = span_is(base, "trtllm-serve") && span_is(argv_word(v, *first), "serve");
        bool api = span_is(base, "lmdeploy") && span_is(argv_word(v, *first), "api_server");
        *first += optional || api;
        return row;
    }
    return NULL;
}

static bool has_flag(const struct argv *v, const engine_words names) {
    struct arg arg;
    return arg_resembles(v, 0, names, &arg);
}

/* torchrun starts any training; Megatron's scripts and flags give it away. */
static bool is_sure(const struct argv *v, const struct engine_row *row) {
    if (!row->script || has_flag(v, row->tp) || has_flag(v, row->pp)) {
        return true;
    }
    for (unsigned i = 0; i < v->n; i++) {
        struct span base = basename_of(argv_word(v, i));
        if (span_starts(base, row->script) && span_ends(base, ".py")) {
            return true;
        }
    }
    return false;
}

/* Helpers that belong to a leader's group: they take GPUs and are told nothing. */
static bool is_worker(const struct argv *v) {
    struct span base = basename_of(argv_word(v, 0));
    struct span second = argv_word(v, 1);
    unsigned at =
        is_python(argv_word(v, 0)) || span_is(base, "bash") || span_is(base, "sh") ? 1 : 0;
    struct span script = basename_of(argv_word(v, at));
    bool leader_script = span_is(script, "server.py") ||
                         span_ends(script, "multi-node-serving.sh") ||
                         span_ends(script, "multinode-serving.sh");
    if (leader_script && span_is(argv_word(v, at + 1), "worker")) {
        return true;
    }
    if (span_is(base, "ray") && span_is(second, "start")) {
        for (unsigned i = 2; i < v->n; i++) {
            if (span_is(argv_word(v, i), "--head")) {
                return false;
            }
        }
        return true;
    }
    return span_is(base, "sshd");
}

/* Programs of a serving stack that run no model. */
static bool is_other(struct span module) {
    static const char *const names[] = {
        "dynamo.frontend", "dynamo.router", "dynamo.planner", "sglang_router.launch_router",
        "sglang_router",   "vllm_router",   "lmcache.server"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (span_is(module, names[i])) {
            return true;
        }
    }
    return false;
}

enum match engine_of_command(const struct argv *v, const struct engine_row **row, unsigned *first) {
    for (unsigned i = 0; i < v->n; i++) {
        struct span w = argv_word(v, i);
        bool module = span_is(w, "-m") && i > 0 && is_python(argv_word(v, i - 1));
        for (unsigned back = i; !module && span_is(w, "-m") && back-- > 0;) {
            /* python3 -u -m X */
            struct span b = argv_word(v, back);
            module = is_python(b);
            if (b.n == 0 || b.p[0] != '-') {
                break;
            }
        }
        const struct engine_row *found = NULL;
        unsigned behind = i + 2;
        if (module) {
            found = row_of_module(argv_word(v, i + 1));
            if (!found && is_other(argv_word(v, i + 1))) {
                return MATCH_OTHER;
            }
        } else if (i == 0 || engine_is_launcher(argv_word(v, 0))) {
            found = row_of_program(v, i, &behind);
        }
        if (found && is_sure(v, found)) {
            *row = found;
            *first = behind;
            return MATCH_SERVER;
        }
    }
    return is_worker(v) ? MATCH_WORKER : MATCH_NONE;
}

const struct engine_row *engine_of_image(struct span image) {
    static const char *const not_engines[] = {"router", "lmcache", "benchmark", "frontend"};
    for (unsigned i = 0; i < sizeof not_engines / sizeof not_engines[0]; i++) {
        if (span_has(image, not_engines[i])) {
            return NULL;
        }
    }
    for (unsigned r = 0; r < engine_rows_count; r++) {
        for (unsigned i = 0; i < NAMES_MAX && engine_rows[r].image[i]; i++) {
            const char *also = engine_rows[r].image_also;
            if (span_has(image, engine_rows[r].image[i]) && (!also || span_has(image, also))) {
                return &engine_rows[r];
            }
        }
    }
    return NULL;
}

const struct engine_row *engine_of_flags(const struct argv *v) {
    static const char *const flags[] = {"--tensor-parallel-size", "--gpu-memory-utilization",
                                        "--max-model-len", "-tp", "--tensor_parallel_size"};
    for (unsigned i = 0; i < v->n; i++) {
        struct span w = argv_word(v, i);
        w = span_upto(w, span_find(w, '='));
        for (unsigned f = 0; f < sizeof flags / sizeof flags[0]; f++) {
            if (span_is(w, flags[f])) {
                return engine_named("vllm");
            }
        }
    }
    return NULL;
}

const struct engine_row *engine_of_env(const struct container *c) {
    for (unsigned r = 0; r < engine_rows_count; r++) {
        for (unsigned i = 0; i < NAMES_MAX && engine_rows[r].env_sign[i]; i++) {
            for (unsigned k = 0; k < c->n_env; k++) {
                if (span_starts(c->env[k].name, engine_rows[r].env_sign[i])) {
                    return &engine_rows[r];
                }
            }
        }
    }
    return NULL;
}

const struct engine_row *engine_named(const char *name) {
    for (unsigned r = 0; r < engine_rows_count; r++) {
        if (strcmp(engine_rows[r].name, name) == 0) {
            return &engine_rows[r];
        }
    }
    return NULL;
}

const char *engine_name(unsigned i) {
    return i < engine_rows_count ? engine_rows[i].name : NULL;
}
