#include "topology/smi_text.h"

#include <stdarg.h>
#include <stdio.h>

#include "topology/topo.h"

/* Readable spellings of the ESC byte, as editors, terminals and JSON leave them in pastes. */
static const char *const escape_spellings[] = {
    "\x1b", "^[", "\\033", "\\e", "\\x1b", "\\u001b", "\xe2\x90\x9b", "\xef\xbf\xbd", "",
};

static bool is_parameter(char c) {
    return (c >= '0' && c <= '9') || c == ';' || c == '?';
}

static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Length of "[4m" and its like at the start of s, 0 when there is none. Without a real ESC in front
 * only the colour codes ("m") are taken: "[4K" could be somebody's text. */
static size_t code_len(struct span s, bool real) {
    if (!s.n || s.p[0] != '[') {
        return 0;
    }
    size_t i = 1;
    while (i < s.n && is_parameter(s.p[i])) {
        i++;
    }
    if (i >= s.n || !(s.p[i] == 'm' || (real && is_letter(s.p[i])))) {
        return 0;
    }
    return i + 1;
}

static size_t escape_len(struct span s) {
    for (size_t k = 0; k < sizeof escape_spellings / sizeof escape_spellings[0]; k++) {
        const char *spelling = escape_spellings[k];
        if (!span_starts(s, spelling)) {
            continue;
        }
        size_t n = strlen(spelling);
        bool real = n == 1;
        size_t code = code_len(span_from(s, n), real);
        if (code) {
            return n + code;
        }
        if (real) {
            return s.n > 2 && s.p[1] == '(' ? 3 : 1;
        }
    }
    return 0;
}

static size_t blank_len(struct span s) {
    char c = s.p[0];
    if (span_is_space(c) || c == '|' || c == '>') {
        return 1;
    }
    if (span_starts(s, "\xc2\xa0")) {
        return 2;
    }
    if (span_starts(s, "\xef\xbb\xbf")) {
        return 3;
    }
    bool may_escape = c == '\x1b' || c == '^' || c == '\\' || c == '[' || (c & '\x80');
    return may_escape ? escape_len(s) : 0;
}

struct span smi_word(struct span *rest) {
    struct span s = *rest;
    size_t skip = 0;
    while (s.n && (skip = blank_len(s)) != 0) {
        s = span_from(s, skip);
    }
    size_t n = 0;
    while (n < s.n && !blank_len(span_from(s, n))) {
        n++;
    }
    *rest = span_from(s, n);
    return span_upto(s, n);
}

bool smi_next_line(struct smi_lines *l) {
    if (!l->rest.n) {
        return false;
    }
    l->line = span_line(&l->rest);
    l->number++;
    return true;
}

bool smi_gpu_name(struct span word, unsigned *index) {
    uint32_t v = 0;
    if (!span_starts(word, "GPU") || word.n == 3) {
        return false;
    }
    for (size_t i = 3; i < word.n; i++) {
        if (word.p[i] < '0' || word.p[i] > '9') {
            return false;
        }
    }
    *index = span_u32(span_from(word, 3), UINT32_MAX, &v) ? v : UINT32_MAX;
    return true;
}

bool smi_has(struct span s, const char *word) {
    size_t n = strlen(word);
    struct span w = {word, n};
    for (size_t i = 0; i + n <= s.n; i++) {
        if (span_ieq(span_upto(span_from(s, i), n), w)) {
            return true;
        }
    }
    return false;
}

struct span smi_failure(struct span text) {
    static const char *const phrases[] = {
        "Failed to run topology matrix",
        "Failed to initialize NVML",
        "NVIDIA-SMI has failed",
        "No devices were found",
        "Unable to determine the device handle",
        "command not found",
        "Insufficient Permissions",
        "couldn't communicate with the NVIDIA driver",
    };
    struct smi_lines l = {.rest = text};
    while (smi_next_line(&l)) {
        for (size_t k = 0; k < sizeof phrases / sizeof phrases[0]; k++) {
            if (smi_has(l.line, phrases[k])) {
                return span_trim(l.line);
            }
        }
    }
    return (struct span){text.p, 0};
}

bool smi_copy(char *out, size_t cap, struct span s) {
    if (s.n >= cap) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < ' ' || s.p[i] > '~') {
            return false;
        }
    }
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}

bool smi_fail(struct err *e, enum err_code code, unsigned line, const char *fmt, ...) {
    char msg[ERR_MSG_MAX];
    char path[24];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    (void)snprintf(path, sizeof path, "line %u", line);
    return err_at(e, code, path, "%s", msg);
}
