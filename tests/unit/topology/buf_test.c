/* Output buffers: the maximum holds, failure sticks, memory comes back. */
#include "topology/buf.h"

#include "tests/tap.h"

static void array_test(void) {
    char text[8];
    struct buf b = BUF_OVER(text);
    ok(buf_ok(&b) && b.n == 0 && text[0] == '\0', "a new buf is empty and terminated");
    buf_str(&b, "1234567");
    ok(buf_ok(&b) && strcmp(text, "1234567") == 0, "seven bytes and a NUL fit eight");
    buf_char(&b, '8');
    ok(!buf_ok(&b) && strcmp(text, "1234567") == 0, "an eighth byte does not, and changes nothing");
    buf_put(&b, "", 0);
    ok(!buf_ok(&b), "failure sticks");
    buf_reset(&b);
    ok(buf_ok(&b) && b.n == 0 && text[0] == '\0', "reset forgives");
    buf_str(&b, "12345");
    buf_fmt(&b, "%d", 678);
    ok(!buf_ok(&b) && strcmp(text, "12345") == 0, "a format that does not fit writes nothing");
    buf_reset(&b);
    buf_fmt(&b, "%s-%d", "ab", 1234);
    ok(buf_ok(&b) && strcmp(text, "ab-1234") == 0, "a format that just fits is whole");
    buf_done(&b);
    ok(!buf_ok(&b) && b.p == NULL, "a finished buf takes nothing");
    buf_str(&b, "x");
    is_str(buf_cstr(&b), "", "  and is the empty string");

    char one[1];
    struct buf tiny = BUF_OVER(one);
    buf_put(&tiny, NULL, 0);
    ok(buf_ok(&tiny), "no bytes fit one byte");
    buf_char(&tiny, 'x');
    ok(!buf_ok(&tiny) && one[0] == '\0', "one does not");
}

static void heap_test(void) {
    struct buf b = buf_new(1000);
    ok(buf_ok(&b) && buf_view(&b).n == 0 && buf_cstr(&b)[0] == '\0', "a heap buf begins empty");
    for (unsigned i = 0; i < 1000; i++) {
        buf_char(&b, (char)('a' + i % 26));
    }
    ok(buf_ok(&b) && b.n == 1000 && b.p[1000] == '\0', "it grows to its maximum");
    ok(b.p[0] == 'a' && b.p[999] == 'a' + 999 % 26, "  and keeps what was written");
    buf_char(&b, 'x');
    ok(!buf_ok(&b) && b.n == 1000, "and no further");
    buf_done(&b);
    buf_done(&b);
    ok(b.p == NULL, "finishing twice is fine");

    struct buf huge = buf_new(10);
    ok(!buf_room(&huge, (size_t)-1) && !buf_ok(&huge), "absurd room is refused");
    buf_done(&huge);

    struct buf small = buf_new(5);
    buf_str(&small, "abc");
    buf_fmt(&small, "%d", 123);
    ok(!buf_ok(&small), "a format past the maximum is refused, though memory was left");
    is_str(buf_cstr(&small), "abc", "  and writes nothing");
    buf_reset(&small);
    buf_fmt(&small, "%d", 12345);
    is_str(buf_cstr(&small), "12345", "one that just fits the maximum is whole");
    buf_done(&small);

    struct buf none = buf_new(0);
    buf_put(&none, "", 0);
    ok(buf_ok(&none), "a maximum of 0 takes nothing");
    buf_char(&none, 'x');
    ok(!buf_ok(&none), "  and not one byte");
    buf_done(&none);
}

static void pieces_test(void) {
    struct buf b = buf_new(4096);
    buf_u64(&b, 0);
    buf_char(&b, ' ');
    buf_u64(&b, UINT64_MAX);
    buf_char(&b, ' ');
    buf_i64(&b, INT64_MIN);
    buf_char(&b, ' ');
    buf_i64(&b, INT64_MAX);
    is_str(buf_cstr(&b), "0 18446744073709551615 -9223372036854775808 9223372036854775807",
           "numbers are written to their limits");
    buf_back(&b, 1);
    is_str(buf_cstr(&b), "0", "cutting back leaves the start");
    buf_back(&b, 100);
    is_str(buf_cstr(&b), "0", "cutting back forward does nothing");
    buf_fill(&b, '-', 3);
    buf_fill(&b, '-', 0);
    buf_span(&b, (struct span){"a\0b", 3});
    ok(b.n == 7 && memcmp(b.p, "0---a\0b", 8) == 0, "bytes are bytes");
    char *at = buf_room(&b, 10);
    ok(at == b.p + 7, "room is at the end");
    if (at) {
        memcpy(at, "xyz", 3);
        buf_commit(&b, 3);
    }
    ok(b.n == 10 && b.p[10] == '\0', "what is committed counts");
    buf_reset(&b);
    buf_fmt(&b, "%0500d", 7);
    ok(buf_ok(&b) && b.n == 500 && b.p[499] == '7', "a long format grows the buf");
    buf_done(&b);
}

int main(void) {
    array_test();
    heap_test();
    pieces_test();
    return tap_done();
}
