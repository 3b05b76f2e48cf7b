/* The leader election, driven by hand: one clock, no API server. */
#include "webhook/core/lease.h"

#include "tests/tap.h"

#define S INT64_C(1000000)

static struct lease_record record(const char *holder, const char *renewed, const char *version) {
    struct lease_record r = {.duration_s = 15, .transitions = 3};
    snprintf(r.holder, sizeof r.holder, "%s", holder);
    snprintf(r.renewed, sizeof r.renewed, "%s", renewed);
    snprintf(r.acquired, sizeof r.acquired, "%s", "a");
    snprintf(r.version, sizeof r.version, "%s", version);
    return r;
}

static struct lease begin(int64_t now) {
    struct lease l;
    lease_begin(&l, "me", &LEASE_TIMES, now);
    return l;
}

static enum lease_do what(const struct lease *l, int64_t now) {
    return lease_next(l, now).what;
}

/* Leads since `now`, version "1". */
static struct lease leading(int64_t now) {
    struct lease l = begin(now);
    lease_missing(&l, now);
    struct lease_record r;
    lease_wanted(&l, "t0", &r);
    snprintf(r.version, sizeof r.version, "%s", "1");
    lease_written(&l, &r, now, now + 1000);
    return l;
}

static void test_first(void) {
    struct lease l = begin(5 * S);
    is_int(what(&l, 5 * S), LEASE_READ, "first the record is read");
    lease_missing(&l, 5 * S);
    is_int(what(&l, 5 * S), LEASE_CREATE, "none there: it is created");
    struct lease_record r;
    lease_wanted(&l, "t0", &r);
    is_str(r.holder, "me", "... in our name");
    is_str(r.acquired, "t0", "... acquired now");
    is_int(r.duration_s, 15, "... for 15 s");
    is_int(r.transitions, 0, "... without transitions");
    is_str(r.version, "", "... standing on no version");
    lease_refused(&l, 5 * S);
    ok(!l.leads && what(&l, 5 * S) == LEASE_WAIT && what(&l, 6 * S) == LEASE_READ,
       "somebody was first: it is read again, a little later");
}

static void test_renewal(void) {
    struct lease l = leading(100 * S);
    ok(l.leads && l.term == 1, "created: we lead, first term");
    is_int(lease_until(&l), 110 * S, "until the renew deadline, counted from when it was sent");
    is_int(what(&l, 101 * S), LEASE_WAIT, "nothing to do for the retry period");
    is_int(what(&l, 102 * S), LEASE_WRITE, "then it is written without being read");
    struct lease_record r;
    lease_wanted(&l, "t2", &r);
    ok(strcmp(r.acquired, "t0") == 0 && strcmp(r.renewed, "t2") == 0 && r.transitions == 0 &&
           strcmp(r.version, "1") == 0,
       "a renewal keeps what it acquired and stands on the version it knows");
    lease_written(&l, &r, 102 * S, 102 * S);
    ok(l.leads && l.term == 1 && lease_until(&l) == 112 * S, "the same term goes on");
    lease_failed(&l, 104 * S, 0);
    ok(l.leads && what(&l, 105 * S) == LEASE_WAIT && what(&l, 106 * S) == LEASE_READ,
       "a failed renewal is tried again after the retry period, by reading first");
    ok(!lease_lapse(&l, 112 * S - 1) && l.leads, "before the deadline we still lead");
    ok(lease_lapse(&l, 112 * S) && !l.leads && lease_until(&l) == 0, "at the deadline no longer");
    ok(!lease_lapse(&l, 113 * S), "which is said once");
    r = record("me", "t2", "2");
    lease_read(&l, &r, 114 * S, 0);
    is_int(what(&l, 114 * S), LEASE_WRITE, "our own record is taken up again");
    lease_written(&l, &r, 114 * S, 114 * S);
    ok(l.leads && l.term == 2, "as another term");
}

static void test_other(void) {
    struct lease l = begin(0);
    struct lease_record r = record("you", "t1", "1");
    lease_read(&l, &r, 0, 0);
    ok(!l.leads && what(&l, 2 * S - 1) == LEASE_WAIT && what(&l, 2 * S) == LEASE_READ,
       "a held lease is looked at again after the retry period");
    lease_read(&l, &r, 2 * S, UINT32_MAX);
    ok(what(&l, 6 * S) == LEASE_WAIT && what(&l, 6400000) == LEASE_READ,
       "with jitter up to 2.2 times that");
    snprintf(r.version, sizeof r.version, "2");
    lease_read(&l, &r, 14 * S, 0);
    ok(!l.fresh, "14 s after it was last seen to change it is still held");
    lease_read(&l, &r, 15 * S, 0);
    is_int(what(&l, 15 * S), LEASE_WRITE,
           "after 15 s it is over, though its version changed in between");
    struct lease_record want;
    lease_wanted(&l, "t9", &want);
    ok(want.transitions == 4 && strcmp(want.acquired, "t9") == 0 && strcmp(want.version, "2") == 0,
       "taking it over counts a transition");
    lease_refused(&l, 15 * S);
    r = record("you", "t2", "3");
    lease_read(&l, &r, 16 * S, 0);
    ok(!l.fresh && !l.leads, "it was renewed just then: held again");
    r.holder[0] = 0;
    r.duration_s = 1;
    lease_read(&l, &r, 17 * S, 0);
    is_int(what(&l, 17 * S), LEASE_WRITE, "handed back: taken at once");
}

static void test_stolen(void) {
    struct lease l = leading(0);
    lease_refused(&l, 2 * S);
    ok(l.leads, "a refused renewal alone is not the end");
    struct lease_record r = record("you", "t1", "9");
    lease_read(&l, &r, 2500000, 0);
    ok(!l.leads && lease_until(&l) == 0, "another holder is");
    l = leading(0);
    lease_missing(&l, 3 * S);
    ok(!l.leads && what(&l, 3 * S) == LEASE_CREATE, "so is a deleted record, which is made anew");
    l = leading(0);
    lease_written(&l, &r, 2 * S, 2 * S);
    ok(!l.leads && what(&l, 4 * S) == LEASE_READ, "so is an answer that names another");
}

static void test_elected(void) {
    struct lease l = begin(0);
    struct lease_record r = record("you", "t1", "1");
    snprintf(r.strategy, sizeof r.strategy, "OldestEmulationVersion");
    lease_read(&l, &r, 0, 0);
    lease_read(&l, &r, 60 * S, 0);
    ok(!l.fresh, "with a strategy nobody takes it for himself, even when it is over");
    r.holder[0] = 0;
    lease_read(&l, &r, 61 * S, 0);
    ok(!l.fresh, "nor when it is free");
    r = record("me", "t2", "2");
    snprintf(r.strategy, sizeof r.strategy, "OldestEmulationVersion");
    lease_read(&l, &r, 62 * S, 0);
    is_int(what(&l, 62 * S), LEASE_WRITE, "our name written there makes us lead");
    lease_written(&l, &r, 62 * S, 62 * S);
    snprintf(r.preferred, sizeof r.preferred, "you");
    lease_written(&l, &r, 64 * S, 64 * S);
    is_int(what(&l, 66 * S), LEASE_READ, "another preferred holder: not renewed any more");
    lease_read(&l, &r, 66 * S, 0);
    ok(!l.leads && !l.fresh, "and given up");
}

static void test_bounds(void) {
    struct lease l = begin(0);
    struct lease_record r = record("you", "t1", "1");
    r.duration_s = INT32_MAX;
    lease_read(&l, &r, 0, 0);
    lease_read(&l, &r, 3599 * S, 0);
    ok(!l.fresh, "a lease of years is believed for an hour");
    lease_read(&l, &r, 3600 * S, 0);
    ok(l.fresh, "and no longer");
    l = begin(0);
    r.duration_s = 0;
    lease_read(&l, &r, 0, 0);
    lease_read(&l, &r, 15 * S, 0);
    ok(l.fresh, "one without a duration for as long as ours");
    l = leading(0);
    lease_released(&l, &r);
    ok(r.holder[0] == 0 && r.duration_s == 1 && strcmp(r.version, "1") == 0,
       "handing back names nobody, for a second, on the version we know");
}

/* Two of them on one record, with calls that fail at random: never do both lead, and when calls
 * work again somebody does soon. */
static uint32_t dice(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state;
}

struct world {
    struct lease_record record;
    bool exists;
    unsigned version;
    int64_t now;
    uint32_t state;
    bool failing; /* half of all calls */
};

static void act(struct world *w, struct lease *l) {
    lease_lapse(l, w->now);
    struct lease_step s = lease_next(l, w->now);
    if (s.what == LEASE_WAIT) {
        return;
    }
    /* Lost on the way there, or on the way back: then it was done all the same. */
    uint32_t fate = w->failing ? dice(&w->state) >> 16 & 3 : 3;
    if (fate == 0 || (fate == 1 && s.what == LEASE_READ)) {
        lease_failed(l, w->now, dice(&w->state));
        return;
    }
    if (s.what == LEASE_READ) {
        if (w->exists) {
            lease_read(l, &w->record, w->now, dice(&w->state));
        } else {
            lease_missing(l, w->now);
        }
        return;
    }
    char text[LEASE_TIME_MAX];
    struct lease_record want;
    snprintf(text, sizeof text, "t%lld", (long long)w->now);
    lease_wanted(l, text, &want);
    if (w->exists ? strcmp(want.version, w->record.version) != 0 : want.version[0] != 0) {
        lease_refused(l, w->now);
        return;
    }
    snprintf(want.version, sizeof want.version, "%u", ++w->version);
    w->record = want;
    w->exists = true;
    if (fate == 1) {
        lease_failed(l, w->now, dice(&w->state));
    } else {
        lease_written(l, &want, w->now, w->now);
    }
}

static void test_two(void) {
    unsigned both = 0;
    unsigned idle = 0;
    unsigned changes = 0;
    for (uint32_t seed = 1; seed <= 50; seed++) {
        struct world w = {.state = seed};
        struct lease l[2];
        lease_begin(&l[0], "me", &LEASE_TIMES, 0);
        lease_begin(&l[1], "you", &LEASE_TIMES, 0);
        int64_t calm = 0;
        for (w.now = 0; w.now < 1200 * S; w.now += S / 4) {
            w.failing = w.now / (60 * S) % 2 == 1;
            calm = w.failing ? 0 : calm + S / 4;
            bool stuck = w.now / (40 * S) % 3 == 2; /* one of the two hangs for 40 s */
            act(&w, &l[0]);
            if (!stuck) {
                act(&w, &l[1]);
            }
            bool a = w.now < lease_until(&l[0]);
            bool b = w.now < lease_until(&l[1]);
            both += a && b;
            idle += calm > 25 * S && !a && !b;
        }
        changes += (unsigned)(l[0].term + l[1].term);
    }
    is_int(both, 0, "two replicas never lead at once, whatever fails or hangs");
    is_int(idle, 0, "25 s after calls work again one leads");
    ok(changes > 100, "(the lease changed hands %u times)", changes);
}

int main(void) {
    test_first();
    test_renewal();
    test_other();
    test_stolen();
    test_elected();
    test_bounds();
    test_two();
    return tap_done();
}
