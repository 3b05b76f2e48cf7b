#include "topology/buf.h"
#include "webhook/core/shell_state.h"

struct lex {
    struct shell *sh;
    struct span in;
    size_t i;
    struct span heredoc; /* its body starts behind the next line end; p NULL none */
    bool discard;        /* the word that comes is the target of a redirection */
};

static char at(const struct lex *x, size_t ahead) {
    return x->i + ahead < x->in.n ? x->in.p[x->i + ahead] : '\0';
}

static void end_word(struct lex *x) {
    struct argv *v = &x->sh->cmd;
    if (v->open && x->discard) {
        v->open = false;
        v->n_text = v->start[v->n];
        x->discard = false;
        return;
    }
    argv_end(v, x->sh->word_at);
    x->sh->word_at = x->sh->at;
}

static void end_command(struct lex *x) {
    end_word(x);
    if (!x->sh->array.p) {
        shell_command(x->sh);
    }
}

static void single_quotes(struct lex *x) {
    struct span rest = span_from(x->in, x->i + 1);
    size_t n = span_find(rest, '\'');
    argv_put(&x->sh->cmd, span_upto(rest, n));
    x->i += n + 2;
}

/* Behind the opening quote up to behind the closing one. */
static void double_quotes(struct lex *x) {
    struct argv *v = &x->sh->cmd;
    argv_open(v);
    x->i++;
    while (x->i < x->in.n && at(x, 0) != '"') {
        char c = at(x, 0);
        char next = at(x, 1);
        if (c == '\\' && next == '\n') {
            x->i += 2;
        } else if (c == '\\' && (next == '"' || next == '\\' || next == '$' || next == '`')) {
            argv_char(v, next);
            x->i += 2;
        } else if (c == '$') {
            x->i += shell_dollar(x->sh, span_from(x->in, x->i), false);
        } else if (c == '`') {
            argv_char(v, MARK_UNKNOWN);
            x->i += span_find(span_from(x->in, x->i + 1), '`') + 2;
        } else {
            argv_char(v, c);
            x->i++;
        }
    }
    x->i++;
}

static bool only_digits(struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return s.n > 0;
}

/* 2>file, >>file, 2>&1, <file, <<EOF, &>file: none of it is an argument. */
static void redirection(struct lex *x) {
    struct argv *v = &x->sh->cmd;
    if (v->open) {
        struct span word = {v->text + v->start[v->n], v->len[v->n]};
        x->discard = x->discard || only_digits(word);
        end_word(x);
    }
    bool here = at(x, 0) == '<' && at(x, 1) == '<' && at(x, 2) != '<';
    while (at(x, 0) == '<' || at(x, 0) == '>' || at(x, 0) == '&' || at(x, 0) == '|') {
        x->i++;
    }
    if (!here) {
        x->discard = true;
        return;
    }
    x->i += at(x, 0) == '-';
    while (at(x, 0) == ' ') {
        x->i++;
    }
    struct span rest = span_from(x->in, x->i);
    size_t n = 0;
    while (n < rest.n && !span_is_space(rest.p[n]) && rest.p[n] != ';') {
        n++;
    }
    x->i += n;
    struct span word = span_upto(rest, n);
    bool quoted = word.n > 1 && (word.p[0] == '\'' || word.p[0] == '"');
    x->heredoc = quoted ? (struct span){word.p + 1, word.n - 2} : word;
}

static void skip_heredoc(struct lex *x) {
    struct span rest = span_from(x->in, x->i);
    struct span line = {"", 0};
    while (rest.n) {
        line = span_line(&rest);
        if (span_eq(span_trim(line), x->heredoc)) {
            break;
        }
    }
    x->i = x->in.n - rest.n;
    x->heredoc.p = NULL;
}

static void line_end(struct lex *x) {
    end_command(x);
    shell_nest_end_list(x->sh);
    x->i++;
    if (x->heredoc.p) {
        skip_heredoc(x);
    }
}

/* ; & && | || */
static void separator(struct lex *x) {
    char c = at(x, 0);
    if (c == '&' && at(x, 1) == '>') {
        end_word(x);
        redirection(x);
        return;
    }
    end_command(x);
    bool twice = at(x, 1) == c;
    if (twice && c != ';') {
        shell_nest_next(x->sh, c == '|');
    } else if (c != '|') {
        shell_nest_end_list(x->sh);
    }
    if (twice && c == ';') {
        shell_nest_leave(x->sh, NEST_BLOCK);
        shell_nest_enter(x->sh, NEST_BLOCK);
    }
    x->i += twice ? 2 : 1;
}

/* Does an assignment stand at the front of s (=, +=, ++, but not == or a comparison)? */
static bool assigns(struct span s) {
    while (s.n && span_is_space(s.p[0])) {
        s = span_from(s, 1);
    }
    bool twice = span_starts(s, "++") || span_starts(s, "--");
    size_t op = s.n && memchr("+-*/%&|^", s.p[0], 8) ? 1 : 0;
    bool equals = s.n > op && s.p[op] == '=' && !(s.n > op + 1 && s.p[op + 1] == '=');
    return twice || equals;
}

/* ((TP++)), for ((i = 0; ...)): what is assigned there becomes unknown. */
static void arithmetic_command(struct lex *x) {
    struct span rest = span_from(x->in, x->i);
    struct span s = span_upto(rest, span_search(rest, "))"));
    x->i += s.n + 2;
    s = span_from(s, 2);
    while (s.n) {
        size_t n = shell_name_len(s);
        bool changes = n && assigns(span_from(s, n));
        if (changes) {
            shell_set_unknown(x->sh, span_upto(s, n));
        }
        s = span_from(s, n ? n : 1);
    }
}

/* NAME=( or NAME+=( opens an array; any other parenthesis opens a subshell or a function's (). */
static void open_paren(struct lex *x) {
    struct argv *v = &x->sh->cmd;
    struct span word = {v->open ? v->text + v->start[v->n] : "", v->open ? v->len[v->n] : 0};
    if (!v->open && at(x, 1) == '(') {
        arithmetic_command(x);
        return;
    }
    x->i++;
    if (word.n > 1 && word.p[word.n - 1] == '=' && v->n == 0) {
        bool append = word.n > 2 && word.p[word.n - 2] == '+';
        struct span name = shell_keep(x->sh, span_upto(word, word.n - (append ? 2 : 1)));
        argv_reset(v, ARGV_TEXT_MAX);
        x->sh->array = name;
        x->sh->array_append = append;
        return;
    }
    end_command(x);
    x->sh->function = x->sh->function || at(x, 0) == ')';
    shell_nest_enter(x->sh, NEST_SUBSHELL);
}

static void close_array(struct lex *x) {
    struct shell *sh = x->sh;
    char text[SHELL_TEXT_MAX / 2] NOINIT;
    struct buf value = BUF_OVER(text);
    for (unsigned i = 0; i < sh->cmd.n; i++) {
        if (i) {
            buf_char(&value, MARK_SPLIT);
        }
        buf_span(&value, argv_word(&sh->cmd, i));
    }
    struct span name = sh->array;
    sh->array.p = NULL;
    shell_set(sh, name, buf_ok(&value) && !sh->cmd.overflow ? buf_view(&value) : SPAN("\x01"),
              sh->array_append);
    sh->array_append = false;
    argv_reset(&sh->cmd, ARGV_TEXT_MAX);
}

static void close_paren(struct lex *x) {
    end_word(x);
    x->i++;
    if (x->sh->array.p) {
        close_array(x);
    } else if (x->sh->n_nest && x->sh->nest[x->sh->n_nest] == NEST_BLOCK && x->sh->cmd.n == 1) {
        argv_reset(&x->sh->cmd, ARGV_TEXT_MAX); /* a pattern of case */
    } else {
        bool pattern = span_is(argv_word(&x->sh->cmd, 0), "case");
        shell_command(x->sh);
        if (!pattern) {
            shell_nest_leave(x->sh, NEST_SUBSHELL);
        }
    }
}

static void backslash(struct lex *x) {
    if (at(x, 1) != '\n' && x->i + 1 < x->in.n) {
        argv_char(&x->sh->cmd, at(x, 1));
    }
    x->i += at(x, 1) == '\r' && at(x, 2) == '\n' ? 3 : 2;
}

static void step(struct lex *x) {
    struct argv *v = &x->sh->cmd;
    char c = at(x, 0);
    switch (c) {
    case '\\':
        backslash(x);
        break;
    case '\'':
        single_quotes(x);
        break;
    case '"':
        double_quotes(x);
        break;
    case '$':
        x->i += shell_dollar(x->sh, span_from(x->in, x->i), true);
        break;
    case '`':
        argv_char(v, MARK_UNKNOWN);
        x->i += span_find(span_from(x->in, x->i + 1), '`') + 2;
        break;
    case '\n':
        line_end(x);
        break;
    case ';':
    case '&':
    case '|':
        separator(x);
        break;
    case '<':
    case '>':
        redirection(x);
        break;
    case '(':
        open_paren(x);
        break;
    case ')':
        close_paren(x);
        break;
    case ' ':
    case '\t':
    case '\r':
        end_word(x);
        x->i++;
        break;
    default:
        if (c == '#' && !v->open) {
            x->i += span_find(span_from(x->in, x->i), '\n');
        } else {
            argv_char(v, c);
            x->i++;
        }
        break;
    }
}

void shell_lex(struct shell *sh, struct span text) {
    struct lex x = {.sh = sh, .in = text};
    argv_reset(&sh->cmd, ARGV_TEXT_MAX);
    while (x.i < text.n) {
        step(&x);
    }
    end_command(&x);
    sh->array.p = NULL;
}
