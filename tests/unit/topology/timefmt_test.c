/* Times as text. The numbers were taken from `date -u -d @N`. */
#include "tests/tap.h"
#include "topology/annotation.h"

static const struct {
    int64_t unix_s;
    const char *text;
} pairs[] = {
    {0, "1970-01-01T00:00:00Z"},
    {-1, "1969-12-31T23:59:59Z"},
    {951782400, "2000-02-29T00:00:00Z"},
    {1795511640, "2026-11-24T09:14:00Z"},
    {1709251199, "2024-02-29T23:59:59Z"},
    {1709251200, "2024-03-01T00:00:00Z"},
    {4107542400, "2100-03-01T00:00:00Z"},
    {4107542399, "2100-02-28T23:59:59Z"},
    {2147483648, "2038-01-19T03:14:08Z"},
    {253402300799, "9999-12-31T23:59:59Z"},
    {-62135596800, "0001-01-01T00:00:00Z"},
};

static const struct {
    const char *text;
    int64_t unix_s;
} read_too[] = {
    {"2026-11-24T10:14:00+01:00", 1795511640},   {"2026-11-24T03:44:00-05:30", 1795511640},
    {"2026-11-24t09:14:00.999999z", 1795511640}, {"2016-12-31T23:59:60Z", 1483228800},
    {"2026-11-24T09:14:00-00:00", 1795511640},
};

static const char *const refused[] = {
    "",
    "now",
    "2026-11-24",
    "2026-11-24T09:14:00",
    "2026-11-24 09:14:00Z",
    "2026-11-24T09:14Z",
    "2026-11-24T09:14:00Z ",
    " 2026-11-24T09:14:00Z",
    "2026-11-24T09:14:00.Z",
    "2026-11-24T09:14:00+1:00",
    "2026-11-24T09:14:00+01",
    "2026-11-24T09:14:00+24:00",
    "2026-11-24T24:00:00Z",
    "2026-11-24T09:60:00Z",
    "2026-11-24T09:14:61Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "+026-11-24T09:14:00Z",
    "12026-11-24T09:14:00Z",
};

int main(void) {
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[32];
        struct buf b = BUF_OVER(text);
        int64_t back = 42;
        time_text(pairs[i].unix_s, &b);
        is_str(text, pairs[i].text, "a time is written");
        ok(time_parse(span_of(pairs[i].text), &back) && back == pairs[i].unix_s, "and read back");
    }
    for (size_t i = 0; i < sizeof read_too / sizeof read_too[0]; i++) {
        int64_t got = 42;
        ok(time_parse(span_of(read_too[i].text), &got), "%s is a time", read_too[i].text);
        is_int(got, read_too[i].unix_s, "and that one");
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        int64_t got = 42;
        ok(!time_parse(span_of(refused[i]), &got) && got == 42, "\"%s\" is no time", refused[i]);
    }
    unsigned bad = 0;
    for (int64_t t = -62135596800; t < 253402300799; t += 86399 * 371) {
        char text[32];
        struct buf b = BUF_OVER(text);
        int64_t back = 0;
        time_text(t, &b);
        bad += !time_parse(buf_view(&b), &back) || back != t;
    }
    is_int(bad, 0, "every time between the years 1 and 9999 comes back");
    char text[32];
    struct buf b = BUF_OVER(text);
    time_text(INT64_MAX, &b);
    is_str(text, "9999-12-31T23:59:59Z", "times beyond are shown as the last one");
    buf_reset(&b);
    time_text(INT64_MIN, &b);
    is_str(text, "0001-01-01T00:00:00Z", "times before as the first");
    return tap_done();
}
