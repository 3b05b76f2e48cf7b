/* One node into a cache, for tests that change it as they go. Behind bind_kit.h. */
#ifndef TPGUARD_TESTS_LIVE_NODE_KIT_H
#define TPGUARD_TESTS_LIVE_NODE_KIT_H

#include "tests/unit/live/bind_kit.h"

/* A node as its watch would tell of it; GPUs as many as the machine has. */
struct kit_node {
    const char *name, *machine;
    const char *allocations; /* NULL none */
};
UNUSED static void seen_node(struct cluster *c, const struct kit_node *k) {
    AUTO(arena_done) struct arena a = arena_new(API_TEXT * 4);
    struct buf text = buf_new(API_TEXT);
    struct buf wiring = buf_new(API_TEXT);
    struct jw w = jw_new(&text, 0);
    struct node_object node;
    struct topo t;
    const struct json *o = NULL;
    struct err e = {0};
    char gpus[16];
    if (!synth_read(span_of(k->machine), &t, &e)) {
        bail(k->machine, &e);
    }
    annotation_encode(&t, &wiring);
    snprintf(gpus, sizeof gpus, "%u", (unsigned)t.n);
    jw_object(&w);
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_str(&w, "name", k->name);
    jw_key(&w, "annotations");
    jw_object(&w);
    jw_kv_span(&w, "tpguard.io/topology", buf_view(&wiring));
    if (k->allocations) {
        jw_kv_str(&w, "tpguard.io/allocations", k->allocations);
    }
    jw_object_end(&w);
    jw_object_end(&w);
    jw_key(&w, "status");
    jw_object(&w);
    jw_key(&w, "allocatable");
    jw_object(&w);
    jw_kv_str(&w, "nvidia.com/gpu", gpus);
    jw_object_end(&w);
    jw_object_end(&w);
    jw_object_end(&w);
    if (!json_parse(buf_view(&text), &a, &o, &e) || !node_decode(o, &a, &node, &e) ||
        !cluster_put_node(c, &node, &e)) {
        bail("node", &e);
    }
    buf_done(&wiring);
    buf_done(&text);
}

#endif
