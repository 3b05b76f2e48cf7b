#include "webhook/core/shell.h"

#include "topology/buf.h"
#include "webhook/core/engine.h"
#include "webhook/core/expand.h"
#include "webhook/core/shell_state.h"

/* Assignments in front of one command that are taken back behind it. */
#define PREFIX_MAX 8

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

static bool is_script_at(const struct argv *v, unsigned from, unsigned *script) {
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

bool shell_is_script(const struct argv *v, unsigned *script) {
    static const char *const shells[] = {"sh", "bash", "ash", "dash", "zsh", "ksh", NULL};
    bool launched = engine_is_launcher(argv_word(v, 0));
    for (unsigned i = 0; i == 0 || (launched && i < v->n); i++) {
        if (one_of(basename_of(argv_word(v, i)), shells)) {
            return is_script_at(v, i, script);
        }
    }
    return false;
}

/* The name behind `for` takes each of the words behind `in`. */
static void loop_variable(struct shell *sh, unsigned at) {
    struct span name = argv_word(&sh->cmd, at);
    if (name.n && shell_name_len(name) == name.n) {
        shell_set_unknown(sh, name);
    }
}

static bool nest_keyword(struct shell *sh, struct span w) {
    static const char *const opens[] = {"if", "while", "until", NULL};
    static const char *const closes[] = {"fi", "done", "esac", NULL};
    static const char *const turns[] = {"else", "elif", NULL};
    if (one_of(w, opens)) {
        shell_nest_enter(sh, NEST_BLOCK);
    } else if (one_of(w, closes)) {
        shell_nest_leave(sh, NEST_BLOCK);
    } else if (one_of(w, turns)) {
        shell_nest_leave(sh, NEST_BLOCK);
        shell_nest_enter(sh, NEST_BLOCK);
    } else if (span_is(w, "{")) {
        shell_nest_enter(sh, sh->function ? NEST_FUNCTION : NEST_GROUP);
        sh->function = false;
    } else if (span_is(w, "}")) {
        shell_nest_close_group(sh);
    } else {
        return false;
    }
    return true;
}

/* Words that stand in front of a command without being it. *drop: the whole line is none. */
static unsigned skip_keywords(struct shell *sh, bool *drop) {
    static const char *const lists[] = {"for", "case", "select", NULL};
    static const char *const passes[] = {"then",    "do",    "!",       "time", "exec",
                                         "command", "nohup", "builtin", NULL};
    unsigned i = 0;
    for (; i < sh->cmd.n; i++) {
        struct span w = argv_word(&sh->cmd, i);
        if (span_is(w, "function")) {
            sh->function = true;
            i++; /* its name */
            continue;
        }
        if (one_of(w, lists)) {
            *drop = true;
            shell_nest_enter(sh, NEST_BLOCK);
            loop_variable(sh, span_is(w, "case") ? sh->cmd.n : i + 1);
            return i;
        }
        if (!nest_keyword(sh, w) && !one_of(w, passes)) {
            break;
        }
    }
    return i < sh->cmd.n ? i : sh->cmd.n;
}

void shell_nested(struct shell *sh, struct span text) {
    bool fits = text.n <= SHELL_TEXT_MAX - sh->n_text;
    struct span script = shell_keep(sh, text);
    if (sh->depth >= SHELL_DEPTH_MAX || !fits) {
        sh->lost = true;
        return;
    }
    sh->depth++;
    shell_lex(sh, script);
    sh->depth--;
}

/* Drops the first n words of the command. */
static void drop_words(struct argv *v, unsigned n) {
    for (unsigned i = n; n && i < v->n; i++) {
        v->start[i - n] = v->start[i];
        v->len[i - n] = v->len[i];
        v->at[i - n] = v->at[i];
    }
    v->n -= n;
}

/* A=1 program: A is set for the program alone. */
static void run_with_prefix(struct shell *sh, unsigned from, unsigned behind) {
    struct shell_var saved[PREFIX_MAX];
    unsigned index[PREFIX_MAX];
    unsigned n_vars = sh->n_vars;
    unsigned n = 0;
    for (unsigned i = from; i < behind; i++) {
        struct span w = argv_word(&sh->cmd, i);
        struct shell_var *v = shell_var_of(sh, span_upto(w, shell_name_len(w)));
        if (v && n < PREFIX_MAX) {
            index[n] = (unsigned)(v - sh->var);
            saved[n++] = *v;
        }
    }
    (void)shell_assign(sh, from, false);
    for (unsigned i = from; i < behind; i++) {
        struct span w = argv_word(&sh->cmd, i);
        struct shell_var *v = shell_var_of(sh, span_upto(w, shell_name_len(w)));
        if (v) {
            v->exported = true;
        }
    }
    drop_words(&sh->cmd, behind);
    if (!shell_builtin(sh)) {
        sh->ask->sink(sh->ask->ctx, &sh->cmd, sh);
    }
    for (unsigned i = n; i-- > 0;) {
        sh->var[index[i]] = saved[i];
    }
    sh->n_vars = n_vars;
}

static unsigned count_assignments(const struct argv *v, unsigned from) {
    unsigned i = from;
    for (; i < v->n; i++) {
        struct span w = argv_word(v, i);
        size_t n = shell_name_len(w);
        bool plus = n && n + 1 < w.n && w.p[n] == '+' && w.p[n + 1] == '=';
        if (n == 0 || n >= w.n || (w.p[n] != '=' && !plus)) {
            break;
        }
    }
    return i;
}

void shell_command(struct shell *sh) {
    bool drop = false;
    unsigned front = skip_keywords(sh, &drop);
    unsigned behind = count_assignments(&sh->cmd, front);
    if (drop || sh->cmd.n == 0) {
        sh->prepares = false;
    } else if (behind == sh->cmd.n) {
        (void)shell_assign(sh, front, false);
        sh->prepares = front == 0;
    } else if (behind > front) {
        run_with_prefix(sh, front, behind);
    } else {
        drop_words(&sh->cmd, front);
        if (!shell_builtin(sh)) {
            sh->ask->sink(sh->ask->ctx, &sh->cmd, sh);
        }
        sh->prepares = sh->prepares && front == 0;
    }
    argv_reset(&sh->cmd, ARGV_TEXT_MAX);
}

enum shell_exported shell_exported(struct shell *sh, const char *name, struct span *value) {
    const struct shell_var *v = shell_var_of(sh, span_of(name));
    if (!v || !v->exported) {
        return EXPORT_NOT_HERE;
    }
    *value = v->value;
    return v->unset ? EXPORT_UNSET : span_marked(v->value) ? EXPORT_UNKNOWN : EXPORT_KNOWN;
}

bool shell_conditional(const struct shell *sh) {
    for (unsigned i = 1; i <= sh->n_nest; i++) {
        if (sh->nest[i] == NEST_BLOCK || sh->nest[i] == NEST_TESTED || sh->nest[i] == NEST_EITHER) {
            return true;
        }
    }
    return false;
}

bool shell_read(const struct shell_ask *ask, const struct argv *v, unsigned script) {
    struct shell sh = {.ask = ask, .at = v->at[script], .steps = ENV_STEPS_MAX};
    struct span text = argv_word(v, script);
    bool cut = v->word_max < ARGV_TEXT_MAX && text.n > v->word_max;
    sh.word_at = sh.at;
    shell_positional(&sh, v, script + 1, 0);
    shell_lex(&sh, text);
    return !sh.lost && !v->overflow && !cut;
}
