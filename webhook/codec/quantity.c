/* Kubernetes' way of writing numbers (resource.Quantity): "2", "2e0", "2000m", "1k", "1Ki". The API
 * server sends the shortest form; manifests and custom resources have what people wrote. */
#include "webhook/codec/parts.h"

#define DIGITS_MAX 32 /* of the exponent's value, and of the fraction */

/* number * 10^ten * 1024^kibi */
struct quantity {
    uint64_t number;
    int ten;
    unsigned kibi;
    bool zero;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Digits with at most one dot. What is behind 64 bits fails, unless it is a zero of the fraction.
 */
static bool cut_number(struct span *s, struct quantity *q) {
    unsigned digits = 0;
    bool dot = false;
    size_t i = 0;
    for (; i < s->n && (is_digit(s->p[i]) || (s->p[i] == '.' && !dot)); i++) {
        if (s->p[i] == '.') {
            dot = true;
            continue;
        }
        uint64_t digit = (uint64_t)(s->p[i] - '0');
        digits++;
        if (q->number > (UINT64_MAX - digit) / 10 || q->ten <= -DIGITS_MAX) {
            return false;
        }
        q->number = q->number * 10 + digit;
        q->ten -= dot;
    }
    *s = span_from(*s, i);
    q->zero = q->number == 0;
    return digits > 0;
}

static bool cut_exponent(struct span s, struct quantity *q) {
    uint64_t n = 0;
    bool minus = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
        s = span_from(s, 1);
    }
    if (!span_u64(s, DIGITS_MAX, &n)) {
        return false;
    }
    q->ten += minus ? -(int)n : (int)n;
    return true;
}

static bool read_suffix(struct span s, struct quantity *q) {
    static const struct {
        const char *name;
        int ten;
        unsigned kibi;
    } rows[] = {{"", 0, 0},   {"n", -9, 0}, {"u", -6, 0}, {"m", -3, 0}, {"k", 3, 0},  {"M", 6, 0},
                {"G", 9, 0},  {"T", 12, 0}, {"P", 15, 0}, {"E", 18, 0}, {"Ki", 0, 1}, {"Mi", 0, 2},
                {"Gi", 0, 3}, {"Ti", 0, 4}, {"Pi", 0, 5}, {"Ei", 0, 6}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (span_is(s, rows[i].name)) {
            q->ten += rows[i].ten;
            q->kibi = rows[i].kibi;
            return true;
        }
    }
    return s.n > 1 && (s.p[0] == 'e' || s.p[0] == 'E') && cut_exponent(span_from(s, 1), q);
}

static bool read(struct span s, struct quantity *out) {
    struct quantity q = {0};
    s = span_trim(s);
    if (s.n && s.p[0] == '+') {
        s = span_from(s, 1);
    }
    if (!cut_number(&s, &q) || !read_suffix(s, &q)) {
        return false;
    }
    *out = q;
    return true;
}

/* false: no whole number, or more than 64 bits on the way. */
static bool whole(const struct quantity *q, uint64_t *out) {
    uint64_t n = q->number;
    for (unsigned i = 0; n && i < q->kibi; i++) {
        if (n > UINT64_MAX / 1024) {
            return false;
        }
        n *= 1024;
    }
    for (int i = q->ten; n && i > 0; i--) {
        if (n > UINT64_MAX / 10) {
            return false;
        }
        n *= 10;
    }
    for (int i = q->ten; n && i < 0; i++) {
        if (n % 10) {
            return false;
        }
        n /= 10;
    }
    *out = n;
    return true;
}

bool count_decode(const struct json *v, uint32_t *out, struct err *e) {
    uint64_t n = 0;
    struct span text = {0};
    struct quantity q;
    if (json_as_u64(v, COUNT_MAX, &n)) {
        *out = (uint32_t)n;
        return true;
    }
    if (json_as_str(v, &text)) {
        if (read(text, &q) && whole(&q, &n) && n <= COUNT_MAX) {
            *out = (uint32_t)n;
            return true;
        }
        return err_set(e, ERR_INPUT, "wants a whole number up to %d, found \"" SPAN_FMT "\"",
                       COUNT_MAX, SPAN_ARG(span_upto(text, 40)));
    }
    return err_set(e, ERR_INPUT, "wants a whole number up to %d, found %s", COUNT_MAX,
                   json_kind_name(json_kind(v)));
}

bool quantity_is_zero(const struct json *v) {
    uint64_t n = 1;
    struct span text = {0};
    struct quantity q;
    return json_as_str(v, &text) ? read(text, &q) && q.zero : json_as_u64(v, 0, &n);
}
