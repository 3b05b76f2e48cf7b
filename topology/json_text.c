#include "topology/json_text.h"

#include <endian.h>

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

static bool plain_byte(unsigned char c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Eight bytes at a time while all of them are plain: (v - ONES) & ~v has a high bit when a byte of
 * v is zero, (w - 0x20..) & ~w when a byte of w is below 0x20. What is subtracted borrows from the
 * bytes behind only where a byte is odd itself: the first high bit tells the truth. */
static const char *skip_plain(const char *p, const char *end) {
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, sizeof w);
        w = le64toh(w); /* the first byte is the lowest */
        uint64_t quote = w ^ (ONES * '"');
        uint64_t back = w ^ (ONES * '\\');
        uint64_t odd =
            ((quote - ONES) & ~quote) | ((back - ONES) & ~back) | ((w - ONES * 0x20) & ~w) | w;
        if (odd & HIGHS) {
            return p + __builtin_ctzll(odd & HIGHS) / 8;
        }
        p += 8;
    }
    while (p < end && plain_byte((unsigned char)*p)) {
        p++;
    }
    return p;
}

/* Smallest and largest second byte that may follow a lead byte: this is what rules out overlong
 * forms, surrogates and code points above U+10FFFF. */
static bool second_byte_fits(unsigned char lead, unsigned char second) {
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
}

size_t json_text_utf8(const char *p, const char *end) {
    unsigned char lead = (unsigned char)*p;
    if (lead < 0xC2 || lead > 0xF4) {
        return 0;
    }
    size_t n = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if ((size_t)(end - p) < n || !second_byte_fits(lead, (unsigned char)p[1])) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if (((unsigned char)p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return n;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char low = span_lower(c);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The four digits at p, or -1. */
static int32_t hex4(const char *p, const char *end) {
    if (end - p < 4) {
        return -1;
    }
    int32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0) {
            return -1;
        }
        v = v * 16 + digit;
    }
    return v;
}

/* The code point of "\uXXXX" or of a pair of them at p, *length being 6 or 12; 0 when it is none
 * that may stand there (U+0000 included: a reader in C would see the string end). */
static uint32_t unicode_escape(const char *p, const char *end, size_t *length) {
    int32_t high = hex4(p + 2, end);
    *length = 6;
    if (high < 0xD800 || high > 0xDFFF) {
        return high < 0 ? 0 : (uint32_t)high;
    }
    if (high > 0xDBFF || end - p < 12 || p[6] != '\\' || p[7] != 'u') {
        return 0;
    }
    int32_t low = hex4(p + 8, end);
    *length = 12;
    return low < 0xDC00 || low > 0xDFFF
               ? 0
               : 0x10000 + (((uint32_t)high - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
}

static const char escapes[] = "\"\\/bfnrt";
static const char escaped[] = "\"\\/\b\f\n\r\t";

/* Length of the escape at p, or 0 with *wrong set. */
static size_t escape_check(const char *p, const char *end, const char **wrong) {
    if (end - p >= 2 && p[1] == 'u') {
        size_t length = 0;
        if (unicode_escape(p, end, &length)) {
            return length;
        }
        int32_t unit = hex4(p + 2, end);
        *wrong = unit < 0    ? "bad escape in a string: \\u wants four hexadecimal digits"
                 : unit == 0 ? "a NUL character (\\u0000) in a string"
                             : "half of a surrogate pair in a string";
        return 0;
    }
    if (end - p >= 2 && p[1] && memchr(escapes, p[1], sizeof escapes - 1)) {
        return 2;
    }
    *wrong = end - p >= 2 ? "bad escape in a string" : "the text ends inside a string";
    return 0;
}

/* Length of what stands at p and is no plain byte, or 0 with *wrong set. */
static size_t special_check(const char *p, const char *end, bool *plain, const char **wrong) {
    unsigned char c = (unsigned char)*p;
    if (c == '\\') {
        *plain = false;
        return escape_check(p, end, wrong);
    }
    if (c < 0x20) {
        *wrong = c ? "a control character in a string" : "a NUL byte in a string";
        return 0;
    }
    size_t n = json_text_utf8(p, end);
    if (n == 0) {
        *wrong = "bytes in a string that are not UTF-8";
    }
    return n;
}

const char *json_text_check(const char *p, const char *end, bool *plain, const char **wrong) {
    *plain = true;
    *wrong = NULL;
    for (;;) {
        p = skip_plain(p, end);
        if (p == end) {
            *wrong = "the text ends inside a string";
            return p;
        }
        if (*p == '"') {
            return p;
        }
        size_t n = special_check(p, end, plain, wrong);
        if (n == 0) {
            return p;
        }
        p += n;
    }
}

/* Yields the bytes of a string with its escapes resolved. */
struct resolver {
    struct span raw;
    unsigned char ready[4];
    unsigned n;
    unsigned at;
};

static void put_utf8(struct resolver *r, uint32_t c) {
    unsigned n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (unsigned i = n - 1; i > 0; i--) {
        r->ready[i] = (unsigned char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    r->ready[0] = (unsigned char)(lead[n] | c);
    r->n = n;
    r->at = 0;
}

/* The next byte, -1 at the end. */
static int resolver_next(struct resolver *r) {
    if (r->at < r->n) {
        return r->ready[r->at++];
    }
    if (r->raw.n == 0) {
        return -1;
    }
    const char *p = r->raw.p;
    size_t length = 1;
    if (*p != '\\' || r->raw.n < 2) {
        r->raw = span_from(r->raw, 1);
        return (unsigned char)*p;
    }
    if (p[1] == 'u') {
        put_utf8(r, unicode_escape(p, p + r->raw.n, &length));
        r->raw = span_from(r->raw, length);
        return r->ready[r->at++];
    }
    const char *which = memchr(escapes, p[1], sizeof escapes - 1);
    r->raw = span_from(r->raw, 2);
    return (unsigned char)(which ? escaped[which - escapes] : p[1]);
}

bool json_text_same(struct span raw_a, struct span raw_b) {
    if (span_find(raw_a, '\\') == raw_a.n && span_find(raw_b, '\\') == raw_b.n) {
        return span_eq(raw_a, raw_b);
    }
    struct resolver a = {.raw = raw_a};
    struct resolver b = {.raw = raw_b};
    int c = 0;
    do {
        c = resolver_next(&a);
        if (c != resolver_next(&b)) {
            return false;
        }
    } while (c >= 0);
    return true;
}

bool json_text_resolve(struct span raw, char *out, size_t cap, size_t *n) {
    struct resolver r = {.raw = raw};
    size_t at = 0;
    for (int c = resolver_next(&r); c >= 0; c = resolver_next(&r)) {
        if (at == cap) {
            return false;
        }
        out[at++] = (char)c;
    }
    *n = at;
    return true;
}
