#include "webhook/core/expand.h"
#include "webhook/core/shell.h"
#include "webhook/core/workload_parts.h"

/* Values that the script sets for the engine it starts. */
static void keep_exported(struct reading *r, struct shell *sh, const engine_words names) {
    for (unsigned i = 0; sh && i < NAMES_MAX && names[i]; i++) {
        struct span value = {"", 0};
        enum shell_exported state = shell_exported(sh, names[i], &value);
        if (state == EXPORT_NOT_HERE || r->n_script_env == SCRIPT_ENV_MAX) {
            continue;
        }
        struct script_env *v = &r->script_env[r->n_script_env++];
        *v = (struct script_env){.name = names[i], .state = (uint8_t)state, .at = r->n_script_text};
        if (state != EXPORT_KNOWN) {
            continue;
        }
        if (value.n > (size_t)(SCRIPT_TEXT_MAX - r->n_script_text)) {
            v->state = EXPORT_UNKNOWN;
            continue;
        }
        if (value.n) {
            memcpy(r->script_text + v->at, value.p, value.n);
        }
        v->n = (uint16_t)value.n;
        r->n_script_text = (uint16_t)(r->n_script_text + v->n);
    }
}

/* if ...; then vllm -tp 8; else vllm -tp 4; fi: which of them runs, only the run can tell. */
static bool says_otherwise(const struct reading *r, const struct argv *v,
                           const struct engine_row *row, unsigned first) {
    struct arg before;
    struct arg now;
    arg_find(&r->argv, r->first, r->row, r->row->tp, &before);
    arg_find(v, first, row, row->tp, &now);
    return before.state != now.state || !span_eq(before.value, now.value) || r->row != row;
}

/* env CUDA_VISIBLE_DEVICES=1,0 vllm serve: variables that a launcher's words set. */
static void keep_launcher_env(struct reading *r, const char *name) {
    for (unsigned i = 0; i < r->first && r->n_script_env < SCRIPT_ENV_MAX; i++) {
        struct span value = argv_word(&r->argv, i);
        if (span_find(value, '=') == value.n || !span_is(span_cut(&value, '='), name)) {
            continue;
        }
        bool fits = value.n <= (size_t)(SCRIPT_TEXT_MAX - r->n_script_text);
        enum shell_exported state = fits && !span_marked(value) ? EXPORT_KNOWN : EXPORT_UNKNOWN;
        struct script_env *v = &r->script_env[r->n_script_env++];
        *v = (struct script_env){.name = name, .state = (uint8_t)state, .at = r->n_script_text};
        if (state == EXPORT_KNOWN && value.n) {
            memcpy(r->script_text + v->at, value.p, value.n);
            v->n = (uint16_t)value.n;
            r->n_script_text = (uint16_t)(r->n_script_text + v->n);
        }
    }
}

static void take_server(struct reading *r, const struct argv *v, const struct engine_row *row,
                        unsigned first, struct shell *sh) {
    bool conditional = sh && shell_conditional(sh);
    if (r->row && (r->conditional || conditional) && says_otherwise(r, v, row, first)) {
        r->differs = true;
    }
    r->conditional = conditional;
    static const engine_words common = {"CUDA_VISIBLE_DEVICES", "NIM_MODEL_PROFILE",
                                        "LLAMA_ARG_SPLIT_MODE", "SHARDED"};
    argv_copy(&r->argv, v);
    r->row = row;
    r->first = first;
    r->worker = r->script_file = false;
    r->opaque = v->overflow;
    r->n_script_env = 0;
    r->n_script_text = 0;
    keep_launcher_env(r, common[0]);
    keep_exported(r, sh, common);
    keep_exported(r, sh, row->env_tp);
    keep_exported(r, sh, row->env_pp);
    keep_exported(r, sh, row->env_dp);
    keep_exported(r, sh, row->env_nodes);
    keep_exported(r, sh, row->env_flags);
}

/* start.sh --tensor-parallel-size 2: where the script stands; v->n when this calls none. */
static unsigned script_word(const struct argv *v) {
    for (unsigned i = 0; i < 2 && i < v->n; i++) {
        if (span_ends(argv_word(v, i), ".sh") || span_ends(argv_word(v, i), ".py")) {
            return i;
        }
    }
    return v->n;
}

/* Each command of a script; the last server counts. sh is NULL outside a script. */
static void see_command(void *ctx, const struct argv *v, struct shell *sh) {
    struct reading *r = ctx;
    const struct engine_row *row = NULL;
    unsigned first = 0;
    struct span program = argv_word(v, 0);
    r->ray = r->ray || span_is(program, "ray");
    switch (engine_of_command(v, &row, &first)) {
    case MATCH_SERVER:
        take_server(r, v, row, first, sh);
        break;
    case MATCH_WORKER:
        r->worker = r->row == NULL;
        break;
    case MATCH_OTHER:
        r->other = true;
        break;
    case MATCH_NONE:
        if (!r->row && script_word(v) < v->n) {
            argv_copy(&r->argv, v);
            r->first = script_word(v) + 1;
            r->script_file = true;
        }
        break;
    }
}

enum env_state reading_env(const struct reading *r, const char *name, struct buf *out,
                           struct reading_place *at) {
    struct buf where = BUF_OVER(at->where);
    for (unsigned i = 0; i < r->n_script_env; i++) {
        const struct script_env *v = &r->script_env[i];
        if (strcmp(v->name, name) != 0) {
            continue;
        }
        at->here = true;
        argv_where(&r->argv, r->first ? r->first - 1 : 0, r->c, &where);
        if (v->state == EXPORT_KNOWN) {
            buf_span(out, (struct span){r->script_text + v->at, v->n});
            return buf_ok(out) ? ENV_KNOWN : ENV_UNKNOWN;
        }
        return v->state == EXPORT_UNSET ? ENV_ABSENT : ENV_UNKNOWN;
    }
    int index = -1;
    enum env_state state = env_read(r->p, r->c, name, out, &index);
    container_path(r->c, &where);
    if (index >= 0) {
        buf_fmt(&where, ".env[%d].value", index);
    }
    at->here = index >= 0 || state == ENV_KNOWN;
    return state;
}

/* KubeRay leaves its start command in a variable that only the running pod has. */
static bool mentions_ray(const struct container *c) {
    for (unsigned i = 0; i < c->n_command + (unsigned)c->n_args; i++) {
        struct span s = i < c->n_command ? c->command[i] : c->args[i - c->n_command];
        if (span_has(s, "KUBERAY_GEN_RAY_START_CMD") || span_has(s, "ray start") ||
            span_has(s, "multi-node-serving.sh") || span_has(s, "ray_cluster_size")) {
            return true;
        }
    }
    return false;
}

static bool is_shell(struct span s) {
    return span_is(s, "sh") || span_is(s, "bash") || span_ends(s, "/sh") || span_ends(s, "/bash");
}

static void by_image_or_flags(struct reading *r, struct argv *raw) {
    const struct engine_row *row = engine_of_image(r->c->image);
    bool words = r->c->n_command == 0; /* they are the engine's own */
    if (!row && !r->other && !r->worker) {
        row = engine_of_flags(raw);
        words = words || row;
    }
    if (!row && !r->other && !r->worker) {
        row = engine_of_env(r->c);
    }
    if (!row || r->worker || r->other) {
        return;
    }
    r->row = row;
    r->by_image = true;
    if (words) {
        argv_copy(&r->argv, raw);
        r->first = 0;
        return;
    }
    r->opaque = true;
    if (!r->script_file) {
        r->first = 0;
        argv_reset(&r->argv, ARGV_TEXT_MAX); /* words of some other program */
    }
}

void reading_init(struct reading *r) {
    memset(r, 0, offsetof(struct reading, script_env));
    argv_reset(&r->argv, ARGV_TEXT_MAX);
}

void reading_of(const struct pod *p, const struct container *c, struct reading *r) {
    struct argv raw NOINIT;
    unsigned script = 0;
    reading_init(r);
    r->p = p;
    r->c = c;
    argv_of(p, c, &raw);
    r->ray = mentions_ray(c);
    bool whole = !raw.overflow;
    if (shell_is_script(&raw, &script)) {
        const struct shell_ask ask = {.pod = p, .container = c, .sink = see_command, .ctx = r};
        whole = shell_read(&ask, &raw, script) && whole;
    } else {
        see_command(r, &raw, NULL);
        whole = whole && (!is_shell(argv_word(&raw, 0)) || r->row || r->worker);
    }
    r->opaque = r->opaque || !whole;
    /* Joins a Ray cluster and starts nothing itself: the leader's flags rule. */
    r->worker = r->worker || (!r->row && r->ray && !r->other && c->n_command);
    if (!r->row) {
        by_image_or_flags(r, &raw);
    }
}
