/* Waiting for a condition until a time of the monotonic clock (clock_mono_us), which a step of the
 * wall clock neither cuts short nor draws out. */
#ifndef TPGUARD_SYS_WAIT_H
#define TPGUARD_SYS_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define WAIT_FOREVER INT64_MAX

/* A condition variable for wait_until alone; destroyed by pthread_cond_destroy. It takes no memory
 * of its own, so it does not fail. */
void wait_init(pthread_cond_t *c);

/* Under the lock, which it gives up meanwhile. true: woken, perhaps for nothing; false: until_us
 * has come. Who waits looks at what it waits for again in both cases. */
bool wait_until(pthread_cond_t *c, pthread_mutex_t *lock, int64_t until_us);

#endif
