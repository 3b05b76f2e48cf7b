/* Which pods are moved off PCIe, and when. The API server is in memory. */
#include "webhook/live/evict.h"

#include "tests/unit/live/landed_kit.h"

#define OWNED(kind)                                                                                \
    "\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"" kind                            \
    "\",\"name\":\"o\",\"uid\":\"o\",\"controller\":true}],"

static const char *result_name(enum evict_result r) {
    static const char *const names[] = {"none", "done", "kept", "over", "failed"};
    return names[r];
}

static struct kit_pod chat(void) {
    return (struct kit_pod){.name = "chat",
                            .uid = "u-chat",
                            .node = "n1",
                            .phase = "Running",
                            .gpus = 2,
                            .tp = 2,
                            .more = OWNED("ReplicaSet")};
}

/* A pod on 0,1 of n1, where the bridge is down; 2-3 of n1 and all of n2 are free. Found now. */
static struct world *across(const struct kit_pod *p) {
    struct world *w = world_new(true);
    run_pod(w, p);
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "chat", "0,1"));
    is_str(round_of(w), "chat TPAcrossPCIe", "it runs across PCIe");
    return w;
}

static const char *after(struct world *w, int64_t seconds) {
    return result_name(evict_once(w->evict, NOW + seconds));
}

static void test_done(void) {
    const struct kit_pod p = chat();
    struct world *w = across(&p);
    is_str(after(w, EVICT_AFTER_S - 1), "none", "not at once: a link may flap");
    is_int(w->api.evictions, 0, "... and nobody is asked");
    is_str(after(w, EVICT_AFTER_S), "done", "it is evicted");
    ok(strstr(w->api.evicted, "\"preconditions\":{\"uid\":\"u-chat\"}") != NULL, "this very pod");
    is_str(told(w->events), "chat MovedOffPCIe", "and told why");
    is_str(after(w, EVICT_AFTER_S + 1), "none", "once");
    is_int(w->api.evictions, 1, "... with one request");
    world_free(w);
    is_str(result_name(evict_once(NULL, NOW)), "none", "without the policy nobody is");
    evict_note(NULL, span_of("a"), span_of("b"), span_of("c"), NOW);
}

static void test_over(void) {
    struct kit_pod p = chat();
    struct world *w = across(&p);
    set_node(w->live.cluster, "4xH100-NVL", HOLDS("llm", "chat", "0,1"));
    is_str(round_of(w), "chat NVLinkUp", "the bridge is back in time");
    is_str(after(w, EVICT_AFTER_S), "over", "so the pod stays");
    is_int(w->api.evictions, 0, "... unasked");
    world_free(w);
    w = across(&p);
    p.uid = "u-other";
    api_pod(&w->api, &p);
    is_str(after(w, EVICT_AFTER_S), "over", "another pod has its name");
    world_free(w);
    static const unsigned gone[] = {404, 409};
    for (unsigned i = 0; i < 2; i++) {
        p = chat();
        w = across(&p);
        w->api.evict_status = gone[i];
        is_str(after(w, EVICT_AFTER_S), "over", "it went by itself");
        is_str(after(w, EVICT_AFTER_S * 9), "none", "... and is forgotten");
        world_free(w);
    }
}

static void test_kept(void) {
    static const struct {
        const char *owner, *what;
    } owners[] = {{"", "nobody makes it again"}, {OWNED("DaemonSet"), "it belongs to its node"}};
    for (unsigned i = 0; i < 2; i++) {
        struct kit_pod p = chat();
        p.more = owners[i].owner;
        struct world *w = across(&p);
        is_str(after(w, EVICT_AFTER_S), "kept", owners[i].what);
        is_int(w->api.evictions, 0, "... unasked");
        world_free(w);
    }
    const struct kit_pod p = chat();
    struct world *w = across(&p);
    set_node(w->live.cluster, "4xH100-NVL down=0-1 down=2-3", HOLDS("llm", "chat", "0,1"));
    (void)round_of(w);
    const struct kit_pod filler = {
        .name = "full", .uid = "u-full", .node = "n2", .gpus = 4, .tp = 4};
    run_pod(w, &filler);
    is_str(after(w, EVICT_AFTER_S), "kept", "no healthy set is free");
    cluster_drop_pod(w->live.cluster, span_of("llm"), span_of("full"));
    is_str(after(w, EVICT_AFTER_S + EVICT_AGAIN_S), "done", "... until one is");
    world_free(w);
}

static void test_refused(void) {
    const struct kit_pod p = chat();
    struct world *w = across(&p);
    w->api.evict_status = 429;
    is_str(after(w, EVICT_AFTER_S), "kept", "its disruption budget says no");
    is_str(after(w, EVICT_AFTER_S + 1), "none", "... and is not asked each second");
    w->api.evict_status = 500;
    is_str(after(w, EVICT_AFTER_S + EVICT_AGAIN_S), "failed", "the API server refuses");
    w->api.down = true;
    is_str(after(w, EVICT_AFTER_S + EVICT_AGAIN_S * 2), "failed", "... or does not answer");
    w->api.down = false;
    w->api.evict_status = 0;
    is_str(after(w, EVICT_AFTER_S + EVICT_AGAIN_S * 3), "done", "it goes in the end");
    world_free(w);
}

static void test_one_at_a_time(void) {
    const struct kit_pod p = chat();
    struct kit_pod second = chat();
    struct world *w = world_new(true);
    second.name = "second";
    second.uid = "u-second";
    run_pod(w, &p);
    run_pod(w, &second);
    set_node(w->live.cluster, "4xH100-NVL down=0-1 down=2-3",
             "{\"version\":1,\"observedAt\":\"2026-11-18T09:00:00Z\",\"pods\":[{\"namespace\":"
             "\"llm\",\"name\":\"chat\",\"container\":\"c\",\"gpus\":[0,1]},{\"namespace\":\"llm\","
             "\"name\":\"second\",\"container\":\"c\",\"gpus\":[2,3]}]}");
    (void)round_of(w);
    is_int(w->round.told, 2, "two pods run across PCIe");
    is_str(after(w, EVICT_AFTER_S), "done", "one goes");
    is_str(after(w, EVICT_AFTER_S + EVICT_SPACE_S - 1), "none", "the other not yet");
    is_str(after(w, EVICT_AFTER_S + EVICT_SPACE_S), "done", "... then it does");
    is_int(w->api.evictions, 2, "two in all");
    world_free(w);
}

int main(void) {
    test_done();
    test_over();
    test_kept();
    test_refused();
    test_one_at_a_time();
    return tap_done();
}
