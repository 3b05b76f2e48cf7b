/* YAML 1.1 core scalars as go-yaml v2 resolves them (sigs.k8s.io/yaml goyaml.v2/resolve.go): that
 * is what kubectl sends to the API server, so y, n, on and off are booleans here too, 017 is 15, 08
 * is 8, and dates stay strings. No float is computed: numbers are rewritten as text. */
#include "webhook/codec/yaml_tree.h"

#define TAG_PREFIX "tag:yaml.org,2002:"

static const struct word {
    const char *text;
    enum yaml_scalar_kind kind;
} words[] = {
    {"", YAML_IS_NULL},       {"~", YAML_IS_NULL},      {"null", YAML_IS_NULL},
    {"Null", YAML_IS_NULL},   {"NULL", YAML_IS_NULL},   {"y", YAML_IS_TRUE},
    {"Y", YAML_IS_TRUE},      {"yes", YAML_IS_TRUE},    {"Yes", YAML_IS_TRUE},
    {"YES", YAML_IS_TRUE},    {"true", YAML_IS_TRUE},   {"True", YAML_IS_TRUE},
    {"TRUE", YAML_IS_TRUE},   {"on", YAML_IS_TRUE},     {"On", YAML_IS_TRUE},
    {"ON", YAML_IS_TRUE},     {"n", YAML_IS_FALSE},     {"N", YAML_IS_FALSE},
    {"no", YAML_IS_FALSE},    {"No", YAML_IS_FALSE},    {"NO", YAML_IS_FALSE},
    {"false", YAML_IS_FALSE}, {"False", YAML_IS_FALSE}, {"FALSE", YAML_IS_FALSE},
    {"off", YAML_IS_FALSE},   {"Off", YAML_IS_FALSE},   {"OFF", YAML_IS_FALSE},
};

/* Infinity and not-a-number have no place in JSON. */
static bool is_not_finite(struct span s) {
    bool sign = s.n && (s.p[0] == '+' || s.p[0] == '-');
    struct span rest = span_from(s, sign ? 1 : 0);
    static const char *const inf[] = {".inf", ".Inf", ".INF"};
    static const char *const nan[] = {".nan", ".NaN", ".NAN"};
    for (size_t i = 0; i < 3; i++) {
        if (span_is(rest, inf[i]) || (!sign && span_is(rest, nan[i]))) {
            return true;
        }
    }
    return false;
}

static unsigned digit_of(char c) {
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    char low = span_lower(c);
    return low >= 'a' && low <= 'f' ? (unsigned)(low - 'a') + 10 : 99;
}

static struct span take_sign(struct span s, bool *minus) {
    *minus = s.n && s.p[0] == '-';
    return s.n && (s.p[0] == '-' || s.p[0] == '+') ? span_from(s, 1) : s;
}

/* Go's base 0: 0x, 0o, 0b, a leading 0 is octal too. */
static struct span take_base(struct span s, unsigned *base) {
    *base = 10;
    if (s.n < 2 || s.p[0] != '0') {
        return s;
    }
    char c = span_lower(s.p[1]);
    *base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
    return span_from(s, c == 'x' || c == 'b' || c == 'o' ? 2 : 1);
}

enum int_state { INT_NO, INT_YES, INT_TOO_LARGE };

static enum int_state read_int(struct span s, struct buf *out) {
    bool minus;
    unsigned base;
    struct span digits = take_base(take_sign(s, &minus), &base);
    uint64_t v = 0;
    bool large = false;
    for (size_t i = 0; i < digits.n; i++) {
        unsigned d = digit_of(digits.p[i]);
        if (d >= base) {
            return INT_NO;
        }
        large = large || v > (UINT64_MAX - d) / base;
        v = v * base + d;
    }
    if (digits.n == 0) {
        return INT_NO;
    }
    if (large || (minus && v > (uint64_t)1 << 63)) {
        return base == 10 ? INT_NO : INT_TOO_LARGE; /* decimal: a float may be larger */
    }
    if (minus && v) {
        buf_char(out, '-');
    }
    buf_u64(out, v);
    return INT_YES;
}

/* The digits of a decimal number without point and outer zeros: value = 0.DIGITS * 10^point. */
struct decimal {
    char digit[YAML_NUMBER_MAX];
    int n;
    int point;
    bool minus;
};

static size_t take_digits(struct span s, size_t at, struct decimal *d, bool whole) {
    for (; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++) {
        bool lead = d->n == 0 && s.p[at] == '0';
        if (!lead) {
            d->digit[d->n++] = s.p[at];
        }
        d->point += whole ? !lead : lead ? -1 : 0;
    }
    return at;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? and nothing else. */
static bool read_decimal(struct span s, struct decimal *d) {
    *d = (struct decimal){0};
    s = take_sign(s, &d->minus);
    size_t at = take_digits(s, 0, d, true);
    size_t seen = at;
    if (at < s.n && s.p[at] == '.') {
        size_t end = take_digits(s, at + 1, d, false);
        seen += end - at - 1;
        at = end;
    }
    if (seen == 0) {
        return false;
    }
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        bool down;
        uint32_t exp = 0;
        if (!span_u32(take_sign(span_from(s, at + 1), &down), 99999, &exp)) {
            return false;
        }
        d->point += down ? -(int)exp : (int)exp;
        at = s.n;
    }
    while (d->n && d->digit[d->n - 1] == '0') {
        d->n--;
    }
    return at == s.n;
}

/* As Go prints a float64 into JSON: plain between 1e-6 and 1e21, else with an exponent. */
static void put_decimal(const struct decimal *d, struct buf *out) {
    size_t n = (size_t)d->n;
    if (n == 0 || d->point < -330) {
        buf_char(out, '0');
        return;
    }
    if (d->minus) {
        buf_char(out, '-');
    }
    if (d->point > 21 || d->point < -5) {
        buf_char(out, d->digit[0]);
        if (n > 1) {
            buf_char(out, '.');
            buf_put(out, d->digit + 1, n - 1);
        }
        buf_fmt(out, "e%+d", d->point - 1);
    } else if (d->point <= 0) {
        buf_str(out, "0.");
        buf_fill(out, '0', (size_t)-d->point);
        buf_put(out, d->digit, n);
    } else {
        size_t point = (size_t)d->point;
        buf_put(out, d->digit, n < point ? n : point);
        buf_fill(out, '0', n < point ? point - n : 0);
        if (n > point) {
            buf_char(out, '.');
            buf_put(out, d->digit + point, n - point);
        }
    }
}

/* false: not a number, a string. */
static bool read_number(struct span s, struct yaml_scalar *out, bool *too_large) {
    char plain[YAML_NUMBER_MAX];
    struct buf p = BUF_OVER(plain);
    bool point_first = s.n && s.p[0] == '.';
    for (size_t i = 0; i < s.n && buf_ok(&p); i++) {
        if (s.p[i] != '_' || point_first) {
            buf_char(&p, s.p[i]);
        }
    }
    struct buf number = BUF_OVER(out->number);
    struct decimal d;
    if (!buf_ok(&p)) {
        return false;
    }
    enum int_state got = point_first ? INT_NO : read_int(buf_view(&p), &number);
    *too_large = got == INT_TOO_LARGE;
    if (got != INT_NO) {
        return true;
    }
    if (!read_decimal(buf_view(&p), &d) || d.point > 309) {
        return false;
    }
    put_decimal(&d, &number);
    return buf_ok(&number);
}

/* What text alone means, no tag said. */
static bool resolve_text(const struct yaml_node *n, struct yaml_scalar *out, struct err *e) {
    struct span s = n->text;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (span_is(s, words[i].text)) {
            out->kind = words[i].kind;
            return true;
        }
    }
    if (is_not_finite(s)) {
        return err_set(e, ERR_INPUT, "line %u: " SPAN_FMT " is no number that JSON knows", n->line,
                       SPAN_ARG(s));
    }
    out->kind = YAML_IS_STRING;
    char c = s.p[0];
    bool too_large = false;
    if (((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.') &&
        read_number(s, out, &too_large)) {
        out->kind = YAML_IS_NUMBER;
    }
    if (too_large) {
        return err_set(e, ERR_INPUT, "line %u: " SPAN_FMT " has more than 64 bits", n->line,
                       SPAN_ARG(span_upto(s, YAML_NUMBER_MAX)));
    }
    return true;
}

static bool tag_agrees(struct span word, const struct yaml_scalar *v) {
    switch (v->kind) {
    case YAML_IS_NULL:
        return span_is(word, "null");
    case YAML_IS_TRUE:
    case YAML_IS_FALSE:
        return span_is(word, "bool");
    case YAML_IS_NUMBER: {
        bool whole = strcspn(v->number, ".eE") == strlen(v->number);
        return span_is(word, "float") || (span_is(word, "int") && whole);
    }
    case YAML_IS_STRING:
        return span_is(word, "timestamp");
    default:
        return false;
    }
}

bool yaml_resolve(const struct yaml_node *n, struct yaml_scalar *out, struct err *e) {
    struct yaml_scalar v = {.kind = YAML_IS_STRING};
    if (n->tag.n == 0) {
        if (n->implicit && !resolve_text(n, &v, e)) {
            return false;
        }
        *out = v;
        return true;
    }
    struct span word =
        span_starts(n->tag, TAG_PREFIX) ? span_from(n->tag, sizeof TAG_PREFIX - 1) : SPAN("");
    static const char *const resolved[] = {"null", "bool", "int", "float", "timestamp"};
    bool typed = false;
    for (size_t i = 0; i < sizeof resolved / sizeof resolved[0]; i++) {
        typed = typed || span_is(word, resolved[i]);
    }
    if (span_is(word, "binary")) {
        return err_set(e, ERR_INPUT, "line %u: !!binary is not read: write the text itself",
                       n->line);
    }
    if (typed && !resolve_text(n, &v, e)) {
        return false;
    }
    if (typed && !tag_agrees(word, &v)) {
        return err_set(e, ERR_INPUT, "line %u: \"" SPAN_FMT "\" is no !!" SPAN_FMT, n->line,
                       SPAN_ARG(span_upto(n->text, YAML_NUMBER_MAX)), SPAN_ARG(word));
    }
    *out = v;
    return true;
}
