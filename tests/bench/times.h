/* How long something takes, measured in rounds: of each the median and the 99th of a hundred, and
 * of these the median, because machines have good and bad seconds. */
#ifndef TPGUARD_TESTS_BENCH_TIMES_H
#define TPGUARD_TESTS_BENCH_TIMES_H

#define ROUNDS_MAX 15

struct times {
    unsigned rounds;
    double p50[ROUNDS_MAX];
    double p99[ROUNDS_MAX];
};

double now_us(void); /* of the monotonic clock */

/* One round: calls step again and again for so long, 20 times at least. One thread at a time. */
void times_round(struct times *t, double for_us, void (*step)(void *ctx), void *ctx);

/* The median of n values, which are sorted by it. */
double median(double *v, unsigned n);

/* A number of the command line; `otherwise` where there is none. */
unsigned number_arg(int argc, char **argv, int i, unsigned otherwise, unsigned max);

#endif
