/* The cache as list + watch fill it, and the plan of one bind. */
#include "tests/unit/cluster/fixture.h"
#include "topology/json.h"

#define H100 "4xH100-NVL"

static struct arena arena;

static struct cluster *one_node(const char *machine, int gpus) {
    struct buf items = buf_new(1 << 20);
    const struct machine m = {.name = "n1", .machine = machine, .gpus = gpus};
    put_node(&items, &m);
    struct cluster *c = cluster_of(&items);
    buf_done(&items);
    return c;
}

/* A pod as the API server sends it. node NULL: waits; plan NULL: none reserved. */
static void put_live(struct cluster *c, const char *name, const char *uid, unsigned gpus,
                     const char *node, const char *plan) {
    char text[1024];
    struct buf b = BUF_OVER(text);
    const struct json *o = NULL;
    struct pod p;
    struct err e = {0};
    buf_fmt(&b, "{\"metadata\":{\"namespace\":\"llm\",\"name\":\"%s\",\"uid\":\"%s\"", name, uid);
    if (plan) {
        buf_fmt(&b, ",\"annotations\":{\"tpguard.io/gpus\":\"%s\"}", plan);
    }
    buf_str(&b, "},\"spec\":{");
    if (node) {
        buf_fmt(&b, "\"nodeName\":\"%s\",", node);
    }
    buf_str(&b, "\"containers\":[{\"name\":\"m\"");
    if (gpus) {
        buf_fmt(&b, ",\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"%u\"}}", gpus);
    }
    buf_str(&b, "}]},\"status\":{\"phase\":\"Pending\"}}");
    arena_reset(&arena);
    if (!json_parse(buf_view(&b), &arena, &o, &e) || !pod_decode(o, &arena, &p, &e) ||
        !cluster_put_pod_object(c, &p, buf_view(&b), &e)) {
        bail("pod", &e);
    }
}

static enum cluster_pod find(struct cluster *c, const char *name, const char *uid, size_t *text) {
    struct buf b = buf_new(4096);
    enum cluster_pod got = cluster_find_pod(c, SPAN("llm"), span_of(name), span_of(uid), &b);
    *text = b.n;
    buf_done(&b);
    return got;
}

static void waiting_pods(void) {
    struct cluster *c = one_node(H100, 4);
    size_t n = 0;
    is_int(find(c, "a", "u1", &n), CLUSTER_POD_UNSEEN, "a pod nobody has told of is unseen");
    put_live(c, "a", "u1", 2, NULL, NULL);
    is_int(find(c, "a", "u1", &n), CLUSTER_POD_WAITING, "a GPU pod without a node waits");
    ok(n > 0, "its object is kept");
    is_int(find(c, "a", "u2", &n), CLUSTER_POD_UNSEEN, "another uid is another pod");
    put_live(c, "web", "u3", 0, NULL, NULL);
    is_int(find(c, "web", "u3", &n), CLUSTER_POD_PLAIN, "a pod without GPUs is known as such");
    is_int(n, 0, "and nothing else of it is kept");
    put_live(c, "a", "u1", 2, "n1", "2,3");
    is_int(find(c, "a", "u1", &n), CLUSTER_POD_BOUND, "bound, it waits no more");
    put_live(c, "web", "u3", 0, "n1", NULL);
    is_int(find(c, "web", "u3", &n), CLUSTER_POD_UNSEEN, "a bound pod without GPUs is let go");
    put_live(c, "b", "u4", 2, NULL, NULL);
    cluster_drop_pod(c, SPAN("llm"), SPAN("b"));
    is_int(find(c, "b", "u4", &n), CLUSTER_POD_UNSEEN, "a deleted one is gone");
    cluster_free(c);
}

static void lists_made_again(void) {
    struct cluster *c = new_cluster(NULL);
    struct cluster_stats s = {0};
    size_t n = 0;
    for (unsigned k = 0; k < CLUSTER_KINDS; k++) {
        cluster_stats_get(c, &s);
        ok(!s.ready, "not ready before kind %u was listed", k);
        cluster_list_begin(c, (enum cluster_kind)k);
        cluster_list_end(c, (enum cluster_kind)k);
    }
    cluster_stats_get(c, &s);
    ok(s.ready, "ready when each kind was listed once");
    put_live(c, "a", "u1", 2, "n1", NULL);
    put_live(c, "b", "u2", 2, NULL, NULL);
    put_live(c, "c", "u3", 2, NULL, NULL);
    cluster_list_begin(c, CLUSTER_PODS);
    is_int(find(c, "a", "u1", &n), CLUSTER_POD_BOUND, "while a list is made again nothing is gone");
    put_live(c, "b", "u2", 2, NULL, NULL);
    is_int(find(c, "c", "u3", &n), CLUSTER_POD_WAITING, "... not even what it may leave out");
    cluster_list_end(c, CLUSTER_PODS);
    is_int(find(c, "a", "u1", &n), CLUSTER_POD_UNSEEN, "at its end what it left out is gone");
    is_int(find(c, "c", "u3", &n), CLUSTER_POD_UNSEEN, "... waiting pods too");
    is_int(find(c, "b", "u2", &n), CLUSTER_POD_WAITING, "what it held is there");
    cluster_free(c);
}

static void lists_of_nodes(void) {
    struct cluster *c = one_node(H100, 4);
    cluster_list_begin(c, CLUSTER_NODES);
    cluster_list_end(c, CLUSTER_NODES);
    is_str(code_for(c, "n1", 2), "NodeUnknown", "a node that a new list leaves out is gone");
    cluster_free(c);
}

/* ---- plans ---- */

struct plan_row {
    const char *what;
    const char *machine;
    struct {
        const char *name, *uid, *plan;
        unsigned gpus;
        bool sure;
    } claim[3];
    unsigned n;
    const char *bound_plan; /* of a pod bound there already; NULL none */
    unsigned tp, gpus;
    const char *code;
    const char *set;
    unsigned unseen;
};

static const struct plan_row plan_rows[] = {
    {"an empty node gives its first pair", H100, {{0}}, 0, NULL, 2, 2, "fits", "0,1", 0},
    {"the dead pair is not given", H100 " down=0-1", {{0}}, 0, NULL, 2, 2, "fits", "2,3", 0},
    {"what a pod on the node was promised is not promised again",
     H100,
     {{0}},
     0,
     "0,1",
     2,
     2,
     "fits",
     "2,3",
     0},
    {"nor what a reservation of a waiting pod says",
     H100,
     {{"w", "uw", "0,1", 2, true}},
     1,
     NULL,
     2,
     2,
     "fits",
     "2,3",
     0},
    {"both pairs gone",
     H100,
     {{"w", "uw", "0,1", 2, true}},
     1,
     "2,3",
     2,
     2,
     "NVLinkSetBusy",
     "",
     0},
    {"one that waits may be on its way, or come to nothing: it is asked about",
     H100,
     {{"w", "uw", "0,1", 2, false}},
     1,
     NULL,
     2,
     2,
     "fits",
     "0,1",
     1},
    {"a reservation of a pod that nobody has met is asked about",
     H100,
     {{"x", "ux", "0,1", 2, false}},
     1,
     NULL,
     2,
     2,
     "fits",
     "0,1",
     1},
    {"... and counts when the API server knows it",
     H100,
     {{"x", "ux", "0,1", 2, true}},
     1,
     NULL,
     2,
     2,
     "fits",
     "2,3",
     0},
    {"a reservation under a name that another pod has: older or younger, it is asked about",
     H100,
     {{"w", "old", "0,1", 2, false}},
     1,
     NULL,
     2,
     2,
     "fits",
     "0,1",
     1},
    {"... and counts when the other one is older",
     H100,
     {{"w", "newer", "0,1", 2, true}},
     1,
     NULL,
     2,
     2,
     "fits",
     "2,3",
     0},
    {"also when the cache has the older one on a node",
     H100,
     {{"on", "newer", "0,1", 2, true}},
     1,
     "2,3",
     2,
     2,
     "NVLinkSetBusy",
     "",
     0},
    {"the pod that asks does not stand in its own way",
     H100,
     {{"me", "um", "0,1", 2, true}},
     1,
     NULL,
     2,
     2,
     "fits",
     "0,1",
     0},
    {"one GPU: the stranded one", H100 " down=0-1", {{0}}, 0, NULL, 1, 1, "fits", "0", 0},
    {"by count: six GPUs' worth on four",
     H100,
     {{"w", "uw", "", 2, true}},
     1,
     "0,1",
     1,
     1,
     "GPUsBusy",
     "",
     0},
    {"unreadable plans still take their number",
     H100,
     {{"w", "uw", "any", 4, true}},
     1,
     NULL,
     1,
     1,
     "GPUsBusy",
     "",
     0},
};

static void one_plan(const struct plan_row *r) {
    struct cluster *c = one_node(r->machine, 4);
    struct cluster_claim claim[3];
    struct cluster_plan plan;
    struct shape s = {.gpus = r->gpus, .tp = (uint16_t)r->tp, .groups = 1};
    char what[200];
    put_live(c, "w", "uw", 2, NULL, NULL);
    put_live(c, "me", "um", 2, NULL, NULL);
    if (r->bound_plan) {
        put_live(c, "on", "uo", 2, "n1", r->bound_plan);
    }
    for (unsigned i = 0; i < r->n; i++) {
        claim[i] = (struct cluster_claim){.ns = SPAN("llm"),
                                          .name = span_of(r->claim[i].name),
                                          .uid = span_of(r->claim[i].uid),
                                          .gpus = r->claim[i].gpus,
                                          .plan = span_of(r->claim[i].plan),
                                          .sure = r->claim[i].sure};
    }
    cluster_plan_bind(c, SPAN("n1"), &s, claim, r->n, "llm/me", NOW, &plan);
    enum reason code = (enum reason)plan.answer.code;
    (void)snprintf(what, sizeof what, "%s: verdict", r->what);
    is_str(code == REASON_NONE ? "fits" : reason_row(code)->code, r->code, what);
    (void)snprintf(what, sizeof what, "%s: set", r->what);
    is_str(plan.gpus, r->set, what);
    (void)snprintf(what, sizeof what, "%s: unseen", r->what);
    is_int(plan.unseen, r->unseen, what);
    cluster_free(c);
}

static void an_unknown_node(void) {
    struct cluster *c = one_node(H100, 4);
    struct shape s = shape_tp(2);
    struct cluster_plan plan;
    cluster_plan_bind(c, SPAN("elsewhere"), &s, NULL, 0, "llm/me", NOW, &plan);
    ok(!plan.known && plan.answer.code == REASON_NODE_UNKNOWN, "a node nobody knows is no fit");
    cluster_free(c);
}

/* No pair twice, whatever order they come in, and what filter says agrees with it. */
static void one_after_the_other(void) {
    struct cluster *c = one_node("8xH100-SXM", 8);
    struct shape s = shape_tp(2);
    char seen[64] = "";
    struct buf all = BUF_OVER(seen);
    for (unsigned i = 0; i < 5; i++) {
        char name[8];
        char uid[8];
        struct cluster_plan plan;
        (void)snprintf(name, sizeof name, "p%u", i);
        (void)snprintf(uid, sizeof uid, "u%u", i);
        cluster_plan_bind(c, SPAN("n1"), &s, NULL, 0, "llm/none", NOW, &plan);
        buf_fmt(&all, "%s ", plan.answer.code == REASON_NONE ? plan.gpus : "busy");
        is_str(code_for(c, "n1", 2), i < 4 ? "fits" : "NVLinkSetBusy", "filter says the same");
        if (plan.answer.code == REASON_NONE) {
            put_live(c, name, uid, 2, "n1", plan.gpus);
        }
    }
    is_str(seen, "0,1 2,3 4,5 6,7 busy ", "four pairs, each once");
    cluster_free(c);
}

int main(void) {
    arena = arena_new((size_t)8 * 1024 * 1024);
    waiting_pods();
    lists_made_again();
    lists_of_nodes();
    for (size_t i = 0; i < sizeof plan_rows / sizeof plan_rows[0]; i++) {
        one_plan(&plan_rows[i]);
    }
    an_unknown_node();
    one_after_the_other();
    arena_done(&arena);
    return tap_done();
}
