/* The cost model against figures worked out from the same measurements in floating point, and
 * against its own claims: exact at measured sizes, monotone, bounded. */
#include "topology/cost.h"

#include "tests/tap.h"

#define FABRICS 4
static const enum cost_fabric columns[FABRICS] = {COST_NVLINK4, COST_NVLINK3, COST_PCIE5,
                                                  COST_PCIE4};

struct expected {
    const char *model;
    unsigned layers;
    unsigned hidden;
    unsigned tp;
    unsigned tokens;
    unsigned us[FABRICS]; /* per step, known to 10 us */
};

#define LLAMA70B "Llama-3.3-70B", 80, 8192
#define QWEN32B  "Qwen3-32B", 64, 5120
#define LLAMA8B  "Llama-3.1-8B", 32, 4096

/* Worked out in floating point. Five of them lie on an outlier of the raw measurements and are
 * those of the monotone curve: raw, a 512 KiB message over PCIe 5 and 8 GPUs would cost more than 1
 * MiB. */
static const struct expected rows[] = {
    {LLAMA70B, 2, 1, {720, 835, 810, 1000}},
    {LLAMA70B, 2, 64, {1330, 1710, 4820, 9640}},
    {LLAMA70B, 2, 8192, {75000, 119380, 580840, 1121080}},
    {LLAMA70B, 4, 1, {770, 960, 2380, 2800}},
    {LLAMA70B, 4, 64, {2040, 2930, 14030, 57700}},
    {LLAMA70B, 4, 8192, {99010, 159410, 1110750, 8705030}},
    {LLAMA70B, 8, 1, {850, 1050, 4400, 4380}},
    {LLAMA70B, 8, 64, {2400, 3470, 21360, 93220}},
    {LLAMA70B, 8, 8192, {92380, 185740, 1587740, 19242730}},
    {QWEN32B, 2, 1, {570, 668, 600, 750}},
    {QWEN32B, 2, 64, {880, 1120, 2680, 5030}},
    {QWEN32B, 2, 8192, {45000, 61350, 293520, 564680}},
    {QWEN32B, 4, 1, {620, 730, 1800, 1960}},
    {QWEN32B, 4, 64, {1510, 2010, 10230, 32910}},
    {QWEN32B, 4, 8192, {51710, 84190, 564600, 4356670}},
    {QWEN32B, 8, 1, {660, 820, 3440, 3530}},
    {QWEN32B, 8, 64, {1650, 2530, 17090, 62080}},
    {QWEN32B, 8, 8192, {52020, 94360, 805310, 9614800}},
    {LLAMA8B, 2, 1, {280, 340, 290, 370}},
    {LLAMA8B, 2, 64, {400, 510, 1130, 2050}},
    {LLAMA8B, 2, 8192, {19630, 24860, 118000, 226660}},
    {LLAMA8B, 4, 1, {310, 350, 880, 920}},
    {LLAMA8B, 4, 64, {730, 930, 4890, 14010}},
    {LLAMA8B, 4, 8192, {21120, 34560, 227610, 1743450}},
    {LLAMA8B, 8, 1, {330, 400, 1700, 1750}},
    {LLAMA8B, 8, 64, {770, 1210, 8545, 28450}},
    {LLAMA8B, 8, 8192, {22010, 38030, 324320, 3844670}},
};

static double size_of(double x) {
    return x < 0 ? -x : x;
}

static void expected_test(void) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct expected *r = &rows[i];
        struct cost_ask ask = {
            .layers = r->layers, .hidden = r->hidden, .tp = r->tp, .dtype_bytes = 2};
        for (unsigned c = 0; c < FABRICS; c++) {
            double got = (double)cost_step_us(columns[c], &ask, r->tokens);
            double off = size_of(got - r->us[c]);
            ok(off <= 10 || off <= 0.01 * r->us[c], "%s, TP=%u, %u tokens, %s: %.0f us, wanted %u",
               r->model, r->tp, r->tokens, cost_fabric_name(columns[c]), got, r->us[c]);
        }
    }
}

/* ln(x) for 1 <= x < 1e20, by the series of 2 artanh((x - 1) / (x + 1)) after halving. */
static double ln(double x) {
    unsigned halved = 0;
    for (; x > 1.5; x /= 2) {
        halved++;
    }
    double y = (x - 1) / (x + 1);
    double term = 2 * y;
    double sum = halved * 0.69314718055994530942;
    for (unsigned i = 1; i < 60; i += 2) {
        sum += term / i;
        term *= y * y;
    }
    return sum;
}

/* e to the x, for small x >= 0. */
static double power_of_e(double x) {
    double term = 1;
    double sum = 1;
    for (unsigned i = 1; i < 60; i++) {
        term *= x / i;
        sum += term;
    }
    return sum;
}

/* Against the same interpolation in floating point, at sizes between all points. */
static void interpolation_test(void) {
    double worst = 0;
    unsigned falls = 0;
    for (unsigned f = 0; f < COST_FABRIC_COUNT; f++) {
        for (unsigned n = 2; n <= 8; n *= 2) {
            uint64_t before = 0;
            for (unsigned k = 8; k < 30; k++) {
                double t0 = (double)cost_allreduce((enum cost_fabric)f, n, UINT64_C(1) << k);
                double t1 = (double)cost_allreduce((enum cost_fabric)f, n, UINT64_C(2) << k);
                for (unsigned step = 0; step < 64; step++) {
                    uint64_t bytes = (UINT64_C(1) << k) + ((UINT64_C(1) << k) * step) / 64;
                    uint64_t got = cost_allreduce((enum cost_fabric)f, n, bytes);
                    double part = (double)bytes / (double)(UINT64_C(1) << k);
                    double want = t0 * power_of_e(ln(t1 / t0) * ln(part) / ln(2));
                    /* Half a unit is the rounding of the result itself. */
                    double off = (size_of((double)got - want) - 0.5) / want;
                    worst = off > worst ? off : worst;
                    falls += got < before;
                    before = got;
                }
            }
        }
    }
    ok(worst < 1e-4, "interpolation agrees with floating point (worst %.1e)", worst);
    is_int(falls, 0, "a larger message is never faster");
}

static void edges_test(void) {
    is_int(cost_allreduce(COST_NVLINK4, 2, 0), 0, "no bytes cost nothing");
    is_int(cost_allreduce(COST_NVLINK4, 1, 1 << 20), 0, "one GPU reduces nothing");
    is_int(cost_allreduce(COST_NVLINK4, 0, 1 << 20), 0, "no GPU reduces nothing");
    is_int(cost_allreduce(COST_FABRIC_COUNT, 2, 1 << 20), 0, "no such fabric");
    is_int(cost_allreduce(COST_NVLINK4, 2, 1), 418, "a byte costs what 256 do");
    is_int(cost_allreduce(COST_NVLINK4, 2, 1 << 20), 834, "a measured size is exact");
    is_int(cost_allreduce(COST_PCIE4, 8, 1 << 30), 96122898, "so is the largest");
    is_int(cost_allreduce(COST_PCIE4, 8, UINT64_C(1) << 32), 4 * 96122898,
           "four times the largest costs four times as much");
    ok(cost_allreduce(COST_PCIE4, 8, UINT64_MAX) > UINT64_C(1) << 60,
       "the largest number is borne");
    is_int(cost_allreduce(COST_PCIE5, 3, 1 << 20), cost_allreduce(COST_PCIE5, 4, 1 << 20),
           "three GPUs take the curve of four");
    is_int(cost_allreduce(COST_PCIE5, 6, 1 << 20), cost_allreduce(COST_PCIE5, 8, 1 << 20),
           "six GPUs take the curve of eight");
    is_int(cost_allreduce(COST_PCIE5, 16, 1 << 20), cost_allreduce(COST_PCIE5, 8, 1 << 20),
           "so do sixteen");
    struct cost_ask ask = {.layers = 64, .hidden = 5120, .tp = 2, .dtype_bytes = 2};
    is_int(cost_allreduces(&ask), 128, "64 layers reduce 128 times a step");
    is_int(cost_step_us(COST_PCIE5, &ask, 0), 0, "no tokens cost nothing");
    ask.tp = 1;
    is_int(cost_allreduces(&ask), 0, "a group of one reduces nothing");
    ask = (struct cost_ask){
        .layers = UINT32_MAX, .hidden = UINT32_MAX, .tp = UINT32_MAX, .dtype_bytes = UINT32_MAX};
    ok(cost_step_us(COST_PCIE4, &ask, UINT64_MAX) >= UINT64_MAX / 100, "absurd numbers saturate");
    is_str(cost_fabric_name(COST_NVLINK3), "NVLink 3", "fabrics have names");
    is_str(cost_fabric_name(COST_FABRIC_COUNT), "unknown", "no fabric has none");
}

int main(void) {
    expected_test();
    interpolation_test();
    edges_test();
    return tap_done();
}
