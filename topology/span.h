/* Borrowed text: a pointer and a length, not terminated, never owned. All parsing goes over spans,
 * so nothing depends on a NUL byte and nothing is copied to be looked at. */
#ifndef TPGUARD_TOPOLOGY_SPAN_H
#define TPGUARD_TOPOLOGY_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "topology/attr.h"

struct span {
    const char *p;
    size_t n;
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})
#define SPAN_FMT      "%.*s"
#define SPAN_ARG(s)   (int)((s).n > 2048 ? 2048 : (s).n), ((s).p ? (s).p : "")

static inline struct span span_of(const char *cstr) {
    return (struct span){cstr, cstr ? strlen(cstr) : 0};
}

static inline bool span_eq(struct span a, struct span b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_is(struct span a, const char *cstr) {
    return span_eq(a, span_of(cstr));
}

static inline char span_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Equal but for the case of ASCII letters. */
static inline bool span_ieq(struct span a, struct span b) {
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (span_lower(a.p[i]) != span_lower(b.p[i])) {
            return false;
        }
    }
    return true;
}

static inline struct span span_from(struct span s, size_t at) {
    return at >= s.n ? (struct span){s.p + s.n, 0} : (struct span){s.p + at, s.n - at};
}

static inline struct span span_upto(struct span s, size_t n) {
    return (struct span){s.p, n < s.n ? n : s.n};
}

static inline bool span_starts(struct span s, const char *prefix) {
    size_t n = strlen(prefix);
    return s.n >= n && (n == 0 || memcmp(s.p, prefix, n) == 0);
}

static inline bool span_ends(struct span s, const char *suffix) {
    size_t n = strlen(suffix);
    return s.n >= n && (n == 0 || memcmp(s.p + s.n - n, suffix, n) == 0);
}

/* Offset of the first c, or s.n when there is none. */
static inline size_t span_find(struct span s, char c) {
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

/* Offset of the first occurrence of word, or s.n. */
static inline size_t span_search(struct span s, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; n && i + n <= s.n; i++) {
        if (memcmp(s.p + i, word, n) == 0) {
            return i;
        }
    }
    return s.n;
}

static inline bool span_has(struct span s, const char *word) {
    return span_search(s, word) < s.n;
}

static inline bool span_is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

static inline struct span span_trim(struct span s) {
    while (s.n && span_is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && span_is_space(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

/* Cuts the piece before the first sep off *rest and returns it; without a sep returns all and
 * empties *rest. A loop `while (rest.n)` over "a,b" sees "a", "b". */
static inline struct span span_cut(struct span *rest, char sep) {
    size_t at = span_find(*rest, sep);
    struct span head = span_upto(*rest, at);
    *rest = span_from(*rest, at + 1);
    return head;
}

/* One line without its end ("\n" or "\r\n"). */
static inline struct span span_line(struct span *rest) {
    struct span line = span_cut(rest, '\n');
    if (line.n && line.p[line.n - 1] == '\r') {
        line.n--;
    }
    return line;
}

/* A decimal number that is the whole span (no sign, no space), at most max. false leaves *v
 * untouched. */
NODISCARD static inline bool span_u64(struct span s, uint64_t max, uint64_t *v) {
    uint64_t acc = 0;
    if (s.n == 0 || s.n > 20) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (acc > (UINT64_MAX - digit) / 10) {
            return false;
        }
        acc = acc * 10 + digit;
    }
    if (acc > max) {
        return false;
    }
    *v = acc;
    return true;
}

NODISCARD static inline bool span_u32(struct span s, uint32_t max, uint32_t *v) {
    uint64_t wide = 0;
    if (!span_u64(s, max, &wide)) {
        return false;
    }
    *v = (uint32_t)wide;
    return true;
}

#endif
