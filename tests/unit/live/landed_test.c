/* What pods that run are told. */
#include "tests/unit/live/landed_kit.h"

static struct kit_pod chat(const char *ns) {
    return (struct kit_pod){.ns = ns,
                            .name = "chat",
                            .uid = "u-chat",
                            .node = "n1",
                            .phase = "Running",
                            .gpus = 2,
                            .tp = 2};
}

/* ---- cases ---- */

static void test_silence(void) {
    struct world *w = world_new(true);
    struct kit_pod p = chat("llm");
    is_str(round_of(w), "", "no pod, no word");
    run_pod(w, &p);
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS_NOTHING);
    is_str(round_of(w), "", "GPUs that nobody has reported");
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "chat", "2,3"));
    is_str(round_of(w), "", "GPUs that are linked");
    p.tp = 1;
    p.name = "single";
    p.uid = "u-single";
    run_pod(w, &p);
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "single", "0,1"));
    is_str(round_of(w), "", "no TP group");
    world_free(w);
}

static void test_told_once(void) {
    struct world *w = world_new(true);
    const struct kit_pod p = chat("llm");
    run_pod(w, &p);
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "chat", "0,1"));
    w->api.refuse = 500;
    is_str(round_of(w), "", "the API server cannot be asked");
    is_int(w->round.failed, 1, "... which is counted");
    w->api.refuse = 0;
    is_str(round_of(w), "chat TPAcrossPCIe", "it comes again, and is told");
    is_str(round_of(w), "", "once");
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "chat", "0,1") " ");
    is_str(round_of(w), "", "... also when the report was written again");
    struct cluster_stats s;
    cluster_stats_get(w->live.cluster, &s);
    is_int(s.off_nvlink, 1, "it is counted");
    set_node(w->live.cluster, "4xH100-NVL", HOLDS("llm", "chat", "0,1"));
    is_str(round_of(w), "chat NVLinkUp", "the bridge is back");
    cluster_stats_get(w->live.cluster, &s);
    is_int(s.off_nvlink, 0, "... and it is counted no more");
    set_node(w->live.cluster, "4xH100-NVL lanes=0-1:6", HOLDS("llm", "chat", "0,1"));
    is_str(round_of(w), "chat NVLinkDegraded", "lanes are lost under the pod that runs");
    set_node(w->live.cluster, "4xH100-NVL fault=0", HOLDS("llm", "chat", "0,1"));
    is_str(round_of(w), "chat GPUFault", "then a GPU");
    world_free(w);
}

static void test_modes(void) {
    static const char *const modes[][2] = {
        {"exempt", ""}, {"audit", ""}, {"warn", "chat TPAcrossPCIe"}};
    for (unsigned i = 0; i < 3; i++) {
        struct world *w = world_new(true);
        char holds[512];
        const struct kit_pod p = chat(modes[i][0]);
        snprintf(holds, sizeof holds,
                 "{\"version\":1,\"observedAt\":\"2026-11-18T09:00:00Z\",\"pods\":[{\"namespace\":"
                 "\"%s\",\"name\":\"chat\",\"container\":\"c\",\"gpus\":[0,1]}]}",
                 modes[i][0]);
        run_pod(w, &p);
        set_node(w->live.cluster, "4xH100-NVL down=0-1", holds);
        is_str(round_of(w), modes[i][1], modes[i][0]);
        world_free(w);
    }
}

static void test_others(void) {
    struct world *w = world_new(true);
    struct kit_pod p = chat("llm");
    run_pod(w, &p);
    p.uid = "u-another";
    api_pod(&w->api, &p);
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "chat", "0,1"));
    is_str(round_of(w), "", "another pod has the name by now");
    p.phase = "Succeeded";
    run_pod(w, &p);
    is_str(round_of(w), "", "it has ended");
    world_free(w);
}

static void test_pinned(void) {
    struct world *w = world_new(true);
    struct kit_pod p = chat("llm");
    p.gpus = 0;
    p.pin = "0,1";
    run_pod(w, &p);
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS_NOTHING);
    is_str(round_of(w), "chat TPAcrossPCIe", "a pod that names its GPUs needs no report");
    world_free(w);
}

#define GATED "\"labels\":{\"tpguard.io/gated\":\"true\"},"

static void test_unreserved(void) {
    struct kit_pod p = chat("llm");
    p.more = GATED;
    struct world *w = world_new(false);
    run_pod(w, &p);
    is_str(round_of(w), "", "no gate: nothing is reserved, and that is no news");
    world_free(w);
    w = world_new(true);
    run_pod(w, &p);
    is_str(round_of(w), "chat NotReserved", "bound past the gate");
    is_str(round_of(w), "", "told once");
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "chat", "0,1"));
    is_str(round_of(w), "chat TPAcrossPCIe", "... and then what came of it");
    world_free(w);
    w = world_new(true);
    p.more = GATED "\"annotations\":{\"tpguard.io/gpus\":\"2,3\"},";
    run_pod(w, &p);
    is_str(round_of(w), "", "with a set all is well");
    p.more = "\"labels\":{\"tpguard.io/gated\":\"bound\"},";
    p.name = "other";
    run_pod(w, &p);
    is_str(round_of(w), "", "... as with the gate's own mark");
    world_free(w);
}

static void test_many(void) {
    struct world *w = world_new(true);
    unsigned all = 0;
    for (unsigned i = 0; i < LANDED_PODS * 2 + 1; i++) {
        char name[16];
        char uid[16];
        struct kit_pod p = chat("llm");
        snprintf(name, sizeof name, "p%u", i);
        snprintf(uid, sizeof uid, "u%u", i);
        p.name = name;
        p.uid = uid;
        p.more = GATED;
        run_pod(w, &p);
    }
    for (unsigned i = 0; i < 3; i++) {
        (void)round_of(w);
        all += w->round.told;
    }
    is_int(all, LANDED_PODS * 2 + 1, "more than one round takes: all are told in the end");
    (void)round_of(w);
    is_int(w->round.told, 0, "... and once");
    landed_forget(w->watch);
    (void)round_of(w);
    is_int(w->round.told, LANDED_PODS, "another leader looks at all again");
    world_free(w);
}

int main(void) {
    test_silence();
    test_told_once();
    test_modes();
    test_others();
    test_pinned();
    test_unreserved();
    test_many();
    return tap_done();
}
