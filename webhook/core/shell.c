#include "webhook/core/shell.h"

#include "topology/buf.h"
#include "webhook/core/shell_state.h"

static struct span basename_of(struct span s) {
    for (size_t i = s.n; i-- > 0;) {
        if (s.p[i] == '/') {
            return span_from(s, i + 1);
        }
    }
    return s;
}

static bool one_of(struct span s, const char *const *words) {
    for (; *words; words++) {
        if (span_is(s, *words)) {
            return true;
        }
    }
    return false;
}

bool shell_is_script(const struct argv *v, unsigned from, unsigned *script) {
    static const char *const shells[] = {"sh", "bash", "ash", "dash", "zsh", "ksh", NULL};
    if (!one_of(basename_of(argv_word(v, from)), shells)) {
        return false;
    }
    bool command = false;
    for (unsigned i = from + 1; i < v->n; i++) {
        struct span w = argv_word(v, i);
        bool option = w.n > 1 && (w.p[0] == '-' || w.p[0] == '+');
        if (!option) {
            *script = i;
            return command;
        }
        bool longer = w.p[1] == '-';
        command = command || (!longer && w.p[0] == '-' && span_find(w, 'c') < w.n);
        /* -o pipefail takes its name from the next word */
        i += !longer && w.p[w.n - 1] == 'o';
    }
    return false;
}

struct span shell_keep(struct shell *sh, struct span s) {
    if (s.n > SHELL_TEXT_MAX - sh->n_text) {
        sh->lost = true;
        return (struct span){"", 0};
    }
    char *at = sh->text + sh->n_text;
    if (s.n) {
        memcpy(at, s.p, s.n);
    }
    sh->n_text += (unsigned)s.n;
    return (struct span){at, s.n};
}

static struct shell_var *var_of(struct shell *sh, struct span name) {
    for (unsigned i = 0; i < sh->n_vars; i++) {
        if (span_eq(sh->var[i].name, name)) {
            return &sh->var[i];
        }
    }
    if (sh->n_vars == SHELL_VARS_MAX) {
        sh->lost = true;
        return NULL;
    }
    struct shell_var *v = &sh->var[sh->n_vars++];
    *v = (struct shell_var){.name = shell_keep(sh, name)};
    return v;
}

void shell_set(struct shell *sh, struct span name, struct span value, bool append) {
    struct shell_var *v = var_of(sh, name);
    if (!v) {
        return;
    }
    char text[SHELL_TEXT_MAX / 2];
    struct buf b = BUF_OVER(text);
    bool sure = !sh->conditions && !sh->maybe;
    if (append) {
        buf_span(&b, v->value);
        if (v->value.n && sh->array_append) {
            buf_char(&b, MARK_SPLIT);
        }
    }
    if (sure) {
        buf_span(&b, value);
    } else {
        buf_char(&b, MARK_UNKNOWN); /* set here or not: only the run can tell */
    }
    sh->lost = sh->lost || !buf_ok(&b);
    v->value = shell_keep(sh, buf_view(&b));
}

/* NAME=value or NAME+=value; the length of the name, 0 when the word is no assignment. */
static size_t assignment(struct span w, bool *append, struct span *value) {
    size_t eq = span_find(w, '=');
    if (eq == w.n || eq == 0) {
        return 0;
    }
    *append = eq > 1 && w.p[eq - 1] == '+';
    size_t n = *append ? eq - 1 : eq;
    for (size_t i = 0; i < n; i++) {
        char c = w.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i && c >= '0' && c <= '9')) {
            return 0;
        }
    }
    *value = span_from(w, eq + 1);
    return n;
}

/* Sets the variables of the assignments at the front (or of all words behind export); how many
 * words that was. */
static unsigned assign(struct shell *sh, unsigned from, bool all) {
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

/* Words that stand in front of a command without being it. *drop: the whole line is none. */
static unsigned skip_keywords(struct shell *sh, bool *drop) {
    static const char *const opens[] = {"if", "while", "until", NULL};
    static const char *const lists[] = {"for", "case", "select", "function", NULL};
    static const char *const closes[] = {"fi", "done", "esac", NULL};
    static const char *const passes[] = {"then", "do",   "else",    "elif",  "{",       "}", "!",
                                         "time", "exec", "command", "nohup", "builtin", NULL};
    unsigned i = 0;
    for (; i < sh->cmd.n; i++) {
        struct span w = argv_word(&sh->cmd, i);
        if (one_of(w, opens)) {
            sh->conditions++;
        } else if (one_of(w, closes)) {
            sh->conditions -= sh->conditions > 0;
        } else if (one_of(w, lists)) {
            sh->conditions += !span_is(w, "function");
            *drop = true;
            return i;
        } else if (!one_of(w, passes)) {
            break;
        }
    }
    return i;
}

static void positional(struct shell *sh, const struct argv *v, unsigned from, unsigned first);

/* eval and nested scripts: their text is read as a script of its own, in place. */
static void nested(struct shell *sh, struct span text) {
    struct span script = shell_keep(sh, text);
    if (sh->depth >= SHELL_DEPTH_MAX) {
        sh->lost = true;
        return;
    }
    sh->depth++;
    shell_lex(sh, script);
    sh->depth--;
}

static void run_eval(struct shell *sh, unsigned from) {
    char text[SHELL_TEXT_MAX / 2];
    struct buf b = BUF_OVER(text);
    for (unsigned i = from; i < sh->cmd.n; i++) {
        buf_span(&b, argv_word(&sh->cmd, i));
        buf_char(&b, ' ');
    }
    sh->lost = sh->lost || !buf_ok(&b);
    nested(sh, buf_view(&b));
}

/* Drops the first n words of the command. */
static void shift(struct argv *v, unsigned n) {
    for (unsigned i = n; n && i < v->n; i++) {
        v->start[i - n] = v->start[i];
        v->len[i - n] = v->len[i];
        v->at[i - n] = v->at[i];
    }
    v->n -= n;
}

static bool run_builtin(struct shell *sh) {
    static const char *const exports[] = {"export",   "declare", "local",
                                          "readonly", "typeset", NULL};
    struct span name = argv_word(&sh->cmd, 0);
    unsigned script = 0;
    if (one_of(name, exports)) {
        (void)assign(sh, 1, true);
        return true;
    }
    if (span_is(name, "eval")) {
        run_eval(sh, 1);
        return true;
    }
    if (span_is(name, "set") && span_is(argv_word(&sh->cmd, 1), "--")) {
        positional(sh, &sh->cmd, 2, 1);
        return true;
    }
    if (shell_is_script(&sh->cmd, 0, &script)) {
        positional(sh, &sh->cmd, script + 1, 0);
        nested(sh, argv_word(&sh->cmd, script));
        return true;
    }
    return false;
}

void shell_command(struct shell *sh) {
    bool drop = false;
    unsigned front = skip_keywords(sh, &drop);
    if (!drop) {
        front = assign(sh, front, false);
        shift(&sh->cmd, front);
        sh->lost = sh->lost || sh->cmd.overflow;
        if (sh->cmd.n && !run_builtin(sh)) {
            sh->ask->sink(sh->ask->ctx, &sh->cmd);
        }
    }
    argv_reset(&sh->cmd);
}

/* $0 or $1 from `from` on, and "$@". */
static void positional(struct shell *sh, const struct argv *v, unsigned from, unsigned first) {
    char all[SHELL_TEXT_MAX / 2];
    struct buf b = BUF_OVER(all);
    for (unsigned i = from; i < v->n; i++) {
        unsigned number = first + i - from;
        char name = (char)('0' + number);
        if (number < 10) {
            shell_set(sh, (struct span){&name, 1}, argv_word(v, i), false);
        }
        if (number > 0) {
            buf_str(&b, b.n ? "\x02" : "");
            buf_span(&b, argv_word(v, i));
        }
    }
    sh->lost = sh->lost || !buf_ok(&b);
    shell_set(sh, SPAN("@"), buf_view(&b), false);
}

bool shell_read(const struct shell_ask *ask, const struct argv *v, unsigned script) {
    struct shell sh = {.ask = ask, .at = v->at[script]};
    positional(&sh, v, script + 1, 0);
    shell_lex(&sh, argv_word(v, script));
    return !sh.lost && !v->overflow;
}
