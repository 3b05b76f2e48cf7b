#include "webhook/sys/clock.h"

#include <time.h>

static struct timespec now(clockid_t which) {
    struct timespec t = {0};
    clock_gettime(which, &t);
    return t;
}

int64_t clock_unix_s(void) {
    return (int64_t)now(CLOCK_REALTIME).tv_sec;
}

int64_t clock_unix_ms(void) {
    struct timespec t = now(CLOCK_REALTIME);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_mono_us(void) {
    struct timespec t = now(CLOCK_MONOTONIC);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
