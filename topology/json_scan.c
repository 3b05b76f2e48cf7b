#include "topology/buf.h"
#include "topology/json.h"
#include "topology/json_path.h"
#include "topology/json_text.h"

/* Refuses at s->p. All before s->p is sound, which is what json_path_at needs. */
static bool fail(struct json_scan *s, struct err *e, enum err_code code, const char *what) {
    s->failed = true;
    if (e) {
        char text[ERR_PATH_MAX];
        struct buf path = BUF_OVER(text);
        size_t at = (size_t)(s->p - s->start);
        json_path_at((struct span){s->start, at}, &path);
        (void)err_at(e, code, buf_cstr(&path), "%s (byte %zu)", what, at);
    }
    return false;
}

/* "wants X, found Y", Y being what stands at s->p. */
static bool fail_wants(struct json_scan *s, struct err *e, const char *wants) {
    char what[128];
    struct buf b = BUF_OVER(what);
    buf_fmt(&b, "wants %s, found ", wants);
    if (s->p == s->end) {
        buf_str(&b, "the end of the text");
    } else if (*s->p > ' ' && *s->p <= '~') {
        buf_fmt(&b, "'%c'", *s->p);
    } else {
        buf_fmt(&b, "the byte 0x%02X", (unsigned)(unsigned char)*s->p);
    }
    return fail(s, e, ERR_INPUT, what);
}

static void skip_space(struct json_scan *s) {
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r')) {
        s->p++;
    }
}

/* Moves over the byte when it is next. */
static bool take(struct json_scan *s, char c) {
    bool there = s->p < s->end && *s->p == c;
    s->p += there;
    return there;
}

static bool is_digit(const struct json_scan *s) {
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool digits(struct json_scan *s, struct err *e) {
    if (!is_digit(s)) {
        return fail_wants(s, e, "a digit");
    }
    while (is_digit(s)) {
        s->p++;
    }
    return true;
}

static bool number(struct json_scan *s, struct err *e) {
    const char *from = s->p;
    (void)take(s, '-');
    if (take(s, '0')) {
        if (is_digit(s)) {
            return fail(s, e, ERR_INPUT, "a number with a leading zero");
        }
    } else if (!digits(s, e)) {
        return false;
    }
    if (take(s, '.') && !digits(s, e)) {
        return false;
    }
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+')) {
            (void)take(s, '-');
        }
        if (!digits(s, e)) {
            return false;
        }
    }
    if (s->p - from > JSON_NUMBER_MAX) {
        s->p = from;
        return fail(s, e, ERR_INPUT, "a number of more than 63 characters");
    }
    return true;
}
_Static_assert(JSON_NUMBER_MAX == 63, "the message of number() says 63");

static bool literal(struct json_scan *s, struct err *e) {
    static const char *const words[] = {"true", "false", "null"};
    struct span rest = {s->p, (size_t)(s->end - s->p)};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_starts(rest, words[i])) {
            s->p += strlen(words[i]);
            return true;
        }
    }
    return fail_wants(s, e, "a value");
}

/* The string whose opening quote is next. */
static bool string(struct json_scan *s, struct span *raw, bool *plain, struct err *e) {
    const char *from = s->p + 1;
    const char *wrong = NULL;
    const char *stop = json_text_check(from, s->end, plain, &wrong);
    s->p = stop;
    if (wrong) {
        return fail(s, e, ERR_INPUT, wrong);
    }
    *raw = (struct span){from, (size_t)(stop - from)};
    s->p++;
    return true;
}

static bool scalar(struct json_scan *s, struct err *e) {
    struct span raw;
    bool plain = false;
    if (s->p < s->end && *s->p == '"') {
        return string(s, &raw, &plain, e);
    }
    return is_digit(s) || (s->p < s->end && *s->p == '-') ? number(s, e) : literal(s, e);
}

struct json_scan json_scan_new(struct span text) {
    const char *p = text.n ? text.p : "";
    return (struct json_scan){.start = p, .p = p, .end = p + text.n};
}

enum json_kind json_scan_kind(struct json_scan *s, struct err *e) {
    if (s->failed) {
        return JSON_NULL;
    }
    skip_space(s);
    switch (s->p < s->end ? *s->p : '\0') {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
    case 'f':
        return JSON_BOOL;
    case 'n':
        return JSON_NULL;
    default:
        break;
    }
    if (is_digit(s) || (s->p < s->end && *s->p == '-')) {
        return JSON_NUMBER;
    }
    (void)fail_wants(s, e, "a value");
    return JSON_NULL;
}

bool json_scan_open(struct json_scan *s, char bracket, struct err *e) {
    if (s->failed) {
        return false;
    }
    skip_space(s);
    if (s->p == s->end || *s->p != bracket) {
        return fail_wants(s, e, bracket == '{' ? "an object" : "an array");
    }
    if (s->depth == JSON_DEPTH_MAX) {
        return fail(s, e, ERR_TOO_LARGE, "deeper than 64 levels");
    }
    s->p++;
    s->depth++;
    s->first = true;
    return true;
}
_Static_assert(JSON_DEPTH_MAX == 64, "the message of json_scan_open says 64");

/* Between the parts of an array or object: true when another one comes, s->p standing before it. */
static bool another(struct json_scan *s, char close, struct err *e) {
    if (s->failed) {
        return false;
    }
    skip_space(s);
    if (take(s, close)) {
        s->depth--;
        s->first = false;
        return false;
    }
    if (s->first) {
        s->first = false;
        return true;
    }
    if (!take(s, ',')) {
        return fail_wants(s, e, close == '}' ? "',' or '}'" : "',' or ']'");
    }
    skip_space(s);
    if (s->p < s->end && *s->p == close) {
        return fail(s, e, ERR_INPUT, "a comma with nothing behind it");
    }
    return true;
}

bool json_scan_item(struct json_scan *s, struct err *e) {
    return another(s, ']', e);
}

/* Notes the key that opens at `at`, refusing what is there already. */
static bool seen_add(struct json_scan *s, struct json_seen *seen, struct span raw, struct err *e) {
    const char *behind = s->p;
    s->p = raw.p - 1;
    for (unsigned i = 0; i < seen->n; i++) {
        if (json_text_same(seen->key[i], raw)) {
            char what[ERR_MSG_MAX];
            struct buf b = BUF_OVER(what);
            buf_fmt(&b, "duplicate key \"" SPAN_FMT "\"", SPAN_ARG(span_upto(raw, 128)));
            return fail(s, e, ERR_INPUT, what);
        }
    }
    if (seen->n == JSON_SEEN_MAX) {
        return fail(s, e, ERR_TOO_LARGE, "more than 64 keys in this object");
    }
    s->p = behind;
    seen->key[seen->n++] = raw;
    return true;
}
_Static_assert(JSON_SEEN_MAX == 64, "the message of seen_add says 64");

/* A key and its colon; the raw key. */
static bool key_and_colon(struct json_scan *s, struct json_seen *seen, struct span *raw,
                          bool *plain, struct err *e) {
    if (s->p == s->end || *s->p != '"') {
        return fail_wants(s, e, "a key");
    }
    if (!string(s, raw, plain, e) || (seen && !seen_add(s, seen, *raw, e))) {
        return false;
    }
    skip_space(s);
    return take(s, ':') || fail_wants(s, e, "':'");
}

bool json_scan_key(struct json_scan *s, struct json_seen *seen, struct span *key, struct err *e) {
    struct span raw;
    bool plain = false;
    if (!another(s, '}', e) || !key_and_colon(s, seen, &raw, &plain, e)) {
        return false;
    }
    size_t n = 0;
    if (!plain && json_text_resolve(raw, s->key, sizeof s->key, &n)) {
        raw = (struct span){s->key, n};
    }
    *key = raw;
    return true;
}

bool json_scan_str(struct json_scan *s, struct span *raw, bool *plain, struct err *e) {
    if (s->failed) {
        return false;
    }
    skip_space(s);
    if (s->p == s->end || *s->p != '"') {
        return fail_wants(s, e, "a string");
    }
    return string(s, raw, plain, e);
}

/* Without recursion: levels above `base` are this value's, bit d of `objects` says what level d is.
 */
bool json_scan_skip(struct json_scan *s, struct span *text, struct err *e) {
    if (s->failed) {
        return false;
    }
    skip_space(s);
    const char *from = s->p;
    const unsigned base = s->depth;
    uint64_t objects = 0;
    do {
        skip_space(s);
        char c = s->p < s->end ? *s->p : '\0';
        if (c == '{' || c == '[') {
            if (!json_scan_open(s, c, e)) {
                return false;
            }
            uint64_t bit = UINT64_C(1) << (s->depth - 1);
            objects = c == '{' ? objects | bit : objects & ~bit;
        } else if (!scalar(s, e)) {
            return false;
        }
        bool more = false;
        while (s->depth > base && !more) {
            struct span raw;
            bool plain = false;
            bool object = (objects >> (s->depth - 1)) & 1;
            more = another(s, object ? '}' : ']', e) &&
                   (!object || key_and_colon(s, NULL, &raw, &plain, e));
            if (s->failed) {
                return false;
            }
        }
    } while (s->depth > base);
    *text = (struct span){from, (size_t)(s->p - from)};
    return true;
}

bool json_scan_end(struct json_scan *s, struct err *e) {
    if (s->failed) {
        return false;
    }
    skip_space(s);
    return s->p == s->end || fail_wants(s, e, "nothing more");
}
