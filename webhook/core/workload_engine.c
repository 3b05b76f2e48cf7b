#include "webhook/core/expand.h"
#include "webhook/core/shell.h"
#include "webhook/core/workload_parts.h"

/* Each command of a script; the last server counts. */
static void see_command(void *ctx, const struct argv *v) {
    struct reading *r = ctx;
    const struct engine_row *row = NULL;
    unsigned first = 0;
    struct span program = argv_word(v, 0);
    r->ray = r->ray || span_is(program, "ray");
    switch (engine_of_command(v, &row, &first)) {
    case MATCH_SERVER:
        r->argv = *v;
        r->row = row;
        r->first = first;
        r->worker = false;
        break;
    case MATCH_WORKER:
        r->worker = r->row == NULL;
        break;
    case MATCH_OTHER:
        r->other = true;
        break;
    case MATCH_NONE:
        break;
    }
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
    bool entrypoint = r->c->n_command == 0;
    if (!row && !r->other && !r->worker) {
        row = engine_of_flags(raw);
        entrypoint = row != NULL;
    }
    if (!row || r->worker || r->other) {
        return;
    }
    r->row = row;
    r->by_image = true;
    r->opaque = r->opaque || !entrypoint;
    r->first = 0;
    r->argv = *raw;
    if (!entrypoint) {
        argv_reset(&r->argv); /* words of some other program */
    }
}

void reading_of(const struct pod *p, const struct container *c, struct reading *r) {
    struct argv raw;
    unsigned script = 0;
    memset(r, 0, sizeof *r);
    r->p = p;
    r->c = c;
    argv_of(p, c, &raw);
    r->opaque = raw.overflow;
    r->ray = mentions_ray(c);
    if (shell_is_script(&raw, 0, &script)) {
        const struct shell_ask ask = {.pod = p, .container = c, .sink = see_command, .ctx = r};
        r->opaque = !shell_read(&ask, &raw, script) || r->opaque;
    } else {
        see_command(r, &raw);
        r->opaque = r->opaque || (is_shell(argv_word(&raw, 0)) && !r->row && !r->worker);
    }
    /* Joins a Ray cluster and starts nothing itself: the leader's flags rule. */
    r->worker = r->worker || (!r->row && r->ray && !r->other && c->n_command);
    if (!r->row) {
        by_image_or_flags(r, &raw);
    }
}
