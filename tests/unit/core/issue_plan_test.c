/* What to do next with the certificates, case by case, and a whole life of them in fast motion. */
#include "webhook/core/issue_plan.h"

#include "tests/tap.h"

#define DAY  ISSUE_DAY_S
#define YEAR (365 * DAY)
#define NOW  (INT64_C(56) * YEAR)

/* A sound Secret of ours, 10 days after it was made. */
static struct issue_facts sound(void) {
    return (struct issue_facts){.exists = true,
                                .ours = true,
                                .pair = true,
                                .names = true,
                                .chain = true,
                                .by_signer = true,
                                .not_after = NOW + 80 * DAY,
                                .n_ca = 1,
                                .signer = true,
                                .signer_from = NOW - 10 * DAY,
                                .signer_to = NOW + 3642 * DAY,
                                .published_s = 1000};
}

static struct issue_facts rotating(int64_t since) {
    struct issue_facts f = sound();
    f.n_ca = 2;
    f.next = true;
    f.next_to = NOW + 3652 * DAY;
    f.next_since = since;
    f.signer_to = NOW + 700 * DAY;
    return f;
}

static struct issue_facts switched(int64_t since) {
    struct issue_facts f = sound();
    f.n_ca = 2;
    f.old_since = since;
    return f;
}

static void check(const struct issue_facts *f, enum issue_action want, bool anyone,
                  const char *what) {
    struct issue_plan p = issue_plan(f, &ISSUE_TIMES, NOW);
    ok(p.action == want && p.anyone == anyone, "%s: %s%s%s", what, issue_action_name(p.action),
       p.why[0] ? ", " : "", p.why);
}

static void check_usable(const struct issue_facts *f, bool usable, const char *what) {
    ok(issue_plan(f, &ISSUE_TIMES, NOW).usable == usable, "%s is %sserved", what,
       usable ? "" : "not ");
}

static void test_secret(void) {
    struct issue_facts f = {0};
    check(&f, ISSUE_CREATE, true, "no Secret");
    f = (struct issue_facts){.exists = true, .empty = true};
    check(&f, ISSUE_FILL, true, "an empty Secret, made by somebody beforehand");
    f.ours = true;
    check(&f, ISSUE_FILL, true, "an emptied Secret of ours");
    f = sound();
    check(&f, ISSUE_KEEP, false, "a sound one");
    check_usable(&f, true, "a sound one");
    f = (struct issue_facts){.exists = true, .pair = true, .not_after = NOW + DAY};
    check(&f, ISSUE_KEEP, false, "somebody else's certificate");
    check_usable(&f, true, "somebody else's certificate");
    f.not_after = NOW - DAY;
    check(&f, ISSUE_KEEP, false, "somebody else's, ended");
    f.pair = false;
    check(&f, ISSUE_KEEP, false, "somebody else's garbage");
    check_usable(&f, false, "somebody else's garbage");
    f.ours = true;
    check(&f, ISSUE_FILL, true, "garbage in a Secret of ours");
    check_usable(&f, false, "garbage in a Secret of ours");
}

static void test_server(void) {
    struct issue_facts f = sound();
    f.not_after = NOW + 30 * DAY + 1;
    check(&f, ISSUE_KEEP, false, "a second more than a third of its life left");
    f.not_after = NOW + 30 * DAY;
    check(&f, ISSUE_SIGN, false, "a third left");
    check_usable(&f, true, "a third left");
    f.not_after = NOW;
    check(&f, ISSUE_SIGN, true, "ended");
    check_usable(&f, false, "one that has ended");
    f = sound();
    f.names = false;
    check(&f, ISSUE_SIGN, false, "other names asked for");
    check_usable(&f, true, "other names asked for");
    f = sound();
    f.pair = false;
    check(&f, ISSUE_SIGN, true, "a key that does not fit");
    f = sound();
    f.chain = false;
    f.by_signer = false;
    check(&f, ISSUE_SIGN, true, "signed by nobody in the bundle");
    f = sound();
    f.by_signer = false;
    check(&f, ISSUE_SIGN, false, "signed by an old CA");
    f = sound();
    f.signer_to = f.not_after = NOW + 20 * DAY;
    check(&f, ISSUE_PUBLISH, false, "one that lives as long as its CA is not signed anew for that");
}

static void test_ca(void) {
    struct issue_facts f = sound();
    f.signer_to = NOW + 3652 * DAY / 5 + 1;
    check(&f, ISSUE_KEEP, false, "a CA with more than a fifth of its life left");
    f.signer_to--;
    check(&f, ISSUE_PUBLISH, false, "a fifth left");
    f = sound();
    f.signer = f.by_signer = false;
    check(&f, ISSUE_PUBLISH, false, "its key is lost, the certificate still works");
    f.names = false;
    check(&f, ISSUE_PUBLISH, false, "the same with other names asked for");
    f.chain = false;
    check(&f, ISSUE_FILL, true, "its key is lost and the certificate does not work");
    f = rotating(NOW - 29 * DAY);
    check(&f, ISSUE_KEEP, false, "a next CA published for 29 days");
    f = rotating(NOW - 30 * DAY);
    check(&f, ISSUE_SWITCH, false, "for 30 days");
    f.published_s = -1;
    check(&f, ISSUE_KEEP, false, "... but a webhook configuration does not hold it");
    f.published_s = 59;
    check(&f, ISSUE_KEEP, false, "... or has held it for less than the settle time");
    f = rotating(NOW - 29 * DAY);
    f.not_after = NOW + DAY;
    check(&f, ISSUE_SIGN, false, "the certificate is due meanwhile: by the old CA");
    f = rotating(NOW - 31 * DAY);
    f.not_after = NOW + DAY;
    check(&f, ISSUE_SWITCH, false, "due when the time is over: by the next");
    f = rotating(NOW - 59);
    f.signer = f.by_signer = false;
    check(&f, ISSUE_KEEP, false, "the old key lost, next published for 59 s");
    f.next_since = NOW - 60;
    check(&f, ISSUE_SWITCH, false, "... for 60 s");
    f.next_since = NOW;
    f.chain = false;
    check(&f, ISSUE_SWITCH, true, "... just now, and nothing works");
    f = switched(NOW - 6 * DAY);
    check(&f, ISSUE_KEEP, false, "an old CA, 6 days after");
    f = switched(NOW - 7 * DAY);
    check(&f, ISSUE_DROP, false, "... 7 days after");
    f = switched(NOW - 7 * DAY);
    f.signer = f.by_signer = false;
    check(&f, ISSUE_PUBLISH, false, "... never while nothing can sign");
}

static void test_clock(void) {
    struct issue_facts f = rotating(0);
    check(&f, ISSUE_STAMP, false, "a next CA without its time");
    f = rotating(NOW + 301);
    check(&f, ISSUE_STAMP, false, "... with one in the future");
    f = rotating(NOW + 299);
    check(&f, ISSUE_KEEP, false, "... of a clock that is a little ahead");
    f = switched(0);
    check(&f, ISSUE_STAMP, false, "an old CA without its time");
    f = switched(NOW + YEAR);
    check(&f, ISSUE_STAMP, false, "... with one in the future");
    f = sound();
    f.signer_from = NOW + DAY;
    check(&f, ISSUE_KEEP, false, "our clock is before the CA's beginning");
    check_usable(&f, true, "what a clock before the CA's beginning finds");
    f.not_after = NOW - DAY;
    check(&f, ISSUE_KEEP, false, "... whatever the rest looks like by it");
    f = sound();
    f.not_after = NOW + 3 * YEAR;
    check(&f, ISSUE_KEEP, false, "a certificate that lives too long, by a clock that was ahead");
}

/* The Secret as these actions leave it. */
struct secret {
    struct issue_facts f;
};

static void carry_out(struct secret *s, enum issue_action a, const struct issue_times *t,
                      int64_t now) {
    struct issue_facts *f = &s->f;
    int64_t end = now + t->server_life_s;
    switch (a) {
    case ISSUE_CREATE:
    case ISSUE_FILL:
        f->exists = f->ours = f->signer = f->names = true;
        f->n_ca++;
        f->signer_from = now;
        f->signer_to = now + t->ca_life_s;
        f->not_after = end;
        f->pair = f->chain = f->by_signer = true;
        break;
    case ISSUE_SIGN:
        f->not_after = end < f->signer_to ? end : f->signer_to;
        f->names = f->pair = f->chain = f->by_signer = true;
        break;
    case ISSUE_PUBLISH:
        f->next = true;
        f->next_since = now;
        f->next_to = now + t->ca_life_s;
        f->n_ca++;
        break;
    case ISSUE_SWITCH:
        f->next = false;
        f->signer_to = f->next_to;
        f->not_after = end < f->signer_to ? end : f->signer_to;
        f->old_since = now;
        break;
    case ISSUE_DROP:
        f->n_ca = 1;
        f->old_since = 0;
        break;
    case ISSUE_STAMP:
    case ISSUE_KEEP:
    case ISSUE_ACTION_COUNT:
        break;
    }
}

static void test_century(void) {
    struct secret s = {.f = {.published_s = 1000000}};
    unsigned count[ISSUE_ACTION_COUNT] = {0};
    unsigned unusable = 0;
    unsigned early = 0;
    for (int64_t now = NOW; now < NOW + 100 * YEAR; now += DAY / 2) {
        struct issue_plan p = issue_plan(&s.f, &ISSUE_TIMES, now);
        count[p.action]++;
        unusable += !p.usable;
        early += p.action == ISSUE_SWITCH && now - s.f.next_since < 30 * DAY;
        carry_out(&s, p.action, &ISSUE_TIMES, now);
    }
    is_int(unusable, 1, "in a hundred years there is always something to serve but at the start");
    is_int(early, 0, "no CA signs before its time");
    ok(count[ISSUE_PUBLISH] == 12 && count[ISSUE_SWITCH] == 12 && count[ISSUE_DROP] >= 11,
       "the CA is replaced every eight years (%u times)", count[ISSUE_SWITCH]);
    ok(count[ISSUE_SIGN] > 550 && count[ISSUE_SIGN] < 650,
       "the certificate every sixty days (%u times)", count[ISSUE_SIGN]);
    ok(count[ISSUE_FILL] == 0 && count[ISSUE_STAMP] == 0, "nothing has to be repaired");
}

int main(void) {
    test_secret();
    test_server();
    test_ca();
    test_clock();
    test_century();
    return tap_done();
}
