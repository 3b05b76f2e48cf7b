/* The pull scanner: order of the calls, duplicate keys, escapes in keys, failures that stick. */
#include "topology/json.h"

#include "tests/tap.h"
#include "topology/buf.h"

static bool whole(struct span text, struct err *e) {
    struct json_scan s = json_scan_new(text);
    struct span all;
    return json_scan_skip(&s, &all, e) && json_scan_end(&s, e);
}

/* The cut-off prefixes of a sound text that ends with a bracket are all faulty. */
static void prefixes_test(void) {
    static const char text[] =
        " {\"a\\n\":[1,-2.5e+3,\"\\ud83d\\ude00\xE2\x82\xAC\",true,false,null,"
        "[],{},[ ]],\"b\":{\"c\" : \"plain text of more than eight\"}}";
    struct err e = {0};
    ok(whole(SPAN(text), &e), "the whole text is sound: %s", e.msg);
    unsigned accepted = 0;
    for (size_t n = 0; n < sizeof text - 1; n++) {
        /* An exact copy, so that a sanitizer sees a read behind the end. */
        char *copy = malloc(n ? n : 1);
        if (copy) {
            memcpy(copy, text, n);
            accepted += whole((struct span){copy, n}, &e);
        }
        free(copy);
    }
    is_int(accepted, 0, "no part of it from the start is");
}

/* Every byte at every place of a string of 24, so that the eight-byte steps meet it everywhere. */
static void bytes_test(void) {
    unsigned wrong = 0;
    for (unsigned at = 0; at < 24; at++) {
        for (unsigned c = 0; c < 256; c++) {
            char text[26];
            memset(text, 'x', sizeof text);
            text[0] = '"';
            text[25] = '"';
            text[1 + at] = (char)c;
            struct err e = {0};
            /* '"' ends the string early, '\\' needs a good letter behind it, and 'x' is none. */
            bool sound = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
            wrong += whole((struct span){text, sizeof text}, &e) != sound;
        }
    }
    is_int(wrong, 0, "each byte is plain or refused, wherever it stands in a string");
}

/* The bytes behind a quote that ends a string say nothing about where it ends, nor do those before
 * it: every pair of bytes around it, at all places of a step. */
static void end_test(void) {
    unsigned wrong = 0;
    for (unsigned at = 0; at < 8; at++) {
        for (unsigned pair = 0; pair < 0x10000; pair++) {
            char text[28];
            const char before = (char)(pair & 0xFF);
            memset(text, 'x', sizeof text);
            text[0] = '"';
            text[2 + at] = before;
            text[3 + at] = '"';
            text[4 + at] = (char)(pair >> 8);
            struct json_scan s = json_scan_new((struct span){text, sizeof text});
            struct span raw = {0};
            bool plain = false;
            bool sound = before >= 0x20 && before != '"' && before != '\\';
            bool good = json_scan_str(&s, &raw, &plain, NULL);
            wrong += sound && (!good || !plain || raw.n != 2 + at);
            wrong += before == '"' && (!good || raw.n != 1 + at);
        }
    }
    is_int(wrong, 0, "a string ends at its quote, whatever stands around it");
}

/* All of Unicode, as UTF-8 in a string: surrogates are refused, all else is taken. */
static void unicode_test(void) {
    unsigned wrong = 0;
    for (uint32_t c = 0x80; c < 0x110000; c++) {
        char text[6] = {'"'};
        size_t n = 1;
        if (c < 0x800) {
            text[n++] = (char)(0xC0 | c >> 6);
        } else if (c < 0x10000) {
            text[n++] = (char)(0xE0 | c >> 12);
            text[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        } else {
            text[n++] = (char)(0xF0 | c >> 18);
            text[n++] = (char)(0x80 | (c >> 12 & 0x3F));
            text[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        }
        text[n++] = (char)(0x80 | (c & 0x3F));
        text[n++] = '"';
        wrong += whole((struct span){text, n}, NULL) != (c < 0xD800 || c > 0xDFFF);
    }
    is_int(wrong, 0, "every code point but the surrogates is read");
}

static void walk_test(void) {
    static const char text[] =
        "{\"list\":[\"n1\",\"n\\u0032\"],\"skip\":{\"x\":[{}]},\"kind\":\"L\"}";
    struct json_scan s = json_scan_new(SPAN(text));
    struct json_seen seen = {0};
    struct err e = {0};
    struct span key;
    struct span raw[2] = {{0}};
    struct span skipped = {0};
    struct span kind = {0};
    bool plain[2] = {false};
    unsigned items = 0;
    bool done = json_scan_open(&s, '{', &e);
    while (done && json_scan_key(&s, &seen, &key, &e)) {
        if (span_is(key, "list")) {
            done = json_scan_open(&s, '[', &e);
            while (done && json_scan_item(&s, &e)) {
                done = items < 2 && json_scan_str(&s, &raw[items], &plain[items], &e);
                items++;
            }
        } else if (span_is(key, "kind")) {
            done = json_scan_kind(&s, &e) == JSON_STRING && json_scan_str(&s, &kind, &plain[0], &e);
        } else {
            done = json_scan_skip(&s, &skipped, &e);
        }
    }
    ok(done && json_scan_end(&s, &e) && !s.failed, "an object is walked: %s", e.msg);
    ok(items == 2 && span_is(raw[0], "n1"), "its list has two names");
    ok(span_is(raw[1], "n\\u0032") && !plain[1], "a name with an escape comes raw and says so");
    ok(span_is(skipped, "{\"x\":[{}]}"), "the text of a skipped value is given");
    ok(span_is(kind, "L") && seen.n == 3, "what follows it is read");
}

/* The keys of `text`, joined; "!" and the message when it fails. */
static void keys_of(const char *text, struct json_seen *seen, struct buf *out, struct err *e) {
    struct json_scan s = json_scan_new(span_of(text));
    struct span key;
    struct span value;
    bool done = json_scan_open(&s, '{', e);
    while (done && json_scan_key(&s, seen, &key, e)) {
        buf_span(out, key);
        buf_char(out, ' ');
        done = json_scan_skip(&s, &value, e);
    }
    if (s.failed) {
        buf_fmt(out, "!%s", e->msg);
    }
}

static void keys_test(void) {
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"{}", ""},
        {"{ }", ""},
        {"{\"requ\\u0065st\":1,\"b\":2}", "request b "},
        {"{\"\\ud83d\\ude00\\n\\t\\/\\\\\":1}", "\xF0\x9F\x98\x80\n\t/\\ "},
        {"{\"a\":1,\"a\":2}", "a !duplicate key \"a\" (byte 7)"},
        {"{\"a\":1,\"\\u0061\":2}", "a !duplicate key \"\\u0061\" (byte 7)"},
        {"{\"\\u00e9\":1,\"\xC3\xA9\":2}", "\xC3\xA9 !duplicate key \"\xC3\xA9\" (byte 12)"},
        {"{\"a\":1,\"ab\":2,\"\":3}", "a ab  "},
        {"{,}", "!wants a key, found ',' (byte 1)"},
        {"{\"a\":1,,}", "a !wants a key, found ',' (byte 7)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char got[256];
        struct buf b = BUF_OVER(got);
        struct json_seen seen = {0};
        struct err e = {0};
        keys_of(rows[i].text, &seen, &b, &e);
        is_str(got, rows[i].want, rows[i].text);
    }
    char got[256];
    struct buf b = BUF_OVER(got);
    struct err e = {0};
    keys_of("{\"a\":1,\"a\":2}", NULL, &b, &e);
    is_str(got, "a a ", "without a memory of keys, duplicates pass");

    struct buf text = buf_new(4096);
    buf_str(&text, "{\"\\u0061");
    buf_fill(&text, 'x', 64);
    buf_str(&text, "\":1}");
    buf_reset(&b);
    keys_of(buf_cstr(&text), NULL, &b, &e);
    ok(buf_view(&b).n == 6 + 64 + 1 && got[0] == '\\', "a long key with escapes stays raw");

    buf_reset(&text);
    for (unsigned i = 0; i <= JSON_SEEN_MAX; i++) {
        buf_fmt(&text, "%c\"k%u\":0", i ? ',' : '{', i);
    }
    buf_char(&text, '}');
    struct json_seen seen = {0};
    struct buf all = buf_new(4096);
    keys_of(buf_cstr(&text), &seen, &all, &e);
    ok(e.code == ERR_TOO_LARGE &&
           span_ends(buf_view(&all), "more than 64 keys in this object (byte 503)"),
       "a 65th key is too many: %s", e.msg);
    buf_done(&all);
    buf_done(&text);
}

static void failure_test(void) {
    struct err e = {0};
    struct span text;
    struct span key;
    bool plain = false;
    struct json_scan s = json_scan_new(SPAN("{\"a\":[1,{\"b\":x}],\"c\":1}"));
    ok(json_scan_open(&s, '{', &e) && json_scan_key(&s, NULL, &key, &e), "a scan begins");
    ok(!json_scan_skip(&s, &text, &e) && s.failed, "a fault inside a skipped value is found");
    is_str(e.path, "a[1].b", "  with its path from the start of the text");
    struct err other = {0};
    ok(!json_scan_skip(&s, &text, &other) && !json_scan_key(&s, NULL, &key, &other) &&
           !json_scan_item(&s, &other) && !json_scan_open(&s, '{', &other) &&
           !json_scan_str(&s, &text, &plain, &other) && !json_scan_end(&s, &other) &&
           json_scan_kind(&s, &other) == JSON_NULL,
       "after a failure every call fails");
    ok(other.code == ERR_NONE, "  and the first error is the only one");

    s = json_scan_new(SPAN("[1]"));
    ok(!json_scan_open(&s, '{', &e), "an array is no object");
    is_str(e.msg, "wants an object, found '[' (byte 0)", "  and the message says so");
    s = json_scan_new(SPAN("{}"));
    ok(!json_scan_open(&s, '[', &e) && strstr(e.msg, "wants an array"), "an object is no array");
    s = json_scan_new(SPAN(" 7 "));
    ok(!json_scan_str(&s, &text, &plain, &e) && strstr(e.msg, "wants a string"),
       "a number is no string");
    s = json_scan_new(SPAN("{\"a\":1]"));
    ok(!json_scan_skip(&s, &text, &e) && s.failed, "brackets must match");
}

static void kinds_test(void) {
    static const struct {
        const char *text;
        enum json_kind kind;
    } rows[] = {
        {" {", JSON_OBJECT},  {"\n[", JSON_ARRAY}, {"\t\"", JSON_STRING}, {"true", JSON_BOOL},
        {"false", JSON_BOOL}, {"null", JSON_NULL}, {"-1", JSON_NUMBER},   {"0", JSON_NUMBER},
    };
    struct err e = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json_scan s = json_scan_new(span_of(rows[i].text));
        ok(json_scan_kind(&s, &e) == rows[i].kind && !s.failed, "%s begins %s", rows[i].text,
           json_kind_name(rows[i].kind));
    }
    struct json_scan s = json_scan_new(SPAN("?"));
    ok(json_scan_kind(&s, &e) == JSON_NULL && s.failed && e.code == ERR_INPUT,
       "what begins no value is a failure");
}

/* A path longer than an error holds, and keys that must not reach a terminal. */
static void path_test(void) {
    struct err e = {0};
    ok(!whole(SPAN("{\"a b\":{\"\\u001b[2J\xC3\xA9\":x}}"), &e), "a fault below odd keys is found");
    is_str(e.path,
           "['a b']['\\u001b[2J?"
           "?']",
           "  and the path shows printable characters alone");
    struct buf b = buf_new(65536);
    for (int i = 0; i < 60; i++) {
        buf_str(&b, "{\"a-rather-long-key-of-some-object\":");
    }
    ok(!whole(buf_view(&b), &e) && strlen(e.path) < ERR_PATH_MAX &&
           span_starts(span_of(e.path), "a-rather-long-key-of-some-object.a-rather-"),
       "a path that is too long is cut");
    buf_done(&b);
}

int main(void) {
    prefixes_test();
    bytes_test();
    end_test();
    unicode_test();
    walk_test();
    keys_test();
    failure_test();
    kinds_test();
    path_test();
    return tap_done();
}
