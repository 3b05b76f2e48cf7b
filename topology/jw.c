#include "topology/jw.h"

#include <stdarg.h>
#include <stdio.h>

#include "topology/json_text.h"

struct jw jw_new(struct buf *out, unsigned indent) {
    return (struct jw){.out = out, .indent = indent};
}

static void line(struct jw *w) {
    if (w->indent) {
        buf_char(w->out, '\n');
        buf_fill(w->out, ' ', (size_t)w->indent * w->depth);
    }
}

/* Before a key, or before a value that stands in an array; a value behind its key gets nothing. */
static void lead(struct jw *w) {
    if (w->keyed) {
        w->keyed = false;
        return;
    }
    if (w->comma) {
        buf_char(w->out, ',');
    }
    if (w->depth) {
        line(w);
    }
}

static void open_with(struct jw *w, char c) {
    lead(w);
    buf_char(w->out, c);
    w->comma = false;
    w->depth++;
}

static void close_with(struct jw *w, char c) {
    w->depth--;
    if (w->comma) {
        line(w);
    }
    buf_char(w->out, c);
    w->comma = true;
}

void jw_object(struct jw *w) {
    open_with(w, '{');
}
void jw_object_end(struct jw *w) {
    close_with(w, '}');
}
void jw_array(struct jw *w) {
    open_with(w, '[');
}
void jw_array_end(struct jw *w) {
    close_with(w, ']');
}

static void escape_one(struct buf *out, char c) {
    switch (c) {
    case '"':
        buf_str(out, "\\\"");
        break;
    case '\\':
        buf_str(out, "\\\\");
        break;
    case '\n':
        buf_str(out, "\\n");
        break;
    case '\t':
        buf_str(out, "\\t");
        break;
    case '\r':
        buf_str(out, "\\r");
        break;
    default:
        buf_fmt(out, "\\u%04x", (unsigned)(unsigned char)c);
        break;
    }
}

void jw_escape(struct buf *out, struct span s) {
    buf_char(out, '"');
    size_t from = 0;
    size_t i = 0;
    while (i < s.n) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') {
            i++;
            continue;
        }
        size_t n = c < 0x80 ? 0 : json_text_utf8(s.p + i, s.p + s.n);
        if (n) {
            i += n;
            continue;
        }
        buf_put(out, s.p + from, i - from);
        if (c < 0x80) {
            escape_one(out, (char)c);
        } else {
            buf_str(out, "\xEF\xBF\xBD");
        }
        i++;
        from = i;
    }
    if (s.n > from) {
        buf_put(out, s.p + from, s.n - from);
    }
    buf_char(out, '"');
}

void jw_key_span(struct jw *w, struct span key) {
    lead(w);
    jw_escape(w->out, key);
    buf_str(w->out, w->indent ? ": " : ":");
    w->comma = false;
    w->keyed = true;
}

void jw_key(struct jw *w, const char *key) {
    jw_key_span(w, span_of(key));
}

void jw_raw(struct jw *w, struct span json) {
    lead(w);
    buf_span(w->out, json);
    w->comma = true;
}

void jw_span(struct jw *w, struct span s) {
    lead(w);
    jw_escape(w->out, s);
    w->comma = true;
}

void jw_str(struct jw *w, const char *cstr) {
    jw_span(w, span_of(cstr));
}

void jw_fmt(struct jw *w, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof text) {
        w->out->failed = true;
        return;
    }
    jw_str(w, text);
}

void jw_u64(struct jw *w, uint64_t v) {
    lead(w);
    buf_u64(w->out, v);
    w->comma = true;
}

void jw_i64(struct jw *w, int64_t v) {
    lead(w);
    buf_i64(w->out, v);
    w->comma = true;
}

void jw_milli(struct jw *w, uint64_t thousandths) {
    lead(w);
    buf_u64(w->out, thousandths / 1000);
    unsigned frac = (unsigned)(thousandths % 1000);
    if (frac) {
        char digits[5] = {'.', (char)('0' + frac / 100), (char)('0' + frac / 10 % 10),
                          (char)('0' + frac % 10), 0};
        size_t n = 4;
        while (digits[n - 1] == '0') {
            n--;
        }
        buf_put(w->out, digits, n);
    }
    w->comma = true;
}

void jw_bool(struct jw *w, bool v) {
    jw_raw(w, v ? SPAN("true") : SPAN("false"));
}

void jw_null(struct jw *w) {
    jw_raw(w, SPAN("null"));
}

void jw_kv_str(struct jw *w, const char *key, const char *cstr) {
    jw_key(w, key);
    jw_str(w, cstr);
}
void jw_kv_span(struct jw *w, const char *key, struct span s) {
    jw_key(w, key);
    jw_span(w, s);
}
void jw_kv_u64(struct jw *w, const char *key, uint64_t v) {
    jw_key(w, key);
    jw_u64(w, v);
}
void jw_kv_i64(struct jw *w, const char *key, int64_t v) {
    jw_key(w, key);
    jw_i64(w, v);
}
void jw_kv_bool(struct jw *w, const char *key, bool v) {
    jw_key(w, key);
    jw_bool(w, v);
}
void jw_kv_null(struct jw *w, const char *key) {
    jw_key(w, key);
    jw_null(w);
}
