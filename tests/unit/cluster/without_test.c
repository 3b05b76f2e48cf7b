#include "tests/unit/cluster/fixture.h"

/* 4 x H100 NVL, both bridges healthy, and who is on it. */
static struct cluster *farm(const char *more, const struct podling *pods, unsigned n) {
    struct buf items = buf_new((size_t)1024 * 1024);
    put_node(&items, &(struct machine){"g1", "4xH100-NVL", 4, more});
    for (unsigned i = 0; i < n; i++) {
        put_pod(&items, &pods[i]);
    }
    struct cluster *c = cluster_of(&items);
    buf_done(&items);
    return c;
}

static const char *without(struct cluster *c, unsigned tp, const char *uids) {
    struct span uid[16];
    unsigned n = 0;
    struct span rest = span_of(uids);
    struct shape s = shape_tp(tp);
    struct node_answer a = {0};
    while (rest.n) {
        uid[n++] = span_cut(&rest, ',');
    }
    if (!cluster_answer_without(c, SPAN("g1"), uid, n, &s, NOW, &a)) {
        return "no node";
    }
    return a.code == REASON_NONE ? "fits" : reason_row((enum reason)a.code)->code;
}

#define REPORT                                                                                     \
    "      tpguard.io/allocations: "                                                               \
    "'{\"version\":1,\"observedAt\":\"2026-11-18T00:00:00Z\",\"pods\":["                           \
    "{\"namespace\":\"llm\",\"name\":\"a\",\"gpus\":[0]},"                                         \
    "{\"namespace\":\"llm\",\"name\":\"b\",\"gpus\":[1]},"                                         \
    "{\"namespace\":\"llm\",\"name\":\"c\",\"gpus\":[2]},"                                         \
    "{\"namespace\":\"llm\",\"name\":\"d\",\"gpus\":[3]}]}'\n"

static const struct podling four[] = {
    {.name = "a", .node = "g1", .gpus = 1, .uid = "u-a"},
    {.name = "b", .node = "g1", .gpus = 1, .uid = "u-b"},
    {.name = "c", .node = "g1", .gpus = 1, .uid = "u-c"},
    {.name = "d", .node = "g1", .gpus = 1, .uid = "u-d"},
};

static void reported(void) {
    struct cluster *c = farm(REPORT, four, 4);
    is_str(code_for(c, "g1", 2), "NVLinkSetBusy", "every pair is in use");
    is_str(without(c, 2, ""), "NVLinkSetBusy", "nobody gone: the same");
    is_str(without(c, 2, "u-a,u-b"), "fits", "the two of a pair gone: it fits");
    is_str(without(c, 2, "u-d,u-c"), "fits", "in any order");
    is_str(without(c, 2, "u-a,u-c"), "NVLinkSetBusy", "one of each pair: in vain");
    is_str(without(c, 2, "u-a,u-b,u-c"), "fits", "more than needed: it fits");
    is_str(without(c, 2, "u-a"), "NVLinkSetBusy", "one alone is not enough");
    is_str(without(c, 2, "u-a,u-x"), "NVLinkSetBusy", "a stranger frees nothing");
    is_str(without(c, 4, "u-a,u-b,u-c,u-d"), "NoNVLinkSet", "no eviction makes a set of four");
    is_str(without(c, 1, "u-c"), "fits", "TP=1 takes any");
    is_str(code_for(c, "g1", 2), "NVLinkSetBusy", "and afterwards nothing has changed");
    is_str(without(c, 2, "u-a,u-b"), "fits", "asked again: the same answer");
    struct span uid = SPAN("u-a");
    struct shape s = shape_tp(2);
    struct node_answer a = {.code = 77};
    ok(!cluster_answer_without(c, SPAN("m"), &uid, 1, &s, NOW, &a) && a.code == 77,
       "a node that is not known has no answer");
    cluster_free(c);
}

/* Nobody reported: what is freed is a number, and the rest may sit anywhere. */
static void counted(void) {
    struct cluster *c = farm(NULL, four, 4);
    is_str(without(c, 2, "u-a,u-b"), "NVLinkSetUncertain", "two of four, nobody knows where");
    is_str(without(c, 2, "u-a,u-b,u-c"), "fits", "three of four: one left cannot break both pairs");
    is_str(without(c, 1, "u-b"), "fits", "TP=1 needs only the number");
    is_str(without(c, 2, "u-a,u-b,u-c,u-d"), "fits", "all of them");
    cluster_free(c);
}

static void pinned_and_ended(void) {
    static const struct podling pods[] = {
        {.name = "a", .node = "g1", .gpus = 2, .pin = "0,1", .uid = "u-a"},
        {.name = "b", .node = "g1", .pin = "2", .uid = "u-b"},
        {.name = "c", .node = "g1", .gpus = 1, .phase = "Succeeded", .uid = "u-c"},
    };
    struct cluster *c = farm(NULL, pods, 3);
    is_str(without(c, 2, "u-c"), "NVLinkSetBusy", "one that has ended frees nothing");
    is_str(without(c, 2, "u-a"), "fits", "a pin that goes frees what it names");
    is_str(without(c, 2, "u-b"), "fits", "without a request as well");
    is_str(without(c, 2, "u-c"), "NVLinkSetBusy", "and the ended one has stayed so");
    cluster_free(c);
}

int main(void) {
    reported();
    counted();
    pinned_and_ended();
    return tap_done();
}
