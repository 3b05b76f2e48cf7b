#include "webhook/kube/status.h"

#include "topology/json.h"
#include "topology/json_text.h"

const char *status_word(unsigned http) {
    switch (http) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 413:
        return "Too Large";
    case 422:
        return "Invalid";
    case 429:
        return "Too Many Requests";
    case 500:
        return "Internal Error";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Unavailable";
    case 504:
        return "Timeout";
    default:
        return "";
    }
}

/* One line of printable text, cut at a whole character. */
static void put_clean(struct span s, char *out, size_t cap) {
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t len = c < 0x80 ? 1 : json_text_utf8(s.p + i, s.p + s.n);
        size_t step = len ? len : 1;
        bool plain = c < 0x80 && c >= ' ' && c != 0x7f;
        if (n + step >= cap) {
            break;
        }
        if (plain || (c >= 0x80 && len)) {
            memcpy(out + n, s.p + i, step);
        } else {
            memset(out + n, c < 0x80 ? ' ' : '?', step);
        }
        n += step;
        i += step;
    }
    out[n] = '\0';
}

static bool read_text(struct json_scan *s, char *out, size_t cap) {
    char resolved[4096];
    struct span raw = {0};
    bool plain = false;
    size_t n = 0;
    if (json_scan_kind(s, NULL) != JSON_STRING) {
        return json_scan_skip(s, &raw, NULL);
    }
    if (!json_scan_str(s, &raw, &plain, NULL)) {
        return false;
    }
    if (!plain && json_text_resolve(raw, resolved, sizeof resolved, &n)) {
        raw = (struct span){resolved, n};
    }
    put_clean(raw, out, cap);
    return true;
}

static bool read_code(struct json_scan *s, unsigned *out) {
    struct span text = {0};
    uint32_t v = 0;
    if (!json_scan_skip(s, &text, NULL)) {
        return false;
    }
    if (span_u32(text, 999, &v)) {
        *out = v;
    }
    return true;
}

static bool read_status(struct span body, const struct status_text *out) {
    struct json_scan s = json_scan_new(body);
    struct json_seen seen = {0};
    struct span key = {0};
    struct span skipped = {0};
    unsigned code = 0;
    bool good = json_scan_open(&s, '{', NULL);
    while (good && json_scan_key(&s, &seen, &key, NULL)) {
        if (span_is(key, "reason")) {
            good = read_text(&s, out->reason, out->reason_cap);
        } else if (span_is(key, "message")) {
            good = read_text(&s, out->message, out->message_cap);
        } else if (span_is(key, "code")) {
            good = read_code(&s, &code);
        } else {
            good = json_scan_skip(&s, &skipped, NULL);
        }
    }
    if (out->code) {
        *out->code = code;
    }
    return good && !s.failed && json_scan_end(&s, NULL);
}

void status_decode(struct span body, const struct status_text *out) {
    out->reason[0] = '\0';
    out->message[0] = '\0';
    if (out->code) {
        *out->code = 0;
    }
    body = span_trim(body);
    if (body.n == 0 || body.n > STATUS_BODY_MAX || body.p[0] == '<') {
        return;
    }
    if (body.p[0] != '{') {
        put_clean(span_line(&body), out->message, out->message_cap);
        return;
    }
    if (!read_status(body, out)) {
        out->reason[0] = '\0';
        out->message[0] = '\0';
    }
}
