/* JSON out, written straight into a buf: no tree, no float, keys in the order of the calls, so the
 * same input gives the same bytes. Commas are put by the writer. Strings are escaped; bytes that
 * are not UTF-8 become U+FFFD. */
#ifndef TPGUARD_TOPOLOGY_JW_H
#define TPGUARD_TOPOLOGY_JW_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/buf.h"
#include "topology/span.h"

struct jw {
    struct buf *out;
    bool keyed;      /* the next value stands behind its key */
    bool comma;      /* the next value or key needs a comma before it */
    unsigned indent; /* 0 = compact; else spaces per level */
    unsigned depth;
};

struct jw jw_new(struct buf *out, unsigned indent);

void jw_object(struct jw *w);
void jw_object_end(struct jw *w);
void jw_array(struct jw *w);
void jw_array_end(struct jw *w);
void jw_key(struct jw *w, const char *key);
void jw_key_span(struct jw *w, struct span key);

void jw_span(struct jw *w, struct span s);
void jw_str(struct jw *w, const char *cstr);
void jw_u64(struct jw *w, uint64_t v);
void jw_i64(struct jw *w, int64_t v);
void jw_milli(struct jw *w, uint64_t thousandths); /* 2500 -> 2.5, 26562 -> 26.562, 3000 -> 3 */
void jw_bool(struct jw *w, bool v);
void jw_null(struct jw *w);
void jw_raw(struct jw *w, struct span json);                  /* one ready value, copied as it is */
void jw_fmt(struct jw *w, const char *fmt, ...) PRINTF(2, 3); /* a string value, made by format */

/* A whole member in one call. */
void jw_kv_str(struct jw *w, const char *key, const char *cstr);
void jw_kv_span(struct jw *w, const char *key, struct span s);
void jw_kv_u64(struct jw *w, const char *key, uint64_t v);
void jw_kv_i64(struct jw *w, const char *key, int64_t v);
void jw_kv_bool(struct jw *w, const char *key, bool v);
void jw_kv_null(struct jw *w, const char *key);

/* The escaping alone, with the quotes, for writers that do not use struct jw (the extender's hot
 * lists). */
void jw_escape(struct buf *out, struct span s);

#endif
