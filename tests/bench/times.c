#include "tests/bench/times.h"

#include <stdlib.h>
#include <time.h>

#include "tests/bench/link.h"

#define SAMPLES_MAX 20000

double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b) {
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

double median(double *v, unsigned n) {
    qsort(v, n, sizeof v[0], by_size);
    return v[n / 2];
}

void times_round(struct times *t, double for_us, void (*step)(void *ctx), void *ctx) {
    static double sample[SAMPLES_MAX];
    unsigned n = 0;
    double begun = now_us();
    while (n < SAMPLES_MAX && (n < 20 || now_us() - begun < for_us)) {
        double sent = now_us();
        step(ctx);
        sample[n++] = now_us() - sent;
    }
    qsort(sample, n, sizeof sample[0], by_size);
    t->p50[t->rounds] = sample[(n - 1) * 50 / 100];
    t->p99[t->rounds] = sample[(n - 1) * 99 / 100];
    t->rounds++;
}

unsigned number_arg(int argc, char **argv, int i, unsigned otherwise, unsigned max) {
    uint32_t n = otherwise;
    if (argc > i && !span_u32(span_of(argv[i]), max, &n)) {
        die(argv[i], "wants a number");
    }
    return n;
}
