/* The state machine of list and watch: refused inputs first, then every fault, then days on which
 * all goes well. Time is a number here, and chance the highest or lowest it can be. */
#include "webhook/core/watchstate.h"

#include <stdlib.h>

#include "tests/tap.h"

#define S INT64_C(1000000) /* a second, in microseconds */

static struct span text(const char *s) {
    return span_of(s);
}

/* A state that has listed and watches from version "7" since `at`. */
static struct watchstate watching(int64_t at) {
    struct watchstate s;
    watchstate_init(&s, 500);
    (void)watchstate_page(&s, text("7"), text(""), at, 0);
    watchstate_open(&s, at);
    return s;
}

static struct watch_action http(struct watchstate *s, unsigned status, unsigned after, int64_t now,
                                uint64_t random) {
    struct watch_failure f = {WATCH_STATUS, status, after, false};
    return watchstate_failed(s, &f, now, random);
}
static struct watch_action network(struct watchstate *s, int64_t now, uint64_t random) {
    return watchstate_failed(s, &(struct watch_failure){0}, now, random);
}

static void test_nonsense(void) {
    static char long_version[WATCH_VERSION_MAX + 1];
    static char long_token[WATCH_CONTINUE_MAX + 1];
    memset(long_version, '1', WATCH_VERSION_MAX);
    memset(long_token, 'a', WATCH_CONTINUE_MAX);
    const struct {
        const char *what;
        struct span version, next;
    } rows[] = {
        {"no version", text(""), text("")},
        {"no version on the first of several pages", text(""), text("abc")},
        {"a version of 128 bytes", text(long_version), text("")},
        {"a token of 4096 bytes", text("7"), text(long_token)},
        {"a version with a NUL byte", SPAN("1\0002"), text("")},
        {"a token with a NUL byte", text("7"), SPAN("a\000b")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct watchstate s;
        watchstate_init(&s, 500);
        struct watch_action a = watchstate_page(&s, rows[i].version, rows[i].next, S, UINT64_MAX);
        ok(a.why && a.what == WATCH_DO_LIST && a.first && !a.complete && s.failures == 1 &&
               a.wait_ms >= WATCH_WAIT_MIN_MS,
           "%s: the list is made again, after a while", rows[i].what);
    }
    struct watchstate s;
    watchstate_init(&s, 500);
    (void)watchstate_page(&s, text("7"), text("abc"), S, 0);
    struct watch_action a = watchstate_page(&s, text("7"), text("abc"), S, 0);
    ok(a.why && a.first, "a list that goes on with the page just read does not go round for ever");
    s = watching(S);
    a = watchstate_page(&s, text("8"), text(""), S, 0);
    ok(a.why && a.what == WATCH_DO_LIST, "a page that nobody asked for");
    s = watching(S);
    ok(!watchstate_event(&s, text(long_version)) && strcmp(s.version, "7") == 0,
       "an event's version that is too long is not kept");
    watchstate_init(&s, 500);
    bool stopped = false;
    for (unsigned i = 0; i <= WATCH_PAGES_MAX && !stopped; i++) {
        char token[16];
        (void)snprintf(token, sizeof token, "t%u", i);
        stopped = watchstate_page(&s, text("7"), text(token), S, 0).why != NULL;
    }
    ok(stopped, "a list without end has one");
}

/* One failure each, in the first state and in the second. */
enum { NET, HTTP, EXPIRED, LARGE };
static const struct {
    const char *what;
    int kind;
    unsigned status, after;
    bool watch;         /* else on the second page of a list */
    enum watch_do next; /* what comes then */
    bool first;         /* the list from its beginning */
    uint64_t least, most;
} faults[] = {
    {"page: no answer", NET, 0, 0, false, WATCH_DO_LIST, false, 50, 500},
    {"page: 500", HTTP, 500, 0, false, WATCH_DO_LIST, false, 50, 500},
    {"page: 503", HTTP, 503, 0, false, WATCH_DO_LIST, false, 50, 500},
    {"page: 429, Retry-After 3", HTTP, 429, 3, false, WATCH_DO_LIST, false, 3000, 3999},
    {"page: 429 without", HTTP, 429, 0, false, WATCH_DO_LIST, false, 50, 500},
    {"page: 503, Retry-After 5000", HTTP, 503, 5000, false, WATCH_DO_LIST, false, 60000, 60999},
    {"page: 410, the token has expired", HTTP, 410, 0, false, WATCH_DO_LIST, true, 0, 0},
    {"page: reason Expired", EXPIRED, 500, 0, false, WATCH_DO_LIST, true, 0, 0},
    {"page: 400, the token is not liked", HTTP, 400, 0, false, WATCH_DO_LIST, true, 50, 500},
    {"page: 401", HTTP, 401, 0, false, WATCH_DO_LIST, false, 50, 500},
    {"page: 403", HTTP, 403, 0, false, WATCH_DO_LIST, false, 10000, 20000},
    {"page: 404", HTTP, 404, 0, false, WATCH_DO_LIST, false, 10000, 20000},
    {"page: too large", LARGE, 0, 0, false, WATCH_DO_LIST, false, 50, 50},
    {"watch: no answer", NET, 0, 0, true, WATCH_DO_STREAM, false, 50, 500},
    {"watch: 500", HTTP, 500, 0, true, WATCH_DO_STREAM, false, 50, 500},
    {"watch: 429, Retry-After 1", HTTP, 429, 1, true, WATCH_DO_STREAM, false, 1000, 1999},
    {"watch: 403", HTTP, 403, 0, true, WATCH_DO_STREAM, false, 10000, 20000},
    {"watch: 410", HTTP, 410, 0, true, WATCH_DO_LIST, true, 0, 0},
    {"watch: an ERROR of reason Gone", EXPIRED, 0, 0, true, WATCH_DO_LIST, true, 0, 0},
    {"watch: 400", HTTP, 400, 0, true, WATCH_DO_LIST, true, 50, 500},
    {"watch: 504", HTTP, 504, 0, true, WATCH_DO_LIST, true, 50, 500},
    {"watch: a line too large", LARGE, 0, 0, true, WATCH_DO_LIST, true, 50, 500},
    {"watch: an ERROR without a code", HTTP, 0, 0, true, WATCH_DO_STREAM, false, 50, 500},
};

static void test_faults(void) {
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct watch_failure f = {
            .fault = faults[i].kind == NET     ? WATCH_NO_ANSWER
                     : faults[i].kind == LARGE ? WATCH_TOO_LARGE
                                               : WATCH_STATUS,
            .status = faults[i].status,
            .retry_after_s = faults[i].after,
            .expired = faults[i].kind == EXPIRED,
        };
        bool good = true;
        uint64_t least = UINT64_MAX;
        uint64_t most = 0;
        for (uint64_t random = 0; random < 200000; random += 7) {
            struct watchstate s = watching(S);
            if (!faults[i].watch) {
                watchstate_init(&s, 500);
                (void)watchstate_page(&s, text("7"), text("abc"), S, 0);
            }
            struct watch_action a = watchstate_failed(&s, &f, 2 * S, random);
            good = good && a.what == faults[i].next && a.first == faults[i].first && !a.complete &&
                   !a.why && s.failures == 1;
            least = a.wait_ms < least ? a.wait_ms : least;
            most = a.wait_ms > most ? a.wait_ms : most;
        }
        ok(good && least == faults[i].least && most == faults[i].most, "%s (%u to %u ms)",
           faults[i].what, (unsigned)least, (unsigned)most);
    }
}

static void test_backoff(void) {
    static const uint64_t most[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
    struct watchstate s = watching(S);
    bool good = true;
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        struct watchstate low = s;
        good = good && network(&low, S, 0).wait_ms == WATCH_WAIT_MIN_MS;
        /* random % (most + 1) is largest for random = most. */
        good = good && network(&s, S, most[i]).wait_ms == most[i];
    }
    ok(good, "waits grow to half a minute, and chance may pick any below");
    ok(s.now == WATCH_DO_STREAM && strcmp(s.version, "7") == 0,
       "a server that is away for long is no reason to list again");
    for (unsigned i = 0; i < 100; i++) {
        (void)network(&s, S, 0);
    }
    is_int(network(&s, S, 30000).wait_ms, 30000, "and there is no end to that");
    watchstate_open(&s, 100 * S);
    (void)network(&s, 105 * S, 0);
    ok(s.failures > 100, "five good seconds are no good times");
    watchstate_open(&s, 200 * S);
    ok(network(&s, 211 * S, 500).wait_ms == 500 && s.failures == 1, "eleven are");
}

/* A server that lists and does not stream must not be listed for ever without a pause. */
static void test_lists_only(void) {
    struct watchstate s;
    uint64_t waited = 0;
    watchstate_init(&s, 500);
    for (unsigned i = 0; i < 9; i++) {
        (void)network(&s, S, 0);
    }
    (void)watchstate_page(&s, text("7"), text(""), S, 0);
    ok(s.failures == 0, "a list that is complete ends a row of failures");
    for (unsigned i = 0; i < 12; i++) {
        struct watch_action a = http(&s, 400, 0, S, 30000);
        waited += a.wait_ms;
        (void)watchstate_page(&s, text("7"), text(""), S, 0);
    }
    ok(waited > 60000 && s.failures == 12, "but not one that is followed by no stream");
}

static void test_expiry_in_a_row(void) {
    struct watchstate s = watching(S);
    struct watch_action a = http(&s, 410, 0, 2 * S, UINT64_MAX);
    ok(a.wait_ms == 0 && a.first && s.next[0] == '\0', "the first 410 is answered at once");
    (void)watchstate_page(&s, text("9"), text(""), 2 * S, 0);
    watchstate_open(&s, 2 * S);
    a = http(&s, 410, 0, 2 * S, 1000);
    ok(a.wait_ms == 1000 && a.first, "the next one, right behind it, waits");
    (void)watchstate_page(&s, text("11"), text(""), 4 * S, 0);
    a = http(&s, 410, 0, 4 * S, 2000);
    ok(a.wait_ms == 2000, "the third one longer, although lists went well between");
    (void)watchstate_page(&s, text("12"), text(""), 6 * S, 0);
    watchstate_open(&s, 6 * S);
    a = http(&s, 410, 0, 60 * S, UINT64_MAX);
    ok(a.wait_ms == 0, "after good times none");
    s = watching(S);
    for (unsigned i = 0; i < 9; i++) {
        (void)network(&s, 2 * S, 0);
    }
    watchstate_open(&s, 3 * S);
    a = http(&s, 410, 0, 3 * S, 500);
    ok(a.first && a.wait_ms == 500, "a server that was away for long and has forgotten is asked at "
                                    "once, spread over half a second");
}

static void test_continue_expired(void) {
    struct watchstate s;
    watchstate_init(&s, 500);
    (void)watchstate_page(&s, text("7"), text("abc"), S, 0);
    struct watch_action a = watchstate_page(&s, text("7"), text("def"), S, 0);
    ok(a.what == WATCH_DO_LIST && !a.first && !a.complete && strcmp(s.next, "def") == 0,
       "page after page");
    a = http(&s, 410, 0, S, 0);
    ok(a.first && !a.complete && s.next[0] == '\0', "an expired token: from the first page again");
    a = watchstate_page(&s, text("20"), text("ghi"), S, 0);
    ok(!a.complete && !a.why && strcmp(s.version, "20") == 0, "of a new version");
    a = watchstate_page(&s, text("25"), text(""), S, 0);
    ok(a.complete && a.what == WATCH_DO_STREAM, "and only its end completes the list");
    is_str(s.version, "20", "the watch starts where the list did, not where it ended");
}

static void test_give_up(void) {
    struct watchstate s = watching(S);
    struct watch_action a = {0};
    for (unsigned i = 0; i < WATCH_GIVE_UP - 1; i++) {
        a = http(&s, 500, 0, S, 0);
    }
    ok(a.what == WATCH_DO_STREAM, "four refusals of a watch");
    a = http(&s, 500, 0, S, 0);
    ok(a.what == WATCH_DO_LIST && a.first && a.wait_ms >= WATCH_WAIT_MIN_MS,
       "after the fifth the list is made again, in case it is the version");
    struct watchstate p;
    watchstate_init(&p, 500);
    for (unsigned i = 0; i < 10; i++) {
        a = watchstate_failed(&p, &(struct watch_failure){.fault = WATCH_TOO_LARGE}, S, 0);
    }
    ok(p.limit == 10 && a.what == WATCH_DO_LIST, "pages that are too large get smaller, to ten");
    ok(a.wait_ms >= WATCH_WAIT_MIN_MS, "and never without a pause");
    (void)watchstate_page(&p, text("7"), text(""), S, 0);
    is_int(p.limit, 500, "a whole list forgets that");
}

static void test_ended(void) {
    struct watchstate s = watching(S);
    struct watch_action a = watchstate_ended(&s, 301 * S, UINT64_MAX);
    ok(a.what == WATCH_DO_STREAM && a.wait_ms >= 50 && a.wait_ms <= 100 && s.failures == 0,
       "a stream that ended in order goes on from there");
    ok(a.timeout_s >= 300 && a.timeout_s <= 600, "for five to ten minutes");
    watchstate_open(&s, 302 * S);
    ok(watchstate_event(&s, text("31")) && watchstate_event(&s, text("")) &&
           strcmp(s.version, "31") == 0,
       "events and bookmarks move the version; one without leaves it");
    a = watchstate_ended(&s, 302 * S + 1000, 500);
    ok(a.wait_ms <= 500 && a.wait_ms >= 50 && s.failures == 0,
       "a short stream that said something is no failure");
    uint64_t waited = 0;
    for (unsigned i = 0; i < 20; i++) {
        watchstate_open(&s, 400 * S);
        a = watchstate_ended(&s, 400 * S + 1000, 30000);
        waited += a.wait_ms;
    }
    ok(a.what == WATCH_DO_STREAM && s.failures == 20 && waited > 20000,
       "streams that end at once are not asked for again and again without a pause");
    is_str(s.version, "31", "nor is the list made again for them");
    bool odd = watchstate_event(&s, text("zz-not-a-number"));
    ok(odd && strcmp(s.version, "zz-not-a-number") == 0, "versions are texts");
    ok(watchstate_event(&s, text("4")) && strcmp(s.version, "4") == 0, "and never compared");
}

static void test_start(void) {
    struct watchstate s;
    watchstate_init(&s, 250);
    struct watch_action a = watchstate_now(&s, UINT64_MAX);
    ok(a.what == WATCH_DO_LIST && a.first && a.wait_ms == 0 && s.limit == 250,
       "it begins with the first page, at once");
    a = watchstate_page(&s, text("7"), text(""), S, UINT64_MAX);
    ok(a.complete && a.what == WATCH_DO_STREAM && a.wait_ms == 0 && a.timeout_s <= 600,
       "a list of one page, then the watch");
    unsigned low = 600;
    unsigned high = 300;
    for (uint64_t i = 0; i < 1000; i++) {
        a = watchstate_now(&s, (i * 7919) << 32);
        low = a.timeout_s < low ? a.timeout_s : low;
        high = a.timeout_s > high ? a.timeout_s : high;
    }
    ok(low == 300 && high == 600, "streams do not all end together");
}

/* Anything in any order: always a next step, never a busy loop. */
static void test_any_order(void) {
    uint64_t x = 88172645463325252U;
    struct watchstate s;
    int64_t now = S;
    unsigned in_a_row = 0;
    bool good = true;
    watchstate_init(&s, 500);
    for (unsigned i = 0; i < 200000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        struct watch_action a;
        enum watch_do did = s.now;
        bool failed = x % 3 != 0;
        if (failed) {
            static const unsigned statuses[] = {0, 400, 401, 403, 404, 410, 429, 500, 503, 504};
            struct watch_failure f = {(enum watch_fault)(x / 3 % 3), statuses[x / 9 % 10],
                                      (unsigned)(x / 90 % 100), x / 9000 % 7 == 0};
            a = watchstate_failed(&s, &f, now, x >> 5);
        } else if (did == WATCH_DO_LIST) {
            char next[32] = "";
            if (x / 3 % 2) {
                (void)snprintf(next, sizeof next, "n%u", i);
            }
            a = watchstate_page(&s, text("7"), text(next), now, x >> 5);
        } else {
            watchstate_open(&s, now);
            now += (int64_t)(x / 3 % 20) * S;
            a = watchstate_ended(&s, now, x >> 5);
        }
        in_a_row = failed && a.wait_ms == 0 ? in_a_row + 1 : 0;
        good = good && in_a_row <= 1 && a.wait_ms <= 61000 && !(a.complete && failed) &&
               a.what == s.now && (a.what == WATCH_DO_LIST || s.version[0]) &&
               (a.what == WATCH_DO_STREAM) == (a.timeout_s != 0);
        now += (int64_t)a.wait_ms * 1000;
    }
    ok(good, "two hundred thousand steps of any kind");
}

int main(void) {
    test_nonsense();
    test_faults();
    test_backoff();
    test_lists_only();
    test_expiry_in_a_row();
    test_continue_expired();
    test_give_up();
    test_ended();
    test_start();
    test_any_order();
    return tap_done();
}
