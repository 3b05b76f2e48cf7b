#include "topology/buf.h"
#include "webhook/core/expand.h"
#include "webhook/core/shell_state.h"

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
    size_t n = shell_name_len(m->s);
    if (n) {
        char text[ENV_VALUE_MAX + 1] NOINIT;
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

/* Every operand stays within SUM_MAX, so that no step overflows. */
static int64_t bounded(struct sum *m, int64_t v) {
    m->bad = m->bad || v > SUM_MAX || v < -SUM_MAX;
    return m->bad ? 0 : v;
}

static int64_t product_of(struct sum *m) {
    int64_t v = atom(m);
    for (char c = sum_peek(m); !m->bad && (c == '*' || c == '/' || c == '%'); c = sum_peek(m)) {
        m->s = span_from(m->s, 1);
        int64_t w = atom(m);
        if (w == 0 && c != '*') {
            m->bad = true;
            return 0;
        }
        v = bounded(m, c == '*' ? v * w : c == '/' ? v / w : v % w);
    }
    return v;
}

static int64_t sum_of(struct sum *m) {
    int64_t v = product_of(m);
    for (char c = sum_peek(m); !m->bad && (c == '+' || c == '-'); c = sum_peek(m)) {
        m->s = span_from(m->s, 1);
        int64_t w = product_of(m);
        v = bounded(m, c == '+' ? v + w : v - w);
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
