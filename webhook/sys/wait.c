#include "webhook/sys/wait.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

void wait_init(pthread_cond_t *c) {
    pthread_condattr_t attr;
    int bad = pthread_condattr_init(&attr);
    bad |= pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    bad |= pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
    /* They only fail for arguments that are wrong. */
    assert(!bad);
    (void)bad;
}

bool wait_until(pthread_cond_t *c, pthread_mutex_t *lock, int64_t until_us) {
    if (until_us == WAIT_FOREVER) {
        pthread_cond_wait(c, lock);
        return true;
    }
    const struct timespec at = {.tv_sec = (time_t)(until_us / 1000000),
                                .tv_nsec = (long)(until_us % 1000000) * 1000};
    return pthread_cond_timedwait(c, lock, &at) != ETIMEDOUT;
}
