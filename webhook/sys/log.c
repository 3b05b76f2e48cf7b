#include "webhook/sys/log.h"

#include <stdatomic.h>
#include <unistd.h>

#include "topology/annotation.h"
#include "topology/jw.h"
#include "webhook/sys/clock.h"

/* A value longer than this is cut: a line stays one write of a size that pipes keep whole. */
#define VALUE_MAX ((size_t)768)
#define LINE_MAX  8192

static _Atomic int least_level = LOG_INFO;
static _Atomic bool as_text;

static const char *const level_name[] = {"debug", "info", "warn", "error"};

void log_setup(enum log_level least, bool text) {
    atomic_store(&least_level, (int)least);
    atomic_store(&as_text, text);
}

bool log_level_parse(struct span s, enum log_level *out) {
    for (unsigned i = 0; i < sizeof level_name / sizeof level_name[0]; i++) {
        if (span_is(s, level_name[i])) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

struct log_line log_new(enum log_level level, const char *msg) {
    return (struct log_line){.level = level, .msg = msg};
}

static void add(struct log_line *l, const char *key, enum log_kind kind, struct span text,
                int64_t number) {
    if (l->n < LOG_FIELDS_MAX) {
        l->field[l->n].key = key;
        l->field[l->n].kind = kind;
        l->field[l->n].text = text;
        l->field[l->n].number = number;
        l->n++;
    }
}

void log_span(struct log_line *l, const char *key, struct span v) {
    add(l, key, LOG_TEXT, v, 0);
}

void log_str(struct log_line *l, const char *key, const char *v) {
    add(l, key, LOG_TEXT, span_of(v), 0);
}

void log_num(struct log_line *l, const char *key, int64_t v) {
    add(l, key, LOG_NUMBER, SPAN(""), v);
}

void log_bool(struct log_line *l, const char *key, bool v) {
    add(l, key, LOG_BOOL, v ? SPAN("true") : SPAN("false"), 0);
}

static void put_time(struct buf *b) {
    int64_t ms = clock_unix_ms();
    time_text(ms / 1000, b);
    buf_back(b, b->n ? b->n - 1 : 0); /* the Z comes behind the fraction */
    buf_fmt(b, ".%03uZ", (unsigned)(ms % 1000));
}

/* Cut at a whole character, so that the cut does not make a broken one. */
static struct span shorten(struct span s) {
    if (s.n <= VALUE_MAX) {
        return s;
    }
    size_t n = VALUE_MAX;
    while (n && ((unsigned char)s.p[n] & 0xC0) == 0x80) {
        n--;
    }
    return span_upto(s, n);
}

/* Bare where it reads as one word, else in quotes with escapes: nobody's text can look like a
 * field of ours. */
static void put_word(struct buf *b, struct span s) {
    bool bare = s.n > 0;
    for (size_t i = 0; i < s.n && bare; i++) {
        bare = s.p[i] > ' ' && s.p[i] < 0x7F && s.p[i] != '"' && s.p[i] != '=' && s.p[i] != '\\';
    }
    if (bare) {
        buf_span(b, s);
    } else {
        jw_escape(b, s);
    }
}

static void put_field(const struct log_line *l, unsigned i, bool text, struct buf *b) {
    buf_str(b, text ? " " : ",");
    if (text) {
        buf_str(b, l->field[i].key);
    } else {
        jw_escape(b, span_of(l->field[i].key));
    }
    buf_char(b, text ? '=' : ':');
    if (l->field[i].kind == LOG_NUMBER) {
        buf_i64(b, l->field[i].number);
    } else if (l->field[i].kind == LOG_BOOL) {
        buf_span(b, l->field[i].text);
    } else if (text) {
        put_word(b, shorten(l->field[i].text));
    } else {
        jw_escape(b, shorten(l->field[i].text));
    }
}

static void put_line(const struct log_line *l, bool text, struct buf *b) {
    const char *level = level_name[l->level];
    if (text) {
        buf_fmt(b, "%-5s ", level);
        buf_span(b, shorten(span_of(l->msg)));
    } else {
        buf_str(b, "{\"ts\":\"");
        put_time(b);
        buf_fmt(b, "\",\"level\":\"%s\",\"msg\":", level);
        jw_escape(b, shorten(span_of(l->msg)));
    }
    for (unsigned i = 0; i < l->n; i++) {
        size_t before = b->n;
        put_field(l, i, text, b);
        if (!buf_ok(b) || b->n + 16 > LINE_MAX) {
            b->failed = false;
            buf_back(b, before);
            buf_str(b, text ? " cut=true" : ",\"cut\":true");
            break;
        }
    }
    buf_str(b, text ? "\n" : "}\n");
}

void log_write(const struct log_line *l) {
    if ((int)l->level < atomic_load(&least_level)) {
        return;
    }
    char line[LINE_MAX + 32] NOINIT;
    struct buf b = BUF_OVER(line);
    put_line(l, atomic_load(&as_text), &b);
    ssize_t put = write(STDERR_FILENO, b.p, b.n);
    (void)put; /* where nobody reads the log there is nobody to tell */
}

void log_say(enum log_level level, const char *msg, const char *error) {
    struct log_line l = log_new(level, msg);
    if (error) {
        log_str(&l, "error", error);
    }
    log_write(&l);
}
