#include "webhook/core/node.h"

#include "tests/tap.h"

static struct size known(unsigned n) {
    return (struct size){true, n};
}

static struct workload group(unsigned tp, unsigned in_pod, unsigned gpus) {
    return (struct workload){.gpu_pod = true,
                             .engine_found = true,
                             .scope = tp > 1 ? SCOPE_SINGLE : SCOPE_NONE,
                             .tp = known(tp),
                             .in_pod = known(in_pod),
                             .gpus = gpus};
}

static void pin(struct workload *w, unsigned n) {
    w->pin.kind = PIN_NODE;
    w->pin.n = (uint8_t)n;
    for (unsigned i = 0; i < n; i++) {
        w->pin.gpu[i].index = (int16_t)i;
    }
}

static struct shape shaped(const struct workload *w, enum unknown_policy unknown_tp) {
    struct policy p = policy_default();
    struct shape s;
    p.unknown_tp = unknown_tp;
    shape_of(w, &p, &s);
    return s;
}

static void check(struct shape s, unsigned tp, unsigned groups, unsigned extra, const char *what) {
    ok(s.tp == tp && s.groups == groups && s.extra == extra && !s.any,
       "%s: %u groups of TP=%u, %u more (got %u of %u, %u more%s)", what, groups, tp, extra,
       s.groups, s.tp, s.extra, s.any ? ", any" : "");
}

static void odd_ones(void) {
    struct workload w = group(4, 4, 2);
    check(shaped(&w, UNKNOWN_STRICT), 4, 1, 0, "TP=4 on 2 GPUs stays what it says");
    w = group(2, 8, 4);
    check(shaped(&w, UNKNOWN_STRICT), 2, 2, 0, "an engine that wants more than the pod has");
    w = group(2, 2, UINT32_MAX);
    struct shape s = shaped(&w, UNKNOWN_STRICT);
    ok(s.gpus == UINT32_MAX && s.extra == 65535, "a huge count is cut, and stays impossible");
    w = group(4096, 4096, 8);
    ok(shaped(&w, UNKNOWN_STRICT).tp == 4096, "the largest size believed passes through");
    w = group(1, 1, 1);
    w.mig = 2;
    ok(shaped(&w, UNKNOWN_STRICT).any, "MIG slices are only counted");
    w = group(2, 2, 0);
    w.claims = true;
    ok(shaped(&w, UNKNOWN_STRICT).any, "so are claims");
    w = (struct workload){0};
    s = shaped(&w, UNKNOWN_STRICT);
    ok(s.any && s.gpus == 0 && s.groups == 1, "a pod without GPUs asks nothing");
    w = group(1, 1, 0);
    w.pin.kind = PIN_ALL;
    ok(shaped(&w, UNKNOWN_STRICT).any, "a monitor that names all GPUs asks nothing");
    w = group(2, 2, 0);
    w.pin.kind = PIN_ALL;
    s = shaped(&w, UNKNOWN_STRICT);
    ok(s.pinned && s.tp == 2 && s.groups == 1, "a TP group over all GPUs takes the first ones");
}

static void unknown_sizes(void) {
    struct workload w = group(0, 0, 4);
    w.scope = SCOPE_UNKNOWN;
    w.tp.known = w.in_pod.known = false;
    check(shaped(&w, UNKNOWN_STRICT), 4, 1, 0, "unknown size, strict: one group of all");
    struct shape s = shaped(&w, UNKNOWN_ALLOW);
    ok(s.any && s.gpus == 4, "unknown size, allow: only the count");
    w.visible_known = true;
    w.n_order = 2;
    w.order[1] = 1;
    check(shaped(&w, UNKNOWN_STRICT), 2, 1, 2, "unknown size over the visible ones");
    w.gpus = 1;
    w.visible_known = false;
    check(shaped(&w, UNKNOWN_STRICT), 1, 1, 0, "unknown size on one GPU is a group of one here");
}

static void plain_ones(void) {
    struct workload w = group(2, 2, 2);
    check(shaped(&w, UNKNOWN_STRICT), 2, 1, 0, "TP=2 on 2");
    w = group(2, 8, 8);
    check(shaped(&w, UNKNOWN_STRICT), 2, 4, 0, "TP=2 x DP=4 on 8");
    w = group(2, 2, 8);
    check(shaped(&w, UNKNOWN_STRICT), 2, 1, 6, "TP=2 of 8");
    w = group(1, 1, 4);
    check(shaped(&w, UNKNOWN_STRICT), 1, 4, 0, "TP=1 on 4 needs no NVLink");
    w = group(8, 8, 8);
    w.scope = SCOPE_MULTI;
    w.tp.n = 16;
    check(shaped(&w, UNKNOWN_STRICT), 8, 1, 0, "half of TP=16");
    w.in_pod.known = false;
    w.gpus = 1;
    check(shaped(&w, UNKNOWN_STRICT), 1, 1, 0, "one GPU of a group over pods");
    w = group(2, 2, 0);
    pin(&w, 4);
    w.in_pod = known(4);
    struct shape s = shaped(&w, UNKNOWN_STRICT);
    ok(s.pinned && s.gpus == 0 && s.groups == 2 && s.pin.n == 4, "a pin without a count");
}

static void orders(void) {
    struct workload w = group(2, 4, 4);
    static const uint8_t order[4] = {0, 2, 1, 3};
    w.visible_known = true;
    w.n_order = 4;
    memcpy(w.order, order, 4);
    struct shape s = shaped(&w, UNKNOWN_STRICT);
    ok(s.n_order == 4 && memcmp(s.order, order, 4) == 0, "a device order passes through");
    for (unsigned i = 0; i < 4; i++) {
        w.order[i] = (uint8_t)i;
    }
    ok(shaped(&w, UNKNOWN_STRICT).n_order == 0, "the plain order says nothing");
    w.order[3] = 9;
    ok(shaped(&w, UNKNOWN_STRICT).n_order == 0, "an order beyond the GPUs is not used");
    w = group(2, 2, 4);
    w.visible_known = true;
    w.n_order = 2;
    w.order[0] = 2;
    w.order[1] = 3;
    s = shaped(&w, UNKNOWN_STRICT);
    ok(s.n_order == 2 && s.extra == 2 && s.order[0] == 2, "the last two of four");
}

static void keys(void) {
    static unsigned char a[SHAPE_KEY_MAX];
    static unsigned char b[SHAPE_KEY_MAX];
    struct workload w = group(2, 2, 2);
    struct shape one = shaped(&w, UNKNOWN_STRICT);
    struct shape two;
    memset(&two, 0xAA, sizeof two);
    two.gpus = one.gpus;
    two.tp = one.tp;
    two.groups = one.groups;
    two.extra = one.extra;
    two.pinned = two.any = false;
    two.n_order = 0;
    unsigned n = shape_key(&one, a);
    ok(n == shape_key(&two, b) && memcmp(a, b, n) == 0, "unused bytes are not part of the key");
    two.any = true;
    ok(n == shape_key(&two, b) && memcmp(a, b, n) != 0, "any is");
    pin(&w, 2);
    one = shaped(&w, UNKNOWN_STRICT);
    n = shape_key(&one, a);
    one.pin.gpu[1].index = 3;
    ok(n == shape_key(&one, b) && memcmp(a, b, n) != 0, "another pin is another key");
    one.pin.kind = PIN_NODE;
    one.pin.n = 255;
    one.n_order = 255;
    for (unsigned i = 0; i < PIN_MAX; i++) {
        memset(one.pin.gpu[i].uuid, 'u', GPU_UUID_MAX);
    }
    ok(shape_key(&one, a) <= SHAPE_KEY_MAX, "the largest key fits");
}

int main(void) {
    odd_ones();
    unknown_sizes();
    plain_ones();
    orders();
    keys();
    return tap_done();
}
