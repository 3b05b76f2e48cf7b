/* Output text with a stated maximum and a sticky failure: append freely, check buf_ok once at the
 * end. Two kinds: over the caller's own array (never grows), or growing on the heap up to a
 * maximum. */
#ifndef TPGUARD_TOPOLOGY_BUF_H
#define TPGUARD_TOPOLOGY_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/span.h"

struct buf {
    char *p;
    size_t n;    /* bytes in use; p[n] is always NUL when p is not NULL */
    size_t cap;  /* bytes behind p, the NUL counted */
    size_t max;  /* n never passes this */
    bool heap;   /* p is ours to free */
    bool failed; /* something did not fit, or no memory; sticky */
};

/* Over an array of the caller, which must outlive the buf. cap >= 1. */
struct buf buf_over(char *array, size_t cap);
#define BUF_OVER(array) buf_over((array), sizeof(array))

/* All of a text into an array of the caller's, with a NUL behind it. false: it does not fit. */
bool buf_copy(struct span from, char *to, size_t cap);

/* Growing, at most max bytes. buf_done frees it; also right on a half-built or finished one. */
struct buf buf_new(size_t max);
void buf_done(struct buf *b);

void buf_put(struct buf *b, const void *bytes, size_t n);
void buf_span(struct buf *b, struct span s);
void buf_str(struct buf *b, const char *cstr);
void buf_char(struct buf *b, char c);
void buf_fill(struct buf *b, char c, size_t times);
void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_reset(struct buf *b);             /* empty again, failure cleared, memory kept */
void buf_back(struct buf *b, size_t to_n); /* cut back to an earlier length */

/* Room for n more bytes in one go: the place to write at, or NULL (failed). buf_commit says how
 * many were used. */
char *buf_room(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);

static inline bool buf_ok(const struct buf *b) {
    return !b->failed;
}
static inline struct span buf_view(const struct buf *b) {
    return (struct span){b->p, b->n};
}
static inline const char *buf_cstr(const struct buf *b) {
    return b->p ? b->p : "";
}

#endif
