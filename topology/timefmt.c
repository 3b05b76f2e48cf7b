/* Time as text, without libc's calendar (its calls have hidden state). Days are counted by Howard
 * Hinnant's civil calendar formulas: the year begins in March, so that the leap day is its last. */
#include "topology/annotation.h"

#define DAY_S      86400
#define YEAR_FIRST (-62135596800) /* 0001-01-01T00:00:00Z */
#define YEAR_LAST  253402300799   /* 9999-12-31T23:59:59Z */

static int64_t days_of(int64_t year, unsigned month, unsigned day) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void put_padded(struct buf *out, int64_t v, unsigned width) {
    char digits[4];
    for (unsigned i = width; i > 0; i--) {
        digits[i - 1] = (char)('0' + v % 10);
        v /= 10;
    }
    buf_put(out, digits, width);
}

static void put_date(struct buf *out, int64_t days) {
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    put_padded(out, yoe + era * 400 + (month <= 2), 4);
    buf_char(out, '-');
    put_padded(out, month, 2);
    buf_char(out, '-');
    put_padded(out, doy - (153 * mp + 2) / 5 + 1, 2);
}

/* Times outside the four-digit years are shown as the nearest one inside. */
void time_text(int64_t unix_s, struct buf *out) {
    int64_t t = unix_s < YEAR_FIRST ? YEAR_FIRST : unix_s > YEAR_LAST ? YEAR_LAST : unix_s;
    int64_t days = (t >= 0 ? t : t - (DAY_S - 1)) / DAY_S;
    int64_t rest = t - days * DAY_S;
    put_date(out, days);
    buf_char(out, 'T');
    put_padded(out, rest / 3600, 2);
    buf_char(out, ':');
    put_padded(out, rest / 60 % 60, 2);
    buf_char(out, ':');
    put_padded(out, rest % 60, 2);
    buf_char(out, 'Z');
}

/* n digits at the start of *s, then the character `end` (0: none). */
static bool take(struct span *s, size_t n, char end, unsigned max, unsigned *v) {
    uint32_t got = 0;
    if (s->n < n + (end != 0) || !span_u32(span_upto(*s, n), max, &got) ||
        (end && s->p[n] != end)) {
        return false;
    }
    *v = got;
    *s = span_from(*s, n + (end != 0));
    return true;
}

static bool skip_fraction(struct span *s) {
    if (!s->n || s->p[0] != '.') {
        return true;
    }
    size_t i = 1;
    while (i < s->n && s->p[i] >= '0' && s->p[i] <= '9') {
        i++;
    }
    *s = span_from(*s, i);
    return i > 1;
}

/* "Z" or "+02:00": seconds east of UTC. */
static bool take_offset(struct span s, int64_t *east_s) {
    if (span_is(s, "Z") || span_is(s, "z")) {
        *east_s = 0;
        return true;
    }
    if (!s.n || (s.p[0] != '+' && s.p[0] != '-')) {
        return false;
    }
    bool west = s.p[0] == '-';
    unsigned hours = 0;
    unsigned minutes = 0;
    s = span_from(s, 1);
    if (!take(&s, 2, ':', 23, &hours) || !take(&s, 2, 0, 59, &minutes) || s.n) {
        return false;
    }
    int64_t east = (int64_t)hours * 3600 + (int64_t)minutes * 60;
    *east_s = west ? -east : east;
    return true;
}

static unsigned month_days(unsigned year, unsigned month) {
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool time_parse(struct span text, int64_t *unix_s) {
    struct span s = text;
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;
    if (!take(&s, 4, '-', 9999, &year) || !take(&s, 2, '-', 12, &month) ||
        !take(&s, 2, 0, 31, &day) || year == 0 || month == 0 || day == 0 ||
        day > month_days(year, month)) {
        return false;
    }
    if (!s.n || (s.p[0] != 'T' && s.p[0] != 't')) {
        return false;
    }
    s = span_from(s, 1);
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    int64_t east_s = 0;
    /* 60: RFC 3339 allows leap seconds; they fall on the next second here. */
    if (!take(&s, 2, ':', 23, &hour) || !take(&s, 2, ':', 59, &minute) ||
        !take(&s, 2, 0, 60, &second) || !skip_fraction(&s) || !take_offset(s, &east_s)) {
        return false;
    }
    *unix_s = days_of(year, month, day) * DAY_S + (int64_t)hour * 3600 + (int64_t)minute * 60 +
              second - east_s;
    return true;
}
