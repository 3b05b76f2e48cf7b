/* One JSON line per event on stderr:
 * {"ts":"2026-11-24T09:14:00.123Z","level":"info","msg":"...","key":"value",...}. Values are
 * escaped, so text of users cannot forge a line. Thread-safe; one write(2) per line. The only
 * global of this kind in the program. */
#ifndef TPGUARD_SYS_LOG_H
#define TPGUARD_SYS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/span.h"

enum log_level { LOG_DEBUG = 0, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_setup(enum log_level least,
               bool text); /* text: "level msg key=value", for people at a terminal */
bool log_level_parse(struct span s, enum log_level *out);

#define LOG_FIELDS_MAX 24
struct log_line {
    enum log_level level;
    const char *msg;
    unsigned n;
    struct {
        const char *key;
        enum log_kind { LOG_TEXT, LOG_NUMBER, LOG_BOOL } kind;
        struct span text;
        int64_t number;
    } field[LOG_FIELDS_MAX];
};
struct log_line log_new(enum log_level level, const char *msg);
void log_span(struct log_line *l, const char *key, struct span v); /* borrowed until log_write */
void log_str(struct log_line *l, const char *key, const char *v);
void log_num(struct log_line *l, const char *key, int64_t v);
void log_bool(struct log_line *l, const char *key, bool v);
void log_write(const struct log_line *l);
/* A line without fields but an optional error text. */
void log_say(enum log_level level, const char *msg, const char *error);

#endif
