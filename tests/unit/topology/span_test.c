/* Borrowed text: cutting, searching and numbers, at the edges. */
#include "topology/span.h"

#include "tests/tap.h"

static void compare_test(void) {
    struct span none = {NULL, 0};
    ok(span_eq(none, SPAN("")) && span_is(none, ""), "nothing equals the empty text");
    ok(span_of(NULL).n == 0, "a NULL string is the empty text");
    ok(!span_is(SPAN("ab"), "a") && !span_is(SPAN("a"), "ab"), "a prefix is not equal");
    ok(span_ieq(SPAN("GpU-1"), SPAN("gPu-1")) && !span_ieq(SPAN("a"), SPAN("ab")),
       "the case of letters can be left aside");
    ok(!span_ieq(SPAN("["), SPAN("{")) && !span_ieq(SPAN("@"), SPAN("`")),
       "  but only that of letters");
    ok(!span_ieq(SPAN("\xC3\x84"), SPAN("\xC3\xA4")), "  and only of ASCII letters");
    ok(span_starts(SPAN("--tp=2"), "--tp") && !span_starts(SPAN("--t"), "--tp"), "starts");
    ok(span_ends(SPAN("a.gguf"), ".gguf") && !span_ends(SPAN("f"), ".gguf"), "ends");
    ok(span_starts(SPAN("a"), "") && span_ends(SPAN("a"), "") && !span_starts(none, "a") &&
           !span_ends(none, "a"),
       "all starts and ends with nothing, nothing with something");
}

static void find_test(void) {
    struct span none = {NULL, 0};
    is_int(span_find(SPAN("a=b=c"), '='), 1, "the first of two is found");
    is_int(span_find(SPAN("abc"), '='), 3, "what is not there is at the end");
    is_int(span_find(none, '='), 0, "nothing has nothing in it");
    is_int(span_search(SPAN("aab"), "ab"), 1, "a word is found after a false start");
    is_int(span_search(SPAN("aa"), "aab"), 2, "a longer word is not");
    is_int(span_search(SPAN("abc"), ""), 3, "the empty word is nowhere");
    ok(span_has(SPAN("x NVLink y"), "NVLink") && !span_has(none, "x"), "has");
}

static void cut_test(void) {
    struct span s = SPAN("abc");
    ok(span_is(span_from(s, 1), "bc") && span_from(s, 3).n == 0 && span_from(s, 99).n == 0,
       "from an offset, the end and beyond");
    ok(span_is(span_upto(s, 2), "ab") && span_is(span_upto(s, 99), "abc"), "up to and beyond");
    ok(span_is(span_trim(SPAN(" \t\r\n\v\f a b \n")), "a b") && span_trim(SPAN("  ")).n == 0,
       "white space is trimmed at both ends");
    struct span rest = SPAN("a,,b,");
    ok(span_is(span_cut(&rest, ','), "a") && span_is(span_cut(&rest, ','), "") &&
           span_is(span_cut(&rest, ','), "b") && rest.n == 0,
       "pieces come in order, empty ones too");
    ok(span_cut(&rest, ',').n == 0 && rest.n == 0, "  and then nothing");
    rest = SPAN("one\r\ntwo\n\nfour");
    ok(span_is(span_line(&rest), "one") && span_is(span_line(&rest), "two") &&
           span_is(span_line(&rest), "") && span_is(span_line(&rest), "four") && rest.n == 0,
       "lines lose their ends of both kinds");
}

static void number_test(void) {
    static const struct {
        const char *text;
        uint64_t max;
        bool good;
        uint64_t value;
    } rows[] = {
        {"0", 0, true, 0},
        {"007", 7, true, 7},
        {"8", 7, false, 0},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999", UINT64_MAX, false, 0},
        {"000000000000000000001", UINT64_MAX, false, 0},
        {"", 9, false, 0},
        {" 1", 9, false, 0},
        {"1 ", 9, false, 0},
        {"+1", 9, false, 0},
        {"-1", 9, false, 0},
        {"0x1", 9, false, 0},
        {"1e1", 99, false, 0},
        {"1.0", 9, false, 0},
        {"\xD9\xA1", 9, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t v = 55;
        bool good = span_u64(span_of(rows[i].text), rows[i].max, &v);
        ok(good == rows[i].good && v == (good ? rows[i].value : 55), "\"%s\" is %s", rows[i].text,
           rows[i].good ? "a number" : "none, and changes nothing");
    }
    uint32_t small = 5;
    ok(span_u32(SPAN("4294967295"), UINT32_MAX, &small) && small == UINT32_MAX,
       "the largest of 32 bits is read");
    ok(!span_u32(SPAN("4294967296"), UINT32_MAX, &small) && small == UINT32_MAX,
       "one more is refused");
}

int main(void) {
    compare_test();
    find_test();
    cut_test();
    number_test();
    return tap_done();
}
