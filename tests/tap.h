/* A test program prints TAP: one line per check, a plan at the end, exit 1 when a check failed.
 * Nothing else. Use: int main(void) { ok(x, "what"); is_str(got, want, "what"); return tap_done();
 * } */
#ifndef TPGUARD_TESTS_TAP_H
#define TPGUARD_TESTS_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned tap_count;
static unsigned tap_failed;

__attribute__((format(printf, 4, 5), unused)) static bool
tap_check(bool good, const char *file, int line, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    printf("%sok %u - ", good ? "" : "not ", ++tap_count);
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    if (!good) {
        tap_failed++;
        printf("# at %s:%d\n", file, line);
    }
    return good;
}

#define ok(cond, ...) tap_check((cond), __FILE__, __LINE__, __VA_ARGS__)

__attribute__((unused)) static bool tap_str(const char *got, const char *want, const char *file,
                                            int line, const char *what) {
    bool good = got && want ? strcmp(got, want) == 0 : got == want;
    tap_check(good, file, line, "%s", what);
    if (!good) {
        printf("#  got: %s\n# want: %s\n", got ? got : "(null)", want ? want : "(null)");
    }
    return good;
}
#define is_str(got, want, what) tap_str((got), (want), __FILE__, __LINE__, (what))

__attribute__((unused)) static bool tap_i64(int64_t got, int64_t want, const char *file, int line,
                                            const char *what) {
    tap_check(got == want, file, line, "%s", what);
    if (got != want) {
        printf("#  got: %" PRId64 "\n# want: %" PRId64 "\n", got, want);
    }
    return got == want;
}
#define is_int(got, want, what) tap_i64((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, (what))

/* A check that cannot be made here, with the reason; counted apart by the runner. */
#define skip(why, what) printf("ok %u - %s # SKIP %s\n", ++tap_count, (what), (why))

__attribute__((unused)) static int tap_done(void) {
    printf("1..%u\n", tap_count);
    return tap_failed || !tap_count;
}

#endif
