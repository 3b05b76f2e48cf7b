#include "topology/buf.h"
#include "webhook/core/expand.h"
#include "webhook/core/shell_state.h"

#define NAME_MAX_LEN 64

static bool name_char(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static size_t name_len(struct span s) {
    size_t n = 0;
    while (n < s.n && n < NAME_MAX_LEN && name_char(s.p[n], n == 0)) {
        n++;
    }
    return n;
}

/* A value into the open word. Elements of an array are words of their own; outside quotes spaces
 * end a word. */
static void put_value(struct shell *sh, struct span value, bool split) {
    struct argv *v = &sh->cmd;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == MARK_SPLIT || (split && span_is_space(c))) {
            argv_end(v, sh->at);
        } else {
            argv_char(v, c);
        }
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

enum shell_found shell_get(struct shell *sh, struct span name, struct buf *scratch,
                           struct span *value) {
    for (unsigned i = sh->n_vars; i-- > 0;) {
        if (span_eq(sh->var[i].name, name)) {
            *value = sh->var[i].value;
            return SHELL_KNOWN;
        }
    }
    switch (env_read_span(sh->ask->pod, sh->ask->container, name, scratch, NULL)) {
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

static void put_found(struct shell *sh, enum shell_found found, struct span value, bool split) {
    if (found == SHELL_KNOWN) {
        put_value(sh, value, split);
    } else {
        argv_char(&sh->cmd, found == SHELL_UNKNOWN ? MARK_UNKNOWN : MARK_UNDEFINED);
    }
}

static void put_var(struct shell *sh, struct span name, bool split) {
    char text[ENV_VALUE_MAX + 1];
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

/* ${NAME}, ${NAME[@]}, ${NAME:-default} and its relatives; anything cleverer is unknown. */
static void put_braces(struct shell *sh, struct span inner, bool split) {
    size_t n = name_len(inner);
    struct span name = span_upto(inner, n);
    struct span rest = span_from(inner, n);
    char text[ENV_VALUE_MAX + 1];
    struct buf scratch = BUF_OVER(text);
    struct span value = {"", 0};
    bool positional =
        inner.n == 1 && ((inner.p[0] >= '0' && inner.p[0] <= '9') || inner.p[0] == '@');
    if (positional) {
        put_var(sh, inner, split);
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
    if (rest.n == 0 || span_is(rest, "[@]") || span_is(rest, "[*]")) {
        put_found(sh, found, value, split);
    } else if (op.n && (op.p[0] == '-' || op.p[0] == '=') && found != SHELL_UNKNOWN) {
        if (set) {
            put_value(sh, value, split);
        } else {
            put_default(sh, span_from(op, 1), split);
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
    size_t n = name_len(span_from(s, 1));
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
        put_var(sh, next == '*' ? SPAN("@") : span_upto(span_from(s, 1), 1), split);
        return 2;
    }
    if (next == '#' || next == '?' || next == '$' || next == '!') {
        argv_char(&sh->cmd, MARK_UNKNOWN);
        return 2;
    }
    argv_char(&sh->cmd, '$');
    return 1;
}

/* ---- $(( )) ---- */

struct sum {
    struct shell *sh;
    struct span s;
    unsigned depth;
    bool bad;
};
#define SUM_MAX 1000000000

static int64_t sum_of(struct sum *m);

static char sum_peek(struct sum *m) {
    m->s = span_trim(m->s);
    return m->s.n ? m->s.p[0] : '\0';
}

static int64_t number_of(struct sum *m, struct span text) {
    uint32_t n = 0;
    if (!span_u32(span_trim(text), SUM_MAX, &n)) {
        m->bad = true;
    }
    return n;
}

static int64_t atom(struct sum *m) {
    char c = sum_peek(m);
    if (c == '(' && m->depth < SHELL_DEPTH_MAX) {
        m->s = span_from(m->s, 1);
        m->depth++;
        int64_t v = sum_of(m);
        m->depth--;
        m->bad = m->bad || sum_peek(m) != ')';
        m->s = span_from(m->s, 1);
        return v;
    }
    if (c == '$') {
        m->s = span_from(m->s, m->s.n > 1 && m->s.p[1] == '{' ? 2 : 1);
    }
    size_t n = name_len(m->s);
    if (n) {
        char text[ENV_VALUE_MAX + 1];
        struct buf scratch = BUF_OVER(text);
        struct span value = {"", 0};
        enum shell_found f = shell_get(m->sh, span_upto(m->s, n), &scratch, &value);
        m->s = span_from(m->s, n);
        m->s = m->s.n && m->s.p[0] == '}' ? span_from(m->s, 1) : m->s;
        m->bad = m->bad || f != SHELL_KNOWN;
        return number_of(m, value);
    }
    while (n < m->s.n && m->s.p[n] >= '0' && m->s.p[n] <= '9') {
        n++;
    }
    int64_t v = number_of(m, span_upto(m->s, n));
    m->s = span_from(m->s, n);
    return v;
}

static int64_t product_of(struct sum *m) {
    int64_t v = atom(m);
    for (char c = sum_peek(m); !m->bad && (c == '*' || c == '/' || c == '%'); c = sum_peek(m)) {
        m->s = span_from(m->s, 1);
        int64_t w = atom(m);
        if ((w == 0 && c != '*') || v > SUM_MAX || v < -SUM_MAX) {
            m->bad = true;
            return 0;
        }
        v = c == '*' ? v * w : c == '/' ? v / w : v % w;
    }
    return v;
}

static int64_t sum_of(struct sum *m) {
    int64_t v = product_of(m);
    for (char c = sum_peek(m); !m->bad && (c == '+' || c == '-'); c = sum_peek(m)) {
        m->s = span_from(m->s, 1);
        int64_t w = product_of(m);
        v = c == '+' ? v + w : v - w;
    }
    return v;
}

bool shell_arithmetic(struct shell *sh, struct span s, int64_t *out) {
    struct sum m = {.sh = sh, .s = s};
    int64_t v = sum_of(&m);
    if (m.bad || sum_peek(&m) != '\0') {
        return false;
    }
    *out = v;
    return true;
}
