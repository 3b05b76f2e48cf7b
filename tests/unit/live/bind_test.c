/* The last gate: which binds are judged, what they are told, what is written down of them. */
#include "tests/unit/live/bind_kit.h"

#include "webhook/core/bind.h"

struct world {
    struct kube_client api;
    struct live l;
};
static struct world w;

static void begin(void) {
    api_new(&w.api);
    w.l = replica(&w.api);
}
static void end(void) {
    cluster_free(w.l.cluster);
    api_free(&w.api);
}

static const struct kit_pod a2 = {.name = "a", .uid = "u-a", .gpus = 2, .tp = 2};
static const struct kit_pod b2 = {.name = "b", .uid = "u-b", .gpus = 2, .tp = 2};
static const struct kit_pod c2 = {.name = "c", .uid = "u-c", .gpus = 2, .tp = 2};
static const struct kit_pod one = {.name = "one", .uid = "u-one", .gpus = 1};
static const struct kit_pod plain = {.name = "web", .uid = "u-web"};

static struct kit_pod in(const char *ns, struct kit_pod p) {
    p.ns = ns;
    return p;
}

/* The cache has the pod. */
static struct outcome bound(const struct kit_pod *p, const char *node) {
    seen(w.l.cluster, p);
    return bind_to(&w.l, p, node);
}

#define says(got, want, what)                                                                      \
    do {                                                                                           \
        struct outcome said_of = (got);                                                            \
        is_str(said(&said_of), want, what);                                                        \
    } while (0)

/* ---- whom it concerns ---- */

static void test_not_ours(void) {
    begin();
    says(bound(&plain, "n1"), "passed", "a pod without GPUs that the cache has passes");
    is_int(w.api.calls, 0, "and nobody is asked");
    const struct kit_pod unseen = {.name = "web2", .uid = "u-web2"};
    api_pod(&w.api, &unseen);
    says(bind_to(&w.l, &unseen, "n1"), "passed", "one that the cache has not met passes");
    is_int(w.api.pod_reads, 1, "after one question to the API server");
    is_int(w.api.lease_reads, 0, "and without a look at the reservations");
    says(bind_to(&w.l, &a2, "n1"), "passed", "a pod that does not exist: the API server says so");
    struct kit_pod old = a2;
    old.uid = "u-older";
    api_pod(&w.api, &old);
    says(bind_to(&w.l, &a2, "n1"), "passed", "another pod of that name: likewise");
    struct kit_pod spared = a2;
    spared.more = "\"labels\":{\"tpguard.io/ignore\":\"true\"},";
    says(bound(&spared, "n1"), "passed", "one with the ignore label passes");
    struct kit_pod late = a2;
    late.more = "\"labels\":{\"tpguard.io/ignore\":\"true\",\"tpguard.io/gated\":\"true\"},";
    says(bound(&late, "n1"), BIND_ANY,
         "one that was gated first is answered: its binding needs it");
    const struct kit_pod monitor = {.name = "mon", .uid = "u-mon", .pin = "all"};
    says(bound(&monitor, "n1"), BIND_ANY, "one that takes no GPU for itself is held up by nothing");
    says(bound(&monitor, "n9"), BIND_ANY, "on no node");
    is_int(w.api.lease_reads, 0, "and no reservation is looked for");
    const struct kit_pod off = in("exempt", b2);
    says(bound(&off, "n1"), "passed", "one in a namespace of mode off passes");
    says(bound(&c2, ""), "passed", "a target that is no node passes");
    is_int(w.api.writes, 0, "nothing was written for any of them");
    end();
}

static void test_asks_for_unmet(void) {
    begin();
    api_pod(&w.api, &a2);
    struct outcome o = bind_to(&w.l, &a2, "n1");
    is_str(said(&o), "0,1", "a GPU pod that the cache has not met is asked for and judged");
    is_str(o.a.uid, "u-a", "the answer names the pod");
    is_int(o.a.tries, 1, "in one round");
    struct kit_pod nameless = a2;
    nameless.uid = "";
    o = bind_to(&w.l, &nameless, "n1");
    is_str(said(&o), "0,1",
           "a binding without a uid: whoever has the name; the same pod again "
           "gets its own set");
    is_str(o.a.uid, "u-a", "and the pod's own uid is written down");
    is_str(reserved(&w.api, "n1"),
           "{\"version\":1,\"pods\":[{\"namespace\":\"llm\",\"name\":\"a\",\"uid\":\"u-a\","
           "\"gpus\":2,\"set\":\"0,1\",\"at\":1795000000}]}",
           "one entry, as documented");
    end();
}

/* ---- the sets of one node ---- */

static void test_sets_go_out(void) {
    begin();
    says(bound(&a2, "n1"), "0,1", "the first pod gets a set");
    /* The API server does not know it. */
    says(bound(&b2, "n1"), "0,1", "the reservation of a pod that is gone stands in nobody's way");
    end();
    begin();
    api_pod(&w.api, &a2);
    api_pod(&w.api, &b2);
    (void)bound(&a2, "n1");
    says(bound(&b2, "n1"), "2,3", "the second gets another, though no cache has seen the first");
    struct outcome o = bound(&c2, "n1");
    is_str(said(&o), "no NVLinkSetBusy", "the third is refused");
    ok(strstr(o.a.message, "TP=2: the last free healthy NVLink set") != NULL, "and told why");
    is_str(o.a.set, "", "with no set in the answer");
    is_str(o.a.uuids, "", "and no GPU");
    is_int(w.api.writes, 2, "and nothing written");
    says(bound(&one, "n1"), "no GPUsBusy", "one GPU is refused when all are promised");
    says(bound(&c2, "n2"), "0,1", "on another node there is room");
    api_pod(&w.api, &c2);
    says(bound(&one, "n2"), "2", "and for one GPU as well");
    api_pod(&w.api, &one);
    const struct kit_pod two = {.name = "two", .uid = "u-two", .gpus = 2, .tp = 2};
    o = bound(&two, "n2");
    ok(o.told && !o.a.allowed, "the pair it was taken from is none any more: %s", said(&o));
    end();
}

static void test_unknown_node(void) {
    begin();
    struct outcome o = bound(&a2, "n9");
    is_str(said(&o), "no NodeUnknown", "a node that the cache has not met is refused");
    is_int(w.api.writes, 0, "and nothing written about it");
    static const char *const bad[] = {"n1/../../secrets/x",
                                      "n1?dryRun=All",
                                      "n1 HTTP/1.1",
                                      "N1",
                                      "n1%2f..",
                                      "n1\r\nx",
                                      "-n",
                                      "."};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct kit_pod warned = in("warn", a2);
        seen(w.l.cluster, &warned);
        unsigned before = w.api.calls;
        o = bind_to(&w.l, &warned, bad[i]);
        ok(!o.told && o.e.code == ERR_INPUT, "no node has the name of row %u: %s", i, said(&o));
        is_int(w.api.calls, before, "and no path is made of it");
    }
    end();
}

static void test_modes(void) {
    begin();
    const struct kit_pod first = in("warn", a2);
    const struct kit_pod second = in("audit", b2);
    const struct kit_pod third = in("warn", c2);
    api_pod(&w.api, &first);
    api_pod(&w.api, &second);
    says(bound(&first, "n1"), "0,1", "mode warn: a set is reserved as well");
    says(bound(&second, "n1"), "2,3", "mode audit: likewise");
    struct outcome o = bound(&third, "n1");
    is_str(said(&o), BIND_ANY, "no set is left: it goes through without one");
    is_str(reason_row(o.a.code)->code, "NVLinkSetBusy", "the reason is kept for the log");
    is_str(o.a.uuids, "", "no GPU is named");
    ok(strstr(reserved(&w.api, "n1"), "\"uid\":\"u-c\",\"gpus\":2,\"set\":\"\"") != NULL,
       "its count is written down");
    end();
}

static void test_dry_run(void) {
    begin();
    seen(w.l.cluster, &a2);
    struct outcome o = bind_at(bind_gate, &w.l, &a2, "n1", true);
    is_str(said(&o), "0,1", "a dry run is answered");
    is_int(w.api.writes, 0, "and reserves nothing");
    end();
}

static void test_recorded(void) {
    begin();
    AUTO(arena_done) struct arena a = arena_new((size_t)16 * 1024 * 1024);
    struct bind_answer out;
    struct err e = {0};
    seen(w.l.cluster, &a2);
    const struct bind_ask want = {.cluster = w.l.cluster,
                                  .policy = &w.l.policy,
                                  .ns = SPAN("llm"),
                                  .name = SPAN("a"),
                                  .uid = SPAN("u-a"),
                                  .node = SPAN("n1"),
                                  .now = NOW,
                                  .arena = &a};
    ok(bind_gate(&want, &out, &e) && out.allowed && out.ours, "a recorded cluster is judged");
    is_str(out.set, "0,1", "with a set");
    is_int(w.api.calls, 0, "and nothing is reserved");
    struct arena tiny = arena_new(64);
    struct bind_ask poor = want;
    poor.arena = &tiny;
    ok(!bind_gate(&poor, &out, &e) && e.code == ERR_TOO_LARGE, "no memory: an error");
    arena_done(&tiny);
    end();
}

static void test_pinned(void) {
    begin();
    struct kit_pod pin = {.name = "pin", .uid = "u-pin", .tp = 2, .pin = "2,3"};
    struct kit_pod again = {.name = "pin2", .uid = "u-pin2", .tp = 2, .pin = "2,3"};
    api_pod(&w.api, &pin);
    struct outcome o = bound(&pin, "n1");
    is_str(said(&o), "2,3", "a pinned pod gets the GPUs it names");
    ok(o.a.pinned, "and is known as pinned");
    o = bound(&again, "n1");
    is_str(said(&o), "no PinnedGPUBusy", "a second one with the same pin is refused");
    says(bound(&a2, "n1"), "0,1", "others get what it leaves");
    struct kit_pod across = {.name = "x", .uid = "u-x", .tp = 2, .pin = "1,2"};
    says(bound(&across, "n2"), "no PinnedAcrossPCIe", "a pin across a bridge is refused here too");
    end();
}

int main(void) {
    test_not_ours();
    test_asks_for_unmet();
    test_sets_go_out();
    test_unknown_node();
    test_modes();
    test_dry_run();
    test_recorded();
    test_pinned();
    return tap_done();
}
