/* The tree reader: what it refuses and with which path, exact numbers, typed members. */
#include "topology/json.h"

#include <pthread.h>

#include "tests/tap.h"
#include "topology/buf.h"

#define ARENA_CAP ((size_t)4 * 1024 * 1024)

struct refusal {
    const char *text;
    const char *path;
    const char *msg; /* how the message begins */
};

static const struct refusal refusals[] = {
    {"", "", "wants a value, found the end of the text"},
    {" ", "", "wants a value, found the end of the text"},
    {"{} junk", "", "wants nothing more, found 'j'"},
    {"{}{}", "", "wants nothing more, found '{'"},
    {"\xEF\xBB\xBF{}", "", "wants a value, found the byte 0xEF"},
    {"{\"a\":1,\"a\":2}", "", "duplicate key \"a\""},
    {"{\"a\":1,\"\\u0061\":2}", "", "duplicate key \"a\""},
    {"{\"\xC3\xA9\":1,\"\\u00e9\":2}", "", "duplicate key"},
    {"{\"items\":[0,1,2,{\"metadata\":{\"name\":1,\"x\":2,\"name\":3}}]}", "items[3].metadata",
     "duplicate key \"name\""},
    {"{\"a\":{\"x.y/z\":{\"k\":1,\"k\":1}}}", "a['x.y/z']", "duplicate key \"k\""},
    {"{\"a\":[1,[2,{\"b\":nul}]]}", "a[1][1].b", "wants a value, found 'n'"},
    {"{\"a\":[1,2,]}", "a[2]", "a comma with nothing behind it"},
    {"{\"a\":1,}", "", "a comma with nothing behind it"},
    {"{\"a\":1 \"b\":2}", "a", "wants ',' or '}', found '\"'"},
    {"[1 2]", "[0]", "wants ',' or ']', found '2'"},
    {"[1}", "[0]", "wants ',' or ']', found '}'"},
    {"{\"a\" 1}", "a", "wants ':', found '1'"},
    {"{a:1}", "", "wants a key, found 'a'"},
    {"{'a':1}", "", "wants a key, found '''"},
    {"{\"a\":", "a", "wants a value, found the end of the text"},
    {"[", "[0]", "wants a value, found the end of the text"},
    {"[01]", "[0]", "a number with a leading zero"},
    {"[-]", "[0]", "wants a digit, found ']'"},
    {"[1.]", "[0]", "wants a digit, found ']'"},
    {"[1e]", "[0]", "wants a digit, found ']'"},
    {"[+1]", "[0]", "wants a value, found '+'"},
    {"[.5]", "[0]", "wants a value, found '.'"},
    {"[NaN]", "[0]", "wants a value, found 'N'"},
    {"[Infinity]", "[0]", "wants a value, found 'I'"},
    {"[-Infinity]", "[0]", "wants a digit, found 'I'"},
    {"[0x10]", "[0]", "wants ',' or ']', found 'x'"},
    {"[True]", "[0]", "wants a value, found 'T'"},
    {"[tru", "[0]", "wants a value, found 't'"},
    {"[nulll]", "[0]", "wants ',' or ']', found 'l'"},
    {"[1,1e400]", "[1]", "the number 1e400 is out of range"},
    {"{\"a\":{\"b\":[-1e999]}}", "a.b[0]", "the number -1e999 is out of range"},
    {"[1000000000000000000000000000000000000000000000000000000000000000]", "[0]",
     "a number of more than 63 characters"},
    {"{\"a\":\"x\\u0000\"}", "a", "a NUL character (\\u0000) in a string"},
    {"[\"\\ud800\"]", "[0]", "half of a surrogate pair"},
    {"[\"\\udc00\"]", "[0]", "half of a surrogate pair"},
    {"[\"\\ud800\\u0041\"]", "[0]", "half of a surrogate pair"},
    {"[\"\\ud800\\ud800\"]", "[0]", "half of a surrogate pair"},
    {"[\"\\ud83d\\\"]", "[0]", "half of a surrogate pair"},
    {"[\"\\u12\"]", "[0]", "bad escape in a string: \\u wants four"},
    {"[\"\\u12g4\"]", "[0]", "bad escape in a string: \\u wants four"},
    {"[\"\\x41\"]", "[0]", "bad escape in a string"},
    {"[\"\\'\"]", "[0]", "bad escape in a string"},
    {"[\"a\nb\"]", "[0]", "a control character in a string"},
    {"[\"a\tb\"]", "[0]", "a control character in a string"},
    {"[\"abc", "[0]", "the text ends inside a string"},
    {"[\"abc\\", "[0]", "the text ends inside a string"},
    {"[\"abc\\\"", "[0]", "the text ends inside a string"},
    {"[\"\xC0\xAF\"]", "[0]", "bytes in a string that are not UTF-8"},
    {"[\"\xE0\x80\xAF\"]", "[0]", "bytes in a string that are not UTF-8"},
    {"[\"\xF0\x80\x80\xAF\"]", "[0]", "bytes in a string that are not UTF-8"},
    {"[\"\xED\xA0\x80\"]", "[0]", "bytes in a string that are not UTF-8"},
    {"[\"\xF4\x90\x80\x80\"]", "[0]", "bytes in a string that are not UTF-8"},
    {"[\"\xFF\"]", "[0]", "bytes in a string that are not UTF-8"},
    {"[\"\x80\"]", "[0]", "bytes in a string that are not UTF-8"},
    {"[\"\xE2\x82\"]", "[0]", "bytes in a string that are not UTF-8"},
    {"[\"\xC3", "[0]", "bytes in a string that are not UTF-8"},
    {"{\"\xFF\":1}", "", "bytes in a string that are not UTF-8"},
    {"[1,\f2]", "[1]", "wants a value, found the byte 0x0C"},
    {"/* c */ 1", "", "wants a value, found '/'"},
};

static void refusals_test(void) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *r = &refusals[i];
        struct arena a = arena_new(ARENA_CAP);
        const struct json *root = NULL;
        struct err e = {0};
        bool done = json_parse(span_of(r->text), &a, &root, &e);
        ok(!done && !root && e.code == ERR_INPUT, "refused: %s",
           r->text[0] ? r->text : "(nothing)");
        is_str(e.path, r->path, "  the path of the fault");
        ok(strncmp(e.msg, r->msg, strlen(r->msg)) == 0, "  the message: %s", e.msg);
        arena_done(&a);
    }
    struct arena a = arena_new(ARENA_CAP);
    const struct json *root = NULL;
    struct err e = {0};
    ok(!json_parse((struct span){"[\"a\0b\"]", 7}, &a, &root, &e) && strstr(e.msg, "NUL"),
       "a NUL byte in a string is refused");
    ok(!json_parse((struct span){"[1]\0", 4}, &a, &root, &e),
       "a NUL byte behind the text is refused");
    ok(!json_parse((struct span){NULL, 0}, &a, &root, &e), "an empty span is refused");
    ok(!json_parse(SPAN("[1,]"), &a, &root, NULL), "no struct err is needed");
    arena_done(&a);
}

/* [[[...]]] with n brackets. */
static bool nested(unsigned n, char open, struct err *e) {
    static char text[4096];
    struct buf b = BUF_OVER(text);
    for (unsigned i = 0; i < n; i++) {
        buf_str(&b, open == '[' ? "[" : "{\"a\":");
    }
    buf_str(&b, open == '[' ? "" : "1");
    buf_fill(&b, open == '[' ? ']' : '}', n);
    struct arena a = arena_new(ARENA_CAP);
    const struct json *root = NULL;
    bool done = json_parse(buf_view(&b), &a, &root, e);
    arena_done(&a);
    return done;
}

/* {"k0":0,"k1":0,...} with n members, the last one named `last` when given. */
static bool members(unsigned n, const char *last, struct err *e) {
    struct buf b = buf_new(1 << 20);
    buf_char(&b, '{');
    for (unsigned i = 0; i < n; i++) {
        if (last && i == n - 1) {
            buf_fmt(&b, ",\"%s\":0", last);
        } else {
            buf_fmt(&b, "%s\"k%u\":0", i ? "," : "", i);
        }
    }
    buf_char(&b, '}');
    struct arena a = arena_new(ARENA_CAP);
    const struct json *root = NULL;
    bool done = json_parse(buf_view(&b), &a, &root, e);
    if (done) {
        done = json_count(root) == n;
    }
    arena_done(&a);
    buf_done(&b);
    return done;
}

static void limits_test(void) {
    struct err e = {0};
    ok(nested(JSON_DEPTH_MAX, '[', &e), "64 arrays in each other are read");
    ok(!nested(JSON_DEPTH_MAX + 1, '[', &e) && e.code == ERR_TOO_LARGE, "65 arrays are too deep");
    ok(nested(JSON_DEPTH_MAX, '{', &e), "64 objects in each other are read");
    ok(!nested(JSON_DEPTH_MAX + 1, '{', &e) && e.code == ERR_TOO_LARGE, "65 objects are too deep");
    ok(members(16, NULL, &e) && members(17, NULL, &e), "16 and 17 members are read");
    ok(members(JSON_MEMBERS_MAX, NULL, &e), "an object of 4096 members is read");
    ok(!members(JSON_MEMBERS_MAX + 1, NULL, &e) && e.code == ERR_TOO_LARGE,
       "an object of 4097 members is too large");
    ok(!members(16, "k0", &e) && e.code == ERR_INPUT, "a duplicate among 16 members is found");
    ok(!members(17, "k0", &e) && e.code == ERR_INPUT, "a duplicate among 17 members is found");
    ok(!members(4096, "\\u006b17", &e) && strstr(e.msg, "\"k17\""),
       "a duplicate among 4096 members is found, its escapes resolved");

    struct buf b = buf_new(1 << 20);
    buf_str(&b, "[0");
    for (unsigned i = 0; i < 100000; i++) {
        buf_str(&b, ",0");
    }
    buf_char(&b, ']');
    struct arena a = arena_new(1 << 20);
    const struct json *root = NULL;
    ok(!json_parse(buf_view(&b), &a, &root, &e) && !root && e.code == ERR_TOO_LARGE,
       "the arena's cap is the memory limit");
    ok(strstr(e.msg, "1048576 bytes"), "  and the message names it: %s", e.msg);
    ok(a.used <= a.cap, "  and nothing beyond it was taken");
    arena_done(&a);
    ok(json_parse(SPAN("[1]"), &a, &root, &e) && json_count(root) == 1,
       "the next parse on this thread is not affected");
    arena_done(&a);
    buf_done(&b);
}

struct number {
    const char *text;
    bool whole;
    uint64_t value;
};

static const struct number numbers[] = {
    {"0", true, 0},
    {"1", true, 1},
    {"4294967296", true, 4294967296},
    {"9007199254740991", true, 9007199254740991},
    {"9007199254740992", true, 9007199254740992},
    {"9007199254740993", false, 0},
    {"18446744073709551615", false, 0},
    {"18446744073709551616", false, 0},
    {"-1", false, 0},
    {"-0", false, 0},
    {"1.0", false, 0},
    {"1.5", false, 0},
    {"1e3", false, 0},
    {"1.00000000000000000001", false, 0},
    {"0.99999999999999999999", false, 0},
    {"9007199254740991.9999999999", false, 0},
};

static void numbers_test(void) {
    /* All in one text, strings full of digits between them: each node must meet its own number. */
    struct buf b = buf_new(4096);
    buf_char(&b, '[');
    size_t n = sizeof numbers / sizeof *numbers;
    for (size_t i = 0; i < n; i++) {
        buf_fmt(&b, "%s{\"7\\\"-8\":\"9\\\\\",\"n\":[%s]}", i ? ", " : "", numbers[i].text);
    }
    buf_char(&b, ']');
    struct arena a = arena_new(ARENA_CAP);
    const struct json *root = NULL;
    struct err e = {0};
    bool done = json_parse(buf_view(&b), &a, &root, &e);
    ok(done, "an array of numbers is read");
    size_t i = 0;
    for (const struct json *v = done ? json_first(root) : NULL; v; v = json_next(v), i++) {
        const struct json *list = NULL;
        uint64_t got = 77;
        bool whole =
            json_opt_array(v, "n", &list, &e) && json_as_u64(json_first(list), UINT64_MAX, &got);
        ok(whole == numbers[i].whole && got == (whole ? numbers[i].value : 77), "%s is %s",
           numbers[i].text, numbers[i].whole ? "a whole number, exactly" : "no whole number");
    }
    ok(i == n, "every number was met");
    arena_done(&a);
    buf_done(&b);
}

static const char sample[] = "{\"s\":\"a\\n\\u00e9\\ud83d\\ude00\",\"n\":7,\"t\":true,\"f\":false,"
                             "\"z\":null,\"o\":{\"k\":\"v\"},\"l\":[1,2,3],\"d\":2.5,\"Spec\":{}}";

static void getters_test(void) {
    struct arena a = arena_new(ARENA_CAP);
    const struct json *root = NULL;
    struct err e = {0};
    bool done = json_parse(SPAN(sample), &a, &root, &e);
    ok(done, "the sample is read: %s", e.msg);
    struct span s = SPAN("old");
    ok(json_req_str(root, "s", &s, &e) && span_is(s, "a\n\xC3\xA9\xF0\x9F\x98\x80"),
       "a string comes with its escapes resolved");
    ok(json_opt_str(root, "nothing", &s, &e) && s.n == 8, "an absent string leaves the output");
    ok(json_opt_str(root, "z", &s, &e) && s.n == 8, "null is absent");
    ok(!json_req_str(root, "z", &s, &e), "  but not where a value is required");
    is_str(e.msg, "wants a string, found nothing", "  and the message says so");
    is_str(e.path, "z", "  and the path is the key");
    ok(!json_opt_str(root, "n", &s, &e), "a number is no string");
    is_str(e.msg, "wants a string, found the number 7", "  and the message says so");
    uint64_t v = 5;
    ok(!json_opt_u64(root, "n", 6, &v, &e) && v == 5, "a number above the maximum is refused");
    is_str(e.msg, "wants a whole number from 0 to 6, found the number 7", "  with both numbers");
    ok(!json_req_u64(root, "d", UINT64_MAX, &v, &e) && v == 5, "a fraction is refused");
    is_str(e.msg, "wants a whole number from 0 to 9007199254740992, found the number 2.5",
           "  with the limit that holds");
    ok(json_req_u64(root, "n", 7, &v, &e) && v == 7, "a number at the maximum is read");
    ok(!json_req_u64(root, "s", 7, &v, &e), "a string is no number");
    bool flag = false;
    ok(json_opt_bool(root, "t", &flag, &e) && flag, "true is read");
    ok(json_opt_bool(root, "f", &flag, &e) && !flag, "false is read");
    ok(!json_opt_bool(root, "n", &flag, &e), "a number is no boolean");
    const struct json *o = NULL;
    ok(json_req_object(root, "o", &o, &e) && json_kind(o) == JSON_OBJECT, "an object is read");
    ok(json_kind(NULL) == JSON_NULL, "what is not there is of the kind null");
    ok(json_opt_object(root, "none", &o, &e) && o, "an absent object leaves the output");
    ok(!json_req_object(root, "l", &o, &e), "an array is no object");
    ok(!json_opt_array(root, "o", &o, &e), "an object is no array");
    ok(!json_req_array(root, "none", &o, &e), "an absent array is missed where required");
    is_str(e.msg, "wants an array, found nothing", "  and the message says so");
    arena_done(&a);
}

static void members_test(void) {
    struct arena a = arena_new(ARENA_CAP);
    const struct json *root = NULL;
    struct err e = {0};
    ok(json_parse(SPAN(sample), &a, &root, &e), "the sample is read again");
    const struct json *o = NULL;
    struct span s;
    bool flag = false;
    uint64_t v = 0;
    const struct json *m = root;
    ok(!json_member(root, "spec", &m, &e) && m == root, "a key in another case is refused");
    is_str(e.msg, "key \"Spec\" where \"spec\" was expected", "  and the message says both");
    ok(json_member(root, "Spec", &m, &e) && m, "the exact key is found");
    ok(json_member(root, "z", &m, &e) && !m, "a null member is absent");
    ok(!json_member(m, "x", &m, &e), "a member of nothing is refused");
    is_str(e.msg, "wants an object, found nothing", "  and the message says so");
    ok(json_req_array(root, "l", &o, &e) && !json_member(o, "x", &m, &e),
       "a member of an array is refused");

    unsigned n = 0;
    for (const struct json *c = json_first(root); c; c = json_next(c)) {
        n += json_key(c).n > 0;
    }
    is_int(n, 9, "members come with their keys");
    is_int(json_count(root), 9, "members are counted");
    ok(json_key(json_first(o)).n == 0, "elements have no key");
    ok(!json_first(NULL) && !json_next(NULL) && json_count(NULL) == 0, "nothing has nothing in it");
    ok(!json_as_str(o, &s) && !json_as_bool(o, &flag) && !json_as_u64(o, 9, &v) &&
           !json_as_u64(NULL, 9, &v),
       "an array is no scalar");

    static const char *const all[] = {"s", "n", "t", "f", "z", "o", "l", "d", "Spec", NULL};
    static const char *const few[] = {"s", "n", NULL};
    ok(json_only(root, all, &e), "known keys pass");
    ok(!json_only(root, few, &e), "an unknown key is refused");
    is_str(e.msg, "unknown key \"t\"", "  and named");
    arena_done(&a);
}

/* Every place where memory can end: refused as too large, the output untouched, nothing leaked. */
static void memory_test(void) {
    unsigned wrong = 0;
    unsigned refused = 0;
    bool done = false;
    for (size_t cap = 0; cap < 16384 && !done; cap += 16) {
        struct arena a = arena_new(cap);
        const struct json *root = NULL;
        struct err e = {0};
        done = json_parse(SPAN(sample), &a, &root, &e);
        refused += !done;
        wrong += !done && (root || e.code != ERR_TOO_LARGE);
        arena_done(&a);
    }
    ok(done && refused > 10 && wrong == 0, "memory may end anywhere (%u places)", refused);
}

#define THREADS 4

static void *parse_often(void *sound) {
    bool *good = sound;
    for (unsigned i = 0; i < 500 && *good; i++) {
        struct arena a = arena_new(i % 2 ? ARENA_CAP : 512);
        const struct json *root = NULL;
        struct err e = {0};
        bool done = json_parse(SPAN(sample), &a, &root, &e);
        *good = done == (i % 2 == 1) && (!done || json_count(root) == 9);
        arena_done(&a);
    }
    return NULL;
}

static void threads_test(void) {
    pthread_t thread[THREADS];
    bool good[THREADS];
    unsigned started = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        good[i] = true;
        started += pthread_create(&thread[i], NULL, parse_often, &good[i]) == 0;
    }
    unsigned sound = 0;
    for (unsigned i = 0; i < THREADS && started == THREADS; i++) {
        sound += pthread_join(thread[i], NULL) == 0 && good[i];
    }
    is_int(sound, THREADS, "threads parse side by side, each into its own arena");
}

int main(void) {
    refusals_test();
    limits_test();
    numbers_test();
    getters_test();
    members_test();
    memory_test();
    threads_test();
    return tap_done();
}
