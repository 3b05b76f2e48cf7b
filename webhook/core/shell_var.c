#include "topology/buf.h"
#include "webhook/core/expand.h"
#include "webhook/core/shell_state.h"

static const struct span unknown_value = {"\x01", 1};

struct span shell_keep(struct shell *sh, struct span s) {
    if (s.n > SHELL_TEXT_MAX - sh->n_text) {
        return unknown_value;
    }
    char *at = sh->text + sh->n_text;
    if (s.n) {
        memcpy(at, s.p, s.n);
    }
    sh->n_text += (unsigned)s.n;
    return (struct span){at, s.n};
}

struct shell_var *shell_var_of(struct shell *sh, struct span name) {
    for (unsigned i = 0; i < sh->n_vars; i++) {
        if (span_eq(sh->var[i].name, name)) {
            return &sh->var[i];
        }
    }
    return NULL;
}

enum shell_found shell_get(struct shell *sh, struct span name, struct buf *scratch,
                           struct span *value) {
    const struct shell_var *v = shell_var_of(sh, name);
    if (v) {
        *value = v->value;
        return v->unset ? SHELL_UNDEFINED : SHELL_KNOWN;
    }
    if (sh->vars_full) {
        return SHELL_UNKNOWN;
    }
    const struct env_ask ask = {.p = sh->ask->pod, .c = sh->ask->container, .steps = &sh->steps};
    switch (env_read_within(&ask, name, scratch, NULL)) {
    case ENV_KNOWN:
        *value = buf_view(scratch);
        return SHELL_KNOWN;
    case ENV_UNKNOWN:
        return SHELL_UNKNOWN;
    case ENV_ABSENT:
        break;
    }
    return SHELL_UNDEFINED;
}

static bool in_environment(const struct shell *sh, struct span name) {
    for (unsigned i = 0; i < sh->ask->container->n_env; i++) {
        if (span_eq(sh->ask->container->env[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* The variable as it is about to change: its past outside the present condition is remembered. */
static struct shell_var *changing(struct shell *sh, struct span name) {
    struct shell_var *v = shell_var_of(sh, name);
    if (v) {
        if (v->nest < sh->n_nest) {
            v->fresh = v->unset;
            v->same = true;
            v->nest = (uint8_t)sh->n_nest;
        }
        return v;
    }
    if (sh->n_vars == SHELL_VARS_MAX || name.n > SHELL_TEXT_MAX - sh->n_text) {
        sh->vars_full = true;
        return NULL;
    }
    v = &sh->var[sh->n_vars++];
    bool known = in_environment(sh, name);
    *v = (struct shell_var){.name = shell_keep(sh, name),
                            .nest = (uint8_t)sh->n_nest,
                            .fresh = !known && !sh->ask->container->env_from,
                            .exported = known};
    return v;
}

void shell_set(struct shell *sh, struct span name, struct span value, bool append) {
    char text[SHELL_TEXT_MAX / 2] NOINIT;
    struct buf b = BUF_OVER(text);
    if (append) {
        char old_text[ENV_VALUE_MAX + 1] NOINIT;
        struct buf scratch = BUF_OVER(old_text);
        struct span old = {"", 0};
        if (shell_get(sh, name, &scratch, &old) == SHELL_UNKNOWN) {
            old = unknown_value;
        }
        buf_span(&b, old);
        if (old.n && sh->array_append) {
            buf_char(&b, MARK_SPLIT);
        }
    }
    struct shell_var *v = changing(sh, name);
    if (!v) {
        return;
    }
    buf_span(&b, value);
    struct span now = buf_ok(&b) ? buf_view(&b) : unknown_value;
    v->same = v->same && !v->unset && span_eq(now, v->value);
    v->unset = false;
    v->value = v->same ? v->value : shell_keep(sh, now);
}

void shell_unset(struct shell *sh, struct span name) {
    struct shell_var *v = changing(sh, name);
    if (v) {
        v->same = v->same && v->unset;
        v->unset = true;
        v->value = (struct span){"", 0};
    }
}

void shell_set_unknown(struct shell *sh, struct span name) {
    shell_set(sh, name, unknown_value, false);
}

void shell_nest_enter(struct shell *sh, enum shell_nest kind) {
    if (sh->n_nest == SHELL_NEST_MAX) {
        sh->lost = true;
        sh->vars_full = true;
        return;
    }
    sh->nest[++sh->n_nest] = (uint8_t)kind;
}

/* What was set under the condition that ends: the run alone knows whether it was. A variable that
 * nobody had set before and that a plain chain set is known all the same: without it the engine
 * would not start. */
static void leave(struct shell *sh) {
    unsigned kind = sh->nest[sh->n_nest];
    for (unsigned i = 0; i < sh->n_vars; i++) {
        struct shell_var *v = &sh->var[i];
        if (v->nest < sh->n_nest) {
            continue;
        }
        v->nest = (uint8_t)(sh->n_nest - 1);
        bool sure = kind == NEST_GROUP || v->same || (kind == NEST_CHAIN && v->fresh && !v->unset);
        if (!sure) {
            v->value = unknown_value;
            v->unset = v->fresh = v->same = false;
        }
    }
    sh->n_nest--;
}

static bool is_list(unsigned kind) {
    return kind == NEST_CHAIN || kind == NEST_TESTED || kind == NEST_EITHER;
}

void shell_nest_end_list(struct shell *sh) {
    while (sh->n_nest && is_list(sh->nest[sh->n_nest])) {
        leave(sh);
    }
}

void shell_nest_leave(struct shell *sh, enum shell_nest kind) {
    bool open = false;
    for (unsigned i = sh->n_nest; i > 0; i--) {
        open = open || sh->nest[i] == kind;
    }
    while (open) {
        open = sh->nest[sh->n_nest] != kind;
        leave(sh);
    }
}

void shell_nest_close_group(struct shell *sh) {
    for (unsigned i = sh->n_nest; i > 0; i--) {
        if (sh->nest[i] == NEST_GROUP || sh->nest[i] == NEST_FUNCTION) {
            shell_nest_leave(sh, (enum shell_nest)sh->nest[i]);
            return;
        }
    }
}

void shell_nest_next(struct shell *sh, bool either) {
    unsigned top = sh->n_nest ? sh->nest[sh->n_nest] : NEST_GROUP;
    if (!either && (top == NEST_CHAIN || top == NEST_TESTED)) {
        /* all before it ran, or this does not: what they set holds here */
        sh->nest[sh->n_nest] = (uint8_t)(sh->prepares ? top : NEST_TESTED);
        return;
    }
    bool sure = sh->prepares && top != NEST_EITHER;
    shell_nest_end_list(sh);
    shell_nest_enter(sh, either ? NEST_EITHER : sure ? NEST_CHAIN : NEST_TESTED);
}
