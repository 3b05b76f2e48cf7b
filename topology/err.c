#include "topology/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

PRINTF(4, 0)
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

/* Puts head and sep in front of the text in old; what does not fit is cut at the end. */
static void prepend(char *old, size_t cap, const char *head, const char *sep) {
    size_t front = strlen(head) + strlen(sep);
    size_t keep = strlen(old);
    front = front < cap ? front : cap - 1;
    keep = keep < cap - front ? keep : cap - front - 1;
    memmove(old + front, old, keep);
    old[front + keep] = '\0';
    size_t n = strlen(head) < front ? strlen(head) : front;
    memcpy(old, head, n);
    memcpy(old + n, sep, front - n);
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

bool err_file(struct err *e, const char *file) {
    if (e && e->path[0]) {
        (void)err_wrap(e, "%s: ", e->path);
        e->path[0] = '\0';
    }
    return err_wrap(e, "%.200s: ", file);
}

const char *err_code_name(enum err_code code) {
    static const char *const names[ERR_CODE_COUNT] = {
        [ERR_NONE] = "none",       [ERR_INPUT] = "input", [ERR_TOO_LARGE] = "too-large",
        [ERR_UNKNOWN] = "unknown", [ERR_IO] = "io",       [ERR_INTERNAL] = "internal",
    };
    return (unsigned)code < ERR_CODE_COUNT ? names[code] : "invalid";
}
