#include "webhook/sys/pace.h"

#include <sys/random.h>

#include "webhook/sys/clock.h"
#include "webhook/sys/wait.h"

/* Only touched pages count. */
#define STACK_BYTES ((size_t)1024 * 1024)

static bool make_thread(struct pace *p, void *(*run)(void *), void *ctx) {
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0) {
        return false;
    }
    bool done = pthread_attr_setstacksize(&attr, STACK_BYTES) == 0 &&
                pthread_create(&p->thread, &attr, run, ctx) == 0;
    pthread_attr_destroy(&attr);
    return done;
}

bool pace_start(struct pace *p, void *(*run)(void *), void *ctx, struct err *e) {
    p->stop = false;
    p->poked = false;
    if (pthread_mutex_init(&p->lock, NULL) != 0) {
        return err_set(e, ERR_INTERNAL, "cannot make a lock");
    }
    wait_init(&p->wake);
    if (!make_thread(p, run, ctx)) {
        pthread_cond_destroy(&p->wake);
        pthread_mutex_destroy(&p->lock);
        return err_set(e, ERR_INTERNAL, "cannot start a thread");
    }
    return true;
}

bool pace_wait(struct pace *p, int64_t us) {
    int64_t until = clock_mono_us() + (us > 0 ? us : 0);
    pthread_mutex_lock(&p->lock);
    while (!p->stop && !p->poked && wait_until(&p->wake, &p->lock, until)) {
    }
    bool on = !p->stop;
    p->poked = false;
    pthread_mutex_unlock(&p->lock);
    return on;
}

void pace_poke(struct pace *p) {
    pthread_mutex_lock(&p->lock);
    p->poked = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

void pace_stop(struct pace *p) {
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
}

uint64_t pace_random(void) {
    uint64_t r = 0;
    if (getrandom(&r, sizeof r, GRND_NONBLOCK) != (ssize_t)sizeof r) {
        /* Times of one start differ in their low bits alone. */
        r = (uint64_t)clock_mono_us() * UINT64_C(0x9E3779B97F4A7C15);
    }
    return r;
}
