/* JSON out: commas, indents, escapes, numbers without floating point. */
#include "topology/jw.h"

#include "tests/tap.h"

static void write_sample(struct jw *w) {
    jw_object(w);
    jw_kv_str(w, "s", "a\"b");
    jw_kv_span(w, "t", SPAN("x"));
    jw_kv_u64(w, "u", UINT64_MAX);
    jw_kv_i64(w, "i", INT64_MIN);
    jw_kv_bool(w, "b", true);
    jw_kv_null(w, "n");
    jw_key(w, "list");
    jw_array(w);
    jw_u64(w, 1);
    jw_array(w);
    jw_array_end(w);
    jw_object(w);
    jw_object_end(w);
    jw_i64(w, -2);
    jw_array_end(w);
    jw_key_span(w, SPAN("k\n"));
    jw_fmt(w, "%s %d", "no.", 7);
    jw_key(w, "raw");
    jw_raw(w, SPAN("[1]"));
    jw_object_end(w);
}

static void shape_test(void) {
    struct buf b = buf_new(4096);
    struct jw w = jw_new(&b, 0);
    write_sample(&w);
    is_str(buf_cstr(&b),
           "{\"s\":\"a\\\"b\",\"t\":\"x\",\"u\":18446744073709551615,\"i\":-9223372036854775808,"
           "\"b\":true,\"n\":null,\"list\":[1,[],{},-2],\"k\\n\":\"no. 7\",\"raw\":[1]}",
           "compact");
    buf_reset(&b);
    w = jw_new(&b, 2);
    jw_object(&w);
    jw_key(&w, "a");
    jw_array(&w);
    jw_u64(&w, 1);
    jw_object(&w);
    jw_kv_bool(&w, "b", false);
    jw_object_end(&w);
    jw_array_end(&w);
    jw_key(&w, "c");
    jw_object(&w);
    jw_object_end(&w);
    jw_object_end(&w);
    is_str(buf_cstr(&b),
           "{\n  \"a\": [\n    1,\n    {\n      \"b\": false\n    }\n  ],\n  \"c\": {}\n}",
           "indented, empty brackets closed up");
    buf_reset(&b);
    w = jw_new(&b, 0);
    jw_str(&w, "");
    is_str(buf_cstr(&b), "\"\"", "a value alone");
    buf_done(&b);
}

static void escape_test(void) {
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"\"\\\n\t\r", "\"\\\"\\\\\\n\\t\\r\""},
        {"\b\f\x01\x1f\x7f", "\"\\u0008\\u000c\\u0001\\u001f\\u007f\""},
        {"/<>&'", "\"/<>&'\""},
        {"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", "\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\""},
        {"a\xFFz", "\"a\xEF\xBF\xBDz\""},
        {"\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xE2\x82", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xC3", "\"\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[128];
        struct buf b = BUF_OVER(text);
        jw_escape(&b, span_of(rows[i].text));
        is_str(text, rows[i].want, "escaped as it should be");
    }
    char text[32];
    struct buf b = BUF_OVER(text);
    jw_escape(&b, (struct span){"a\0b", 3});
    is_str(text, "\"a\\u0000b\"", "a NUL byte is escaped");
    buf_reset(&b);
    jw_escape(&b, (struct span){NULL, 0});
    is_str(text, "\"\"", "nothing is the empty string");
}

static void milli_test(void) {
    static const struct {
        uint64_t milli;
        const char *want;
    } rows[] = {
        {0, "0"},          {1, "0.001"},
        {10, "0.01"},      {100, "0.1"},
        {1000, "1"},       {2500, "2.5"},
        {26562, "26.562"}, {3000, "3"},
        {1010, "1.01"},    {UINT64_MAX, "18446744073709551.615"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32];
        struct buf b = BUF_OVER(text);
        struct jw w = jw_new(&b, 0);
        jw_milli(&w, rows[i].milli);
        is_str(text, rows[i].want, "thousandths");
    }
}

static void full_test(void) {
    char text[16];
    struct buf b = BUF_OVER(text);
    struct jw w = jw_new(&b, 0);
    write_sample(&w);
    ok(!buf_ok(&b) && b.n < sizeof text, "a full buf fails, and nothing is written behind it");
    struct buf big = buf_new(1 << 16);
    w = jw_new(&big, 0);
    jw_fmt(&w, "%02000d", 1);
    ok(!buf_ok(&big), "a formatted value that is too long fails rather than being cut");
    buf_done(&big);
}

int main(void) {
    shape_test();
    escape_test();
    milli_test();
    full_test();
    return tap_done();
}
