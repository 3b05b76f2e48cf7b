#include "topology/buf.h"
#include "webhook/core/shell_state.h"

static bool one_of(struct span s, const char *const *words) {
    for (; *words; words++) {
        if (span_is(s, *words)) {
            return true;
        }
    }
    return false;
}

/* NAME=value or NAME+=value; the length of the name, 0 when the word is no assignment. */
static size_t assignment(struct span w, bool *append, struct span *value) {
    size_t n = shell_name_len(w);
    *append = n && n + 1 < w.n && w.p[n] == '+' && w.p[n + 1] == '=';
    if (n == 0 || n == w.n || (w.p[n] != '=' && !*append)) {
        return 0;
    }
    *value = span_from(w, n + 1 + *append);
    return n;
}

unsigned shell_assign(struct shell *sh, unsigned from, bool all) {
    unsigned i = from;
    for (; i < sh->cmd.n; i++) {
        struct span w = argv_word(&sh->cmd, i);
        struct span value = {"", 0};
        bool append = false;
        size_t n = assignment(w, &append, &value);
        if (n) {
            bool was = sh->array_append;
            sh->array_append = false;
            shell_set(sh, span_upto(w, n), value, append);
            sh->array_append = was;
        } else if (!all) {
            break;
        }
    }
    return i;
}

static void export_names(struct shell *sh) {
    (void)shell_assign(sh, 1, true);
    for (unsigned i = 1; i < sh->cmd.n; i++) {
        struct span w = argv_word(&sh->cmd, i);
        struct shell_var *v = shell_var_of(sh, span_upto(w, shell_name_len(w)));
        if (v) {
            v->exported = true;
        }
    }
}

/* let A=B*2 C++: numbers that are not followed here. */
static void run_let(struct shell *sh) {
    for (unsigned i = 1; i < sh->cmd.n; i++) {
        struct span w = argv_word(&sh->cmd, i);
        size_t n = shell_name_len(w);
        if (n && n < w.n) {
            shell_set_unknown(sh, span_upto(w, n));
        }
    }
}

/* Names among the words of unset, read, mapfile: options and what does not look like one stay. */
static void change_names(struct shell *sh, void (*change)(struct shell *, struct span)) {
    for (unsigned i = 1; i < sh->cmd.n; i++) {
        struct span w = argv_word(&sh->cmd, i);
        if (w.n && shell_name_len(w) == w.n) {
            change(sh, w);
        }
    }
}

void shell_positional(struct shell *sh, const struct argv *v, unsigned from, unsigned first) {
    sh->n_args = first ? 1 : 0;
    sh->arg[0] = (struct span){"", 0};
    /* Set under a condition: neither the old words nor these are sure. */
    sh->args_unknown = sh->n_nest && first;
    for (unsigned i = from; i < v->n; i++) {
        if (sh->n_args == SHELL_ARGS_MAX) {
            sh->args_unknown = true;
            return;
        }
        sh->arg_at[sh->n_args] = v == &sh->cmd ? (uint16_t)sh->at : v->at[i];
        sh->arg[sh->n_args++] = shell_keep(sh, argv_word(v, i));
    }
}

static void run_shift(struct shell *sh) {
    uint32_t by = 1;
    if (sh->cmd.n > 1 && !span_u32(argv_word(&sh->cmd, 1), SHELL_ARGS_MAX, &by)) {
        sh->args_unknown = true;
    }
    sh->args_unknown = sh->args_unknown || sh->n_nest > 0;
    for (unsigned i = 1; i + by < sh->n_args; i++) {
        sh->arg[i] = sh->arg[i + by];
        sh->arg_at[i] = sh->arg_at[i + by];
    }
    sh->n_args = sh->n_args > by ? sh->n_args - by : sh->n_args ? 1 : 0;
}

static void run_eval(struct shell *sh, unsigned from) {
    char text[SHELL_TEXT_MAX / 2] NOINIT;
    struct buf b = BUF_OVER(text);
    for (unsigned i = from; i < sh->cmd.n; i++) {
        buf_span(&b, argv_word(&sh->cmd, i));
        buf_char(&b, ' ');
    }
    sh->lost = sh->lost || !buf_ok(&b) || sh->cmd.overflow;
    shell_nested(sh, buf_view(&b));
}

/* A file that is read in place may set anything; the virtual environments of Python set no size. */
static void run_source(struct shell *sh) {
    sh->vars_full = sh->vars_full || !span_ends(argv_word(&sh->cmd, 1), "/activate");
}

static void run_script(struct shell *sh, unsigned script) {
    unsigned n = sh->n_args;
    bool unknown = sh->args_unknown;
    struct span arg[SHELL_ARGS_MAX];
    uint16_t at[SHELL_ARGS_MAX];
    memcpy(arg, sh->arg, sizeof arg);
    memcpy(at, sh->arg_at, sizeof at);
    shell_positional(sh, &sh->cmd, script + 1, 0);
    shell_nested(sh, argv_word(&sh->cmd, script));
    memcpy(sh->arg, arg, sizeof arg);
    memcpy(sh->arg_at, at, sizeof at);
    sh->n_args = n;
    sh->args_unknown = unknown;
}

/* Commands that fail only when the script does: what follows them behind && runs. */
static bool prepares(struct span name) {
    static const char *const names[] = {"cd",      "export", "source", ".",    "set",      "pip",
                                        "pip3",    "mkdir",  "apt",    "echo", "ulimit",   "sleep",
                                        "apt-get", "true",   "git",    ":",    "ldconfig", NULL};
    return name.n == 0 || one_of(name, names);
}

bool shell_builtin(struct shell *sh) {
    static const char *const exports[] = {"export",   "declare", "local",
                                          "readonly", "typeset", NULL};
    static const char *const reads[] = {"read", "mapfile", "readarray", "getopts", NULL};
    struct span name = argv_word(&sh->cmd, 0);
    unsigned script = 0;
    sh->prepares = prepares(name);
    if (name.n == 0 || span_is(name, ":")) {
        return true;
    }
    if (one_of(name, exports)) {
        export_names(sh);
    } else if (span_is(name, "unset")) {
        change_names(sh, shell_unset);
    } else if (one_of(name, reads)) {
        change_names(sh, shell_set_unknown);
    } else if (span_is(name, "printf") && span_is(argv_word(&sh->cmd, 1), "-v")) {
        shell_set_unknown(sh, argv_word(&sh->cmd, 2));
    } else if (span_is(name, "let")) {
        run_let(sh);
    } else if (span_is(name, "shift")) {
        run_shift(sh);
    } else if (span_is(name, "source") || span_is(name, ".")) {
        run_source(sh);
    } else if (span_is(name, "eval")) {
        run_eval(sh, 1);
    } else if (span_is(name, "set")) {
        if (span_is(argv_word(&sh->cmd, 1), "--")) {
            shell_positional(sh, &sh->cmd, 2, 1);
        }
    } else if (shell_is_script(&sh->cmd, &script)) {
        run_script(sh, script);
    } else {
        return false;
    }
    return true;
}
