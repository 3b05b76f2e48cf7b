/* How long a report is believed while the agent's heartbeat vouches for it, and what that costs. */
#include "tests/unit/cluster/fixture.h"
#include "topology/jw.h"

static void put(struct cluster *c, int64_t observed_at) {
    struct topo t;
    struct err e = {0};
    if (!synth_read(SPAN("4xH100-NVL"), &t, &e)) {
        bail("machine", &e);
    }
    (void)snprintf(t.source, sizeof t.source, "nvml");
    t.observed_at = observed_at;
    struct buf text = buf_new(65536);
    annotation_encode(&t, &text);
    const struct node_object n = {.name = SPAN("n1"),
                                  .uid = SPAN("u1"),
                                  .gpus_known = true,
                                  .gpus = 4,
                                  .topology = buf_view(&text)};
    if (!cluster_put_node(c, &n, &e)) {
        bail("node", &e);
    }
    buf_done(&text);
}

static bool beat(struct cluster *c, int64_t at, int64_t now) {
    struct err e = {0};
    const struct cluster_beat b = {.at = at};
    return cluster_put_heartbeat(c, SPAN("n1"), &b, now, &e);
}

static const char *fits(struct cluster *c, int64_t now) {
    const struct shape s = {.gpus = 2, .tp = 2, .groups = 1};
    struct node_answer a = {0};
    struct cluster_session session;
    cluster_begin(c, &s, now, &session);
    bool known = cluster_answer(&session, SPAN("n1"), &a);
    cluster_end(&session);
    if (!known) {
        return "?";
    }
    return a.code == REASON_NONE ? "fits" : reason_row((enum reason)a.code)->code;
}

int main(void) {
    const struct policy policy = policy_default();
    struct cluster *c = cluster_new(&policy);
    struct err e = {0};
    ok(beat(c, NOW - 1000, NOW), "a heartbeat may come before its node");
    is_str(fits(c, NOW), "?", "which is not known by it");
    put(c, NOW - 1000);
    is_str(fits(c, NOW), "TopologyStale", "an old report with an old heartbeat");
    uint64_t before = cluster_generation(c);
    ok(beat(c, NOW, NOW), "the agent is heard");
    ok(cluster_generation(c) != before, "an answer may change by that");
    is_str(fits(c, NOW), "fits", "and does");
    before = cluster_generation(c);
    ok(beat(c, NOW + 150, NOW + 150) && beat(c, NOW + 300, NOW + 300), "it goes on");
    ok(cluster_generation(c) == before, "which changes nothing");
    is_str(fits(c, NOW + 700), "fits", "the kept answer is asked for again when its time is over");
    is_str(fits(c, NOW + 900), "fits", "until the limit");
    is_str(fits(c, NOW + 901), "TopologyStale", "and not beyond");
    ok(beat(c, NOW + 200, NOW + 901), "an older one that comes late");
    is_str(fits(c, NOW + 901), "TopologyStale", "is no news");
    ok(beat(c, NOW + 899, NOW + 901), "a newer one that comes late");
    is_str(fits(c, NOW + 901), "fits", "is");
    cluster_list_begin(c, CLUSTER_AGENTS);
    is_str(fits(c, NOW + 902), "fits", "while the list is made again nothing is gone");
    cluster_list_end(c, CLUSTER_AGENTS);
    is_str(fits(c, NOW + 902), "TopologyStale", "at its end what it left out is");
    const struct cluster_beat never = {0};
    const struct cluster_beat now = {.at = NOW};
    ok(!cluster_put_heartbeat(c, SPAN("n1"), &never, NOW, &e), "no time is refused");
    ok(!cluster_put_heartbeat(c, SPAN(""), &now, NOW, &e), "so is no name");
    ok(beat(c, NOW + 1000, NOW + 1000), "one more");
    cluster_drop_node(c, SPAN("n1"));
    is_str(fits(c, NOW + 1000), "?", "the node goes before its Lease");
    cluster_drop_heartbeat(c, SPAN("n1"));
    put(c, NOW);
    is_str(fits(c, NOW + 1000), "TopologyStale", "a new one starts without");
    cluster_free(c);
    return tap_done();
}
