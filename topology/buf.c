#include "topology/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct buf buf_over(char *array, size_t cap) {
    array[0] = '\0';
    return (struct buf){.p = array, .cap = cap, .max = cap - 1};
}

struct buf buf_new(size_t max) {
    /* Half the address space is no maximum; this keeps the sums below from wrapping. */
    return (struct buf){.max = max < SIZE_MAX / 4 ? max : SIZE_MAX / 4, .heap = true};
}

void buf_done(struct buf *b) {
    if (b->heap) {
        free(b->p);
    }
    *b = (struct buf){.failed = true};
}

/* Makes room for n more bytes and the NUL, doubling, so that m appends cost O(m). */
static bool grow(struct buf *b, size_t n) {
    if (b->failed || n > b->max - b->n) {
        b->failed = true;
        return false;
    }
    size_t need = b->n + n + 1;
    if (need <= b->cap) {
        return true;
    }
    if (!b->heap) {
        b->failed = true;
        return false;
    }
    size_t cap = b->cap ? b->cap : 256;
    while (cap < need) {
        cap = cap > b->max / 2 ? b->max + 1 : cap * 2;
    }
    char *p = realloc(b->p, cap);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

char *buf_room(struct buf *b, size_t n) {
    return grow(b, n) ? b->p + b->n : NULL;
}

void buf_commit(struct buf *b, size_t n) {
    if (!b->failed) {
        b->n += n;
        b->p[b->n] = '\0';
    }
}

void buf_put(struct buf *b, const void *bytes, size_t n) {
    char *at = buf_room(b, n);
    if (at) {
        if (n) {
            memcpy(at, bytes, n);
        }
        buf_commit(b, n);
    }
}

void buf_span(struct buf *b, struct span s) {
    buf_put(b, s.p, s.n);
}

bool buf_copy(struct span from, char *to, size_t cap) {
    struct buf b = buf_over(to, cap);
    buf_reset(&b);
    buf_span(&b, from);
    return buf_ok(&b);
}

void buf_str(struct buf *b, const char *cstr) {
    buf_put(b, cstr, strlen(cstr));
}

void buf_char(struct buf *b, char c) {
    char *at = buf_room(b, 1);
    if (at) {
        *at = c;
        buf_commit(b, 1);
    }
}

void buf_fill(struct buf *b, char c, size_t times) {
    char *at = buf_room(b, times);
    if (at) {
        memset(at, c, times);
        buf_commit(b, times);
    }
}

void buf_u64(struct buf *b, uint64_t v) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_put(b, digits + at, sizeof digits - at);
}

void buf_i64(struct buf *b, int64_t v) {
    if (v < 0) {
        buf_char(b, '-');
        buf_u64(b, (uint64_t)0 - (uint64_t)v);
    } else {
        buf_u64(b, (uint64_t)v);
    }
}

void buf_fmt(struct buf *b, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    va_list again;
    va_copy(again, ap);
    /* Into the room that there is; most of the time that is enough. */
    size_t room = b->failed ? 0 : b->cap - b->n;
    int n = vsnprintf(room ? b->p + b->n : NULL, room, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < room && (size_t)n <= b->max - b->n) {
        buf_commit(b, (size_t)n);
    } else {
        if (room) {
            b->p[b->n] = '\0';
        }
        char *at = buf_room(b, (size_t)n);
        if (at) {
            (void)vsnprintf(at, (size_t)n + 1, fmt, again);
            buf_commit(b, (size_t)n);
        }
    }
    va_end(again);
}

void buf_reset(struct buf *b) {
    b->n = 0;
    b->failed = false;
    if (b->p) {
        b->p[0] = '\0';
    }
}

void buf_back(struct buf *b, size_t to_n) {
    if (!b->failed && to_n < b->n) {
        b->n = to_n;
        b->p[to_n] = '\0';
    }
}
