#include "topology/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(struct err *e, enum err_code code, const char *path, const char *fmt, va_list ap) {
    e->code = code;
    (void)snprintf(e->path, sizeof e->path, "%s", path);
    (void)vsnprintf(e->msg, sizeof e->msg, fmt, ap);
}

bool err_set(struct err *e, enum err_code code, const char *fmt, ...) {
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        fill(e, code, "", fmt, ap);
        va_end(ap);
    }
    return false;
}

bool err_at(struct err *e, enum err_code code, const char *path, const char *fmt, ...) {
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        fill(e, code, path, fmt, ap);
        va_end(ap);
    }
    return false;
}

/* Writes head + sep + old back over old; what does not fit is cut at the end. */
static void prepend(char *old, size_t cap, const char *head, const char *sep) {
    char tmp[ERR_MSG_MAX];
    (void)snprintf(tmp, sizeof tmp, "%s", old);
    (void)snprintf(old, cap, "%s%s%s", head, sep, tmp);
}

bool err_wrap(struct err *e, const char *fmt, ...) {
    if (e) {
        char head[ERR_MSG_MAX];
        va_list ap;
        va_start(ap, fmt);
        (void)vsnprintf(head, sizeof head, fmt, ap);
        va_end(ap);
        prepend(e->msg, sizeof e->msg, head, "");
    }
    return false;
}

bool err_in(struct err *e, const char *fmt, ...) {
    if (e) {
        char head[ERR_PATH_MAX];
        va_list ap;
        va_start(ap, fmt);
        (void)vsnprintf(head, sizeof head, fmt, ap);
        va_end(ap);
        prepend(e->path, sizeof e->path, head, e->path[0] && e->path[0] != '[' ? "." : "");
    }
    return false;
}

const char *err_code_name(enum err_code code) {
    static const char *const names[ERR_CODE_COUNT] = {
        [ERR_NONE] = "none",       [ERR_INPUT] = "input", [ERR_TOO_LARGE] = "too-large",
        [ERR_UNKNOWN] = "unknown", [ERR_IO] = "io",       [ERR_INTERNAL] = "internal",
    };
    return (unsigned)code < ERR_CODE_COUNT ? names[code] : "invalid";
}
