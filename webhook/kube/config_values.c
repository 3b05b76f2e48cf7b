/* Single values of a configuration, checked before anything is done with them. */
#include "webhook/kube/config_inner.h"

bool config_text(struct span s, char *out, size_t cap, struct err *e) {
    if (s.n >= cap) {
        return err_set(e, ERR_TOO_LARGE, "wants at most %zu characters, found %zu", cap - 1, s.n);
    }
    if (s.n && memchr(s.p, '\0', s.n)) {
        return err_set(e, ERR_INPUT, "has a NUL byte in it");
    }
    if (s.n) {
        memcpy(out, s.p, s.n);
    }
    out[s.n] = '\0';
    return true;
}

/* Characters that may stand in a URL of ours; user names and queries have no business there. */
static bool url_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           memchr("-._~:/[]%", c, 9);
}

bool config_server(struct span s, char *out, size_t cap, struct err *e) {
    s = span_trim(s);
    while (s.n && s.p[s.n - 1] == '/') {
        s.n--;
    }
    size_t scheme = span_starts(s, "https://") ? 8 : span_starts(s, "http://") ? 7 : 0;
    struct span rest = span_from(s, scheme);
    size_t host = span_find(rest, '/');
    bool good = scheme && host > 0;
    for (size_t i = 0; good && i < rest.n; i++) {
        good = url_char(rest.p[i]);
    }
    if (!good) {
        return err_set(e, ERR_INPUT, "wants https://HOST:PORT (or http://), found \"" SPAN_FMT "\"",
                       SPAN_ARG(span_upto(s, 120)));
    }
    return config_text(s, out, cap, e);
}

bool config_token(struct span s, struct buf *out, struct err *e) {
    s = span_trim(s);
    if (s.n == 0) {
        return err_set(e, ERR_INPUT, "wants a token, found nothing");
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~') {
            return err_set(e, ERR_INPUT, "is no token: the byte 0x%02X at %zu",
                           (unsigned)(unsigned char)s.p[i], i);
        }
    }
    buf_span(out, s);
    return buf_ok(out) || err_set(e, ERR_TOO_LARGE, "wants a token of at most %zu bytes, found %zu",
                                  KUBE_TOKEN_MAX, s.n);
}

bool config_pem(struct span s, struct err *e) {
    return span_has(s, "-----BEGIN ") ||
           err_set(e, ERR_INPUT, "wants PEM text (-----BEGIN ...), found none");
}

static int digit(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool not_base64(struct err *e) {
    return err_set(e, ERR_INPUT, "wants base64, found something else");
}

bool config_base64(struct span s, struct buf *out, struct err *e) {
    uint32_t word = 0;
    unsigned n = 0;   /* characters of this group of four */
    unsigned pad = 0; /* "=" seen; behind one only "=" follows */
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\r' || c == '\n') {
            continue;
        }
        int d = digit(c);
        if ((d < 0 && (c != '=' || n < 2)) || (pad && c != '=')) {
            return not_base64(e);
        }
        pad += c == '=';
        word = word << 6 | (d < 0 ? 0 : (uint32_t)d);
        if (++n < 4) {
            continue;
        }
        char three[3] = {(char)(word >> 16 & 255), (char)(word >> 8 & 255), (char)(word & 255)};
        buf_put(out, three, 3 - pad);
        /* Nothing can follow a group with "=": a group does not begin with one. */
        n = 0;
    }
    if (n) {
        return not_base64(e);
    }
    return buf_ok(out) ||
           err_set(e, ERR_TOO_LARGE, "wants at most %zu bytes, found more", out->max);
}
