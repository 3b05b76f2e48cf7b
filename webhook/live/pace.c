#include "webhook/live/pace.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "webhook/sys/clock.h"

/* As much as a worker of the server has, for some of these threads judge pods as it does; only
 * touched pages count. */
#define STACK_BYTES ((size_t)1024 * 1024)

static bool make_cond(pthread_cond_t *c) {
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0) {
        return false;
    }
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    bool done = pthread_cond_init(c, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return done;
}

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
    if (!make_cond(&p->wake)) {
        return err_set(e, ERR_INTERNAL, "cannot make a condition variable");
    }
    if (pthread_mutex_init(&p->lock, NULL) != 0) {
        pthread_cond_destroy(&p->wake);
        return err_set(e, ERR_INTERNAL, "cannot make a lock");
    }
    if (!make_thread(p, run, ctx)) {
        pthread_mutex_destroy(&p->lock);
        pthread_cond_destroy(&p->wake);
        return err_set(e, ERR_INTERNAL, "cannot start a thread");
    }
    return true;
}

bool pace_wait(struct pace *p, int64_t us) {
    int64_t until = clock_mono_us() + (us > 0 ? us : 0);
    struct timespec at = {.tv_sec = (time_t)(until / 1000000),
                          .tv_nsec = (long)(until % 1000000) * 1000};
    pthread_mutex_lock(&p->lock);
    while (!p->stop && !p->poked && pthread_cond_timedwait(&p->wake, &p->lock, &at) != ETIMEDOUT) {
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
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
}

uint32_t pace_random(void) {
    uint32_t r = 0;
    if (getrandom(&r, sizeof r, GRND_NONBLOCK) != (ssize_t)sizeof r) {
        r = (uint32_t)clock_mono_us();
    }
    return r;
}
