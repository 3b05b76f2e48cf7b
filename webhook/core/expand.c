#include "webhook/core/expand.h"

/* $(A) in the value of B in the value of C ...: each step goes to an earlier variable, so this only
 * bounds the stack. */
#define EXPAND_DEPTH_MAX 8
/* Variables that one step looks at: a step of a long environment costs more. */
#define STEP_VARIABLES 64

struct lookup {
    const struct pod *p;
    const struct container *c;
    unsigned
        *steps; /* left; every value may name others many times, so depth alone bounds nothing */
};

struct expansion {
    const struct lookup *l;
    unsigned limit; /* variables before this one are seen */
    unsigned depth;
    bool unknown;
};

static enum env_state env_upto(const struct lookup *l, struct span name, struct expansion at,
                               struct buf *out, int *index);

/* $(NAME) at the start of s: its name; false when it is none. */
static bool reference(struct span s, struct span *name) {
    if (s.n < 3 || s.p[0] != '$' || s.p[1] != '(') {
        return false;
    }
    size_t end = span_find(s, ')');
    if (end == s.n) {
        return false;
    }
    *name = span_upto(span_from(s, 2), end - 2);
    return true;
}

static void put_reference(struct expansion *x, struct span name, struct span raw, struct buf *out) {
    size_t before = out->n;
    const struct expansion inner = {.l = x->l, .limit = x->limit, .depth = x->depth + 1};
    enum env_state state = x->depth < EXPAND_DEPTH_MAX && !x->unknown
                               ? env_upto(x->l, name, inner, out, NULL)
                               : ENV_UNKNOWN;
    if (state == ENV_KNOWN) {
        return;
    }
    buf_back(out, before);
    if (state == ENV_ABSENT) {
        buf_span(out, raw);
    } else {
        x->unknown = true;
    }
}

static void expand(struct expansion *x, struct span s, struct buf *out) {
    while (s.n) {
        size_t plain = span_find(s, '$');
        buf_span(out, span_upto(s, plain));
        s = span_from(s, plain);
        struct span name;
        if (s.n > 1 && s.p[1] == '$') {
            buf_char(out, '$');
            s = span_from(s, 2);
        } else if (reference(s, &name)) {
            put_reference(x, name, span_upto(s, name.n + 3), out);
            s = span_from(s, name.n + 3);
        } else if (s.n) {
            buf_char(out, '$');
            s = span_from(s, 1);
        }
    }
}

/* LeaderWorkerSet's own webhook adds these to each pod of a group. */
static enum env_state env_of_group(const struct pod *p, struct span name, struct buf *out) {
    if (p && p->group_size && span_is(name, "LWS_GROUP_SIZE")) {
        buf_u64(out, p->group_size);
        return ENV_KNOWN;
    }
    bool lws = span_is(name, "LWS_WORKER_INDEX") || span_is(name, "LWS_LEADER_ADDRESS") ||
               span_is(name, "LWS_GROUP_SIZE");
    return lws && p && p->group_size ? ENV_UNKNOWN : ENV_ABSENT;
}

static bool spend(const struct lookup *l, unsigned limit) {
    unsigned cost = 1 + limit / STEP_VARIABLES;
    bool enough = *l->steps >= cost;
    *l->steps = enough ? *l->steps - cost : 0;
    return enough;
}

static enum env_state env_upto(const struct lookup *l, struct span name, struct expansion at,
                               struct buf *out, int *index) {
    if (!spend(l, at.limit)) {
        return ENV_UNKNOWN;
    }
    for (unsigned i = at.limit; i-- > 0;) {
        const struct env_var *v = &l->c->env[i];
        if (!span_eq(v->name, name)) {
            continue;
        }
        if (index) {
            *index = (int)i;
        }
        if (v->ref || v->value.n > ENV_VALUE_MAX) {
            return ENV_UNKNOWN;
        }
        struct expansion x = {.l = l, .limit = i, .depth = at.depth};
        expand(&x, v->value, out);
        return x.unknown || !buf_ok(out) ? ENV_UNKNOWN : ENV_KNOWN;
    }
    enum env_state group = env_of_group(l->p, name, out);
    return group == ENV_ABSENT && l->c->env_from ? ENV_UNKNOWN : group;
}

enum env_state env_read_within(const struct env_ask *ask, struct span name, struct buf *out,
                               int *at) {
    const struct lookup l = {.p = ask->p, .c = ask->c, .steps = ask->steps};
    size_t before = out->n;
    if (at) {
        *at = -1;
    }
    enum env_state state =
        env_upto(&l, name, (struct expansion){.l = &l, .limit = l.c->n_env}, out, at);
    if (state != ENV_KNOWN) {
        buf_back(out, before);
    }
    return state;
}

enum env_state env_read(const struct pod *p, const struct container *c, const char *name,
                        struct buf *out, int *at) {
    unsigned steps = ENV_STEPS_MAX;
    const struct env_ask ask = {.p = p, .c = c, .steps = &steps};
    return env_read_within(&ask, span_of(name), out, at);
}

static void put_word_reference(const struct env_ask *ask, struct span name, struct span raw,
                               struct argv *v) {
    char text[ENV_VALUE_MAX + 1] NOINIT;
    struct buf value = BUF_OVER(text);
    enum env_state state = env_read_within(ask, name, &value, NULL);
    /* envFrom may define any name; Kubernetes leaves an undefined one as it stands. */
    if (state == ENV_KNOWN) {
        argv_put(v, buf_view(&value));
    } else if (state == ENV_UNKNOWN) {
        argv_char(v, MARK_UNKNOWN);
    } else {
        argv_put(v, raw);
    }
}

/* Our marker bytes in the pod's own text would be read as ours. */
static void put_plain(struct span s, struct argv *v) {
    for (size_t i = 0; i < s.n; i++) {
        bool mark = s.p[i] == MARK_UNKNOWN || s.p[i] == MARK_UNDEFINED || s.p[i] == MARK_SPLIT;
        argv_char(v, mark ? '?' : s.p[i]);
    }
}

static void expand_word(const struct env_ask *ask, struct span s, struct argv *v) {
    argv_open(v);
    while (s.n && !v->overflow) {
        size_t plain = span_find(s, '$');
        put_plain(span_upto(s, plain), v);
        s = span_from(s, plain);
        struct span name;
        if (s.n > 1 && s.p[1] == '$') {
            argv_char(v, '$');
            s = span_from(s, 2);
        } else if (reference(s, &name)) {
            put_word_reference(ask, name, span_upto(s, name.n + 3), v);
            s = span_from(s, name.n + 3);
        } else if (s.n) {
            argv_char(v, '$');
            s = span_from(s, 1);
        }
    }
}

static void all_words(const struct pod *p, const struct container *c, struct argv *v) {
    unsigned steps = ENV_STEPS_MAX;
    const struct env_ask ask = {.p = p, .c = c, .steps = &steps};
    for (unsigned i = 0; i < c->n_command; i++) {
        expand_word(&ask, c->command[i], v);
        argv_end(v, i);
    }
    for (unsigned i = 0; i < c->n_args; i++) {
        expand_word(&ask, c->args[i], v);
        argv_end(v, ARGV_ARGS | i);
    }
}

void argv_of(const struct pod *p, const struct container *c, struct argv *v) {
    /* A long template among the words must not hide the flags behind it. */
    static const unsigned cuts[] = {ARGV_TEXT_MAX, ARGV_TEXT_MAX / 2, ARGV_WORD_CUT};
    for (unsigned i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        argv_reset(v, cuts[i]);
        all_words(p, c, v);
        if (!v->overflow) {
            return;
        }
    }
}
