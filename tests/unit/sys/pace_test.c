/* A thread that can be ended while it waits. Run under the thread sanitizer too. */
#include "webhook/sys/pace.h"

#include <stdatomic.h>

#include "tests/tap.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/wait.h"

#define SECOND_US INT64_C(1000000)
#define LONG_US   (600 * SECOND_US)

struct ticker {
    struct pace pace;
    int64_t step_us;
    unsigned rounds; /* under the pace's lock */
    _Atomic bool told_to_stop;
};

static void *tick(void *ctx) {
    struct ticker *t = ctx;
    while (pace_wait(&t->pace, t->step_us)) {
        pthread_mutex_lock(&t->pace.lock);
        t->rounds++;
        pthread_mutex_unlock(&t->pace.lock);
    }
    t->told_to_stop = t->pace.stop;
    return NULL;
}

static unsigned rounds_of(struct ticker *t) {
    pthread_mutex_lock(&t->pace.lock);
    unsigned n = t->rounds;
    pthread_mutex_unlock(&t->pace.lock);
    return n;
}

/* Waits for so many rounds, ten seconds at most. */
static bool comes_to(struct ticker *t, unsigned rounds) {
    const struct timespec a_bit = {.tv_nsec = 1000000};
    int64_t until = clock_mono_us() + 10 * SECOND_US;
    while (rounds_of(t) < rounds && clock_mono_us() < until) {
        nanosleep(&a_bit, NULL);
    }
    return rounds_of(t) >= rounds;
}

static void test_it_goes_round(void) {
    struct ticker t = {.step_us = 1000};
    struct err e = {0};
    int64_t begun = clock_mono_us();
    if (!ok(pace_start(&t.pace, tick, &t, &e), "it starts: %s", e.msg)) {
        return;
    }
    ok(comes_to(&t, 5), "a short wait comes to its end again and again");
    ok(clock_mono_us() - begun >= 5 * t.step_us, "and not before its time");
    pace_stop(&t.pace);
    ok(t.told_to_stop, "then it was told to stop");
}

static void test_it_is_ended_while_it_waits(void) {
    struct ticker t = {.step_us = LONG_US};
    struct err e = {0};
    int64_t begun = clock_mono_us();
    if (!ok(pace_start(&t.pace, tick, &t, &e), "it starts with a long wait: %s", e.msg)) {
        return;
    }
    pace_stop(&t.pace);
    ok(clock_mono_us() - begun < LONG_US / 2, "and does not sit it out");
    is_int(t.rounds, 0, "no round was made");
}

static void test_pokes(void) {
    struct ticker t = {.step_us = LONG_US};
    struct err e = {0};
    if (!ok(pace_start(&t.pace, tick, &t, &e), "it starts: %s", e.msg)) {
        return;
    }
    pace_poke(&t.pace);
    ok(comes_to(&t, 1), "a poke ends the wait, or the one that comes next");
    pace_poke(&t.pace);
    ok(comes_to(&t, 2), "each once");
    pace_stop(&t.pace);
    is_int(t.rounds, 2, "and no wait more than it was poked");
}

static void *look_once(void *ctx) {
    struct ticker *t = ctx;
    t->rounds = pace_wait(&t->pace, -5) ? 1 : 0;
    return NULL;
}

static void test_no_wait_at_all(void) {
    struct ticker t = {0};
    struct err e = {0};
    if (!ok(pace_start(&t.pace, look_once, &t, &e), "it starts: %s", e.msg)) {
        return;
    }
    pthread_join(t.pace.thread, NULL);
    is_int(t.rounds, 1, "a time that has passed is no wait, and goes on");
    /* As pace_stop does, but that the thread is joined already. */
    pthread_cond_destroy(&t.pace.wake);
    pthread_mutex_destroy(&t.pace.lock);
}

/* ---- the condition alone ---- */

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool open;
};

static void *open_it(void *ctx) {
    struct gate *g = ctx;
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_signal(&g->opened);
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

static bool waits(struct gate *g, int64_t until_us) {
    pthread_mutex_lock(&g->lock);
    while (!g->open && wait_until(&g->opened, &g->lock, until_us)) {
    }
    bool open = g->open;
    pthread_mutex_unlock(&g->lock);
    return open;
}

static void test_a_condition(int64_t until_us, const char *what) {
    struct gate g = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;
    wait_init(&g.opened);
    if (pthread_create(&thread, NULL, open_it, &g) == 0) {
        ok(waits(&g, until_us), "%s: what another thread does ends the wait", what);
        pthread_join(thread, NULL);
    }
    pthread_cond_destroy(&g.opened);
}

static void test_a_time(void) {
    struct gate g = {.lock = PTHREAD_MUTEX_INITIALIZER};
    wait_init(&g.opened);
    int64_t until = clock_mono_us() + 20000;
    ok(!waits(&g, until), "nobody opens");
    ok(clock_mono_us() >= until, "and the time has come, by the clock that never goes back");
    ok(!waits(&g, 0), "a time that has passed is no wait");
    pthread_cond_destroy(&g.opened);
}

int main(void) {
    test_it_goes_round();
    test_it_is_ended_while_it_waits();
    test_pokes();
    test_no_wait_at_all();
    test_a_condition(clock_mono_us() + LONG_US, "with a time");
    test_a_condition(WAIT_FOREVER, "for ever");
    test_a_time();
    ok(pace_random() != pace_random(), "numbers differ");
    return tap_done();
}
