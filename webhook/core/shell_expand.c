#include "topology/buf.h"
#include "webhook/core/expand.h"
#include "webhook/core/shell_state.h"

#define NAME_MAX_LEN 64

static bool name_char(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

size_t shell_name_len(struct span s) {
    size_t n = 0;
    while (n < s.n && n < NAME_MAX_LEN && name_char(s.p[n], n == 0)) {
        n++;
    }
    return n;
}

static void end_word(struct shell *sh) {
    argv_end(&sh->cmd, sh->word_at);
    sh->word_at = sh->at;
}

/* A value into the open word. Elements of an array are words of their own; outside quotes spaces
 * end a word. */
static void put_value(struct shell *sh, struct span value, bool split) {
    struct argv *v = &sh->cmd;
    sh->work += (unsigned)value.n;
    if (sh->work > SHELL_WORK_MAX) {
        argv_char(v, MARK_UNKNOWN);
        return;
    }
    for (size_t i = 0; i < value.n && !v->overflow; i++) {
        char c = value.p[i];
        if (c == MARK_SPLIT || (split && span_is_space(c))) {
            end_word(sh);
        } else {
            argv_char(v, c);
        }
    }
}

/* "$@": each a word of its own, that stands where it was given. */
static void put_args(struct shell *sh, bool split) {
    for (unsigned i = 1; i < sh->n_args && !sh->cmd.overflow; i++) {
        if (i > 1) {
            end_word(sh);
        }
        argv_open(&sh->cmd);
        sh->word_at = sh->arg_at[i];
        put_value(sh, sh->arg[i], split);
    }
    if (sh->args_unknown) {
        argv_char(&sh->cmd, MARK_UNKNOWN);
    }
}

/* $@, $* and $0 to $9. */
static void put_positional(struct shell *sh, char c, bool split) {
    unsigned i = (unsigned)(c - '0');
    if (c == '@' || c == '*') {
        put_args(sh, split);
    } else if (sh->args_unknown) {
        argv_char(&sh->cmd, MARK_UNKNOWN);
    } else if (i < sh->n_args) {
        sh->word_at = sh->cmd.open ? sh->word_at : sh->arg_at[i];
        put_value(sh, sh->arg[i], split);
    } else {
        argv_char(&sh->cmd, MARK_UNDEFINED);
    }
}

/* Offset behind the bracket that closes the one at s[0]; s.n + 1 when it is never closed. Quotes
 * hide brackets. */
static size_t behind_bracket(struct span s, char open, char close) {
    unsigned depth = 0;
    char quote = '\0';
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\\' && quote != '\'') {
            i++;
        } else if (quote) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == open) {
            depth++;
        } else if (c == close && --depth == 0) {
            return i + 1;
        }
    }
    return s.n;
}

static void put_found(struct shell *sh, enum shell_found found, struct span value, bool split) {
    if (found == SHELL_KNOWN) {
        put_value(sh, value, split);
    } else {
        argv_char(&sh->cmd, found == SHELL_UNKNOWN ? MARK_UNKNOWN : MARK_UNDEFINED);
    }
}

static void put_var(struct shell *sh, struct span name, bool split) {
    char text[ENV_VALUE_MAX + 1] NOINIT;
    struct buf scratch = BUF_OVER(text);
    struct span value = {"", 0};
    put_found(sh, shell_get(sh, name, &scratch, &value), value, split);
}

/* Text inside ${A:-text}: its own expansions, nothing else. */
static void put_default(struct shell *sh, struct span s, bool split) {
    if (s.n > 1 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0]) {
        s = (struct span){s.p + 1, s.n - 2};
    }
    while (s.n) {
        size_t plain = span_find(s, '$');
        put_value(sh, span_upto(s, plain), split);
        s = span_from(s, plain);
        if (s.n) {
            s = span_from(s, shell_dollar(sh, s, split));
        }
    }
}

/* ${A:=text} is an assignment as well: of what was put behind `before`. */
static void take_default(struct shell *sh, bool assign, struct span name, unsigned before) {
    if (assign) {
        struct span value = {sh->cmd.text + before, sh->cmd.n_text - before};
        shell_set(sh, name, value, false);
    }
}

/* ${NAME}, ${NAME[@]}, ${NAME:-default} and its relatives; anything cleverer is unknown. */
static void put_braces(struct shell *sh, struct span inner, bool split) {
    size_t n = shell_name_len(inner);
    struct span name = span_upto(inner, n);
    struct span rest = span_from(inner, n);
    char text[ENV_VALUE_MAX + 1] NOINIT;
    struct buf scratch = BUF_OVER(text);
    struct span value = {"", 0};
    bool positional = inner.n == 1 && ((inner.p[0] >= '0' && inner.p[0] <= '9') ||
                                       inner.p[0] == '@' || inner.p[0] == '*');
    if (positional) {
        put_positional(sh, inner.p[0], split);
        return;
    }
    if (n == 0) {
        argv_char(&sh->cmd, MARK_UNKNOWN);
        return;
    }
    enum shell_found found = shell_get(sh, name, &scratch, &value);
    bool colon = rest.n && rest.p[0] == ':';
    struct span op = span_from(rest, colon);
    bool set = found == SHELL_KNOWN && (!colon || value.n);
    unsigned before = sh->cmd.n_text;
    if (rest.n == 0 || span_is(rest, "[@]") || span_is(rest, "[*]")) {
        put_found(sh, found, value, split);
    } else if (op.n && (op.p[0] == '-' || op.p[0] == '=') && found != SHELL_UNKNOWN) {
        if (set) {
            put_value(sh, value, split);
        } else {
            put_default(sh, span_from(op, 1), split && op.p[0] != '=');
            take_default(sh, op.p[0] == '=', name, before);
        }
    } else if (op.n && op.p[0] == '?' && found == SHELL_KNOWN) {
        put_value(sh, value, split);
    } else if (op.n && op.p[0] == '+' && found != SHELL_UNKNOWN) {
        if (set) {
            put_default(sh, span_from(op, 1), split);
        }
    } else {
        argv_char(&sh->cmd, MARK_UNKNOWN);
    }
}

static size_t dollar_paren(struct shell *sh, struct span s) {
    size_t n = behind_bracket(span_from(s, 1), '(', ')') + 1;
    int64_t number = 0;
    bool arithmetic = s.n > 2 && s.p[2] == '(' && n >= 6;
    if (arithmetic && shell_arithmetic(sh, span_upto(span_from(s, 3), n - 5), &number)) {
        char digits[24];
        struct buf b = BUF_OVER(digits);
        buf_i64(&b, number);
        argv_put(&sh->cmd, buf_view(&b));
    } else {
        argv_char(&sh->cmd, MARK_UNKNOWN);
    }
    return n;
}

size_t shell_dollar(struct shell *sh, struct span s, bool split) {
    char next = s.n > 1 ? s.p[1] : '\0';
    size_t n = shell_name_len(span_from(s, 1));
    if (sh->depth > SHELL_DEPTH_MAX) {
        sh->lost = true;
        return s.n;
    }
    if (next == '(') {
        return dollar_paren(sh, s);
    }
    if (next == '{') {
        size_t behind = behind_bracket(span_from(s, 1), '{', '}');
        sh->depth++;
        put_braces(sh, span_upto(span_from(s, 2), behind >= 2 ? behind - 2 : 0), split);
        sh->depth--;
        return behind + 1;
    }
    if (n) {
        put_var(sh, span_upto(span_from(s, 1), n), split);
        return n + 1;
    }
    if (next == '@' || next == '*' || (next >= '0' && next <= '9')) {
        put_positional(sh, next, split);
        return 2;
    }
    if (next == '#' || next == '?' || next == '$' || next == '!') {
        argv_char(&sh->cmd, MARK_UNKNOWN);
        return 2;
    }
    argv_char(&sh->cmd, '$');
    return 1;
}
