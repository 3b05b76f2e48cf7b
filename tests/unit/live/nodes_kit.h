/* A small API server for nodes_test.c: nodes with what they show; it takes the two patches, answers
 * as told, and sends the node back to the cache when asked to. */
#ifndef TPGUARD_TESTS_LIVE_NODES_KIT_H
#define TPGUARD_TESTS_LIVE_NODES_KIT_H

#include <stdlib.h>

#include "tests/tap.h"
#include "topology/annotation.h"
#include "topology/jw.h"
#include "topology/synth.h"
#include "webhook/live/nodes.h"

#define KIT_NODES 400
#define KIT_TEXT  512

struct kit_node {
    char name[64];
    char uid[64];
    const char *machine; /* NULL: no topology; "!": one that cannot be read */
    int gpus;
    char source[16]; /* "": as the machine has it */
    int64_t seen;    /* observedAt */
    char nvlink[KIT_TEXT], set[KIT_TEXT], free[KIT_TEXT], stranded[KIT_TEXT];
    char status[KIT_TEXT], reason[KIT_TEXT], message[KIT_TEXT], since[KIT_TEXT];
    unsigned answer; /* HTTP; 0: 200 */
    unsigned retry_after;
};

struct kit {
    struct cluster *cluster;
    struct policy policy;
    struct nodes_memory *memory;
    struct kit_node node[KIT_NODES];
    unsigned n;
    int64_t now;
    int64_t mono_us;
    uint64_t term;
    bool silent;     /* no answer at all */
    unsigned budget; /* requests until the lease is lost */
    bool deaf;       /* what is written does not come back */
    struct buf log;  /* "labels n1 ...\n", "condition n1 ...\n", "event n1 ...\n" */
    unsigned calls;
    struct nodes_done done;
};

static struct kit kit;

UNUSED static void kit_bail(const char *what, const struct err *e) {
    printf("Bail out! %s: %s: %s\n", what, e->path, e->msg);
    exit(2);
}

static void kit_kv(struct buf *b, const char *key, const char *value) {
    if (value[0]) {
        buf_fmt(b, "%s\"%s\":", b->p[b->n - 1] == '{' ? "" : ",", key);
        jw_escape(b, span_of(value));
    }
}

static void kit_wiring(const struct kit_node *k, struct buf *b) {
    struct topo t;
    struct err e = {0};
    if (!k->machine) {
        return;
    }
    struct buf text = buf_new(65536);
    if (k->machine[0] == '!') {
        buf_str(&text, "{\"version\":");
    } else if (!synth_read(span_of(k->machine), &t, &e)) {
        kit_bail(k->machine, &e);
    } else {
        if (k->source[0]) {
            struct buf source = BUF_OVER(t.source);
            buf_str(&source, k->source);
            t.observed_at = k->seen;
        }
        annotation_encode(&t, &text);
    }
    kit_kv(b, "tpguard.io/topology", buf_cstr(&text));
    buf_done(&text);
}

/* The node as the watch would bring it. */
static void kit_echo(struct kit_node *k) {
    struct buf b = buf_new(1 << 20);
    struct err e = {0};
    struct arena a = arena_new(16 << 20);
    const struct json *o = NULL;
    struct node_object n;
    buf_fmt(&b, "{\"metadata\":{\"name\":\"%s\",\"uid\":\"%s\",\"labels\":{", k->name, k->uid);
    kit_kv(&b, LABEL_NVLINK, k->nvlink);
    kit_kv(&b, LABEL_NVLINK_SET, k->set);
    kit_kv(&b, LABEL_NVLINK_FREE, k->free);
    kit_kv(&b, LABEL_STRANDED, k->stranded);
    buf_str(&b, "},\"annotations\":{");
    kit_wiring(k, &b);
    buf_fmt(&b, "}},\"status\":{\"allocatable\":{\"nvidia.com/gpu\":\"%d\"},\"conditions\":[",
            k->gpus);
    if (k->status[0]) {
        buf_str(&b, "{\"type\":\"NVLinkDegraded\"");
        kit_kv(&b, "status", k->status);
        kit_kv(&b, "reason", k->reason);
        kit_kv(&b, "message", k->message);
        kit_kv(&b, "lastTransitionTime", k->since);
        buf_str(&b, "},");
    }
    buf_str(&b, "{\"type\":\"Ready\",\"status\":\"True\"}]}}");
    if (!json_parse(buf_view(&b), &a, &o, &e) || !node_decode(o, &a, &n, &e) ||
        !cluster_put_node(kit.cluster, &n, &e)) {
        kit_bail(k->name, &e);
    }
    arena_done(&a);
    buf_done(&b);
}

static struct kit_node *kit_add(const char *name, const char *machine, int gpus) {
    struct kit_node *k = &kit.node[kit.n++];
    *k = (struct kit_node){.machine = machine, .gpus = gpus};
    (void)snprintf(k->name, sizeof k->name, "%s", name);
    (void)snprintf(k->uid, sizeof k->uid, "uid-%s", name);
    kit_echo(k);
    return k;
}

/* A pod of `gpus` GPUs on the node, with its reservation. */
UNUSED static void kit_bind(const char *name, const struct kit_node *k, int gpus, const char *set) {
    struct buf b = buf_new(4096);
    struct err e = {0};
    struct arena a = arena_new(1 << 20);
    const struct json *o = NULL;
    struct pod p;
    buf_fmt(&b,
            "{\"metadata\":{\"namespace\":\"llm\",\"name\":\"%s\",\"uid\":\"uid-%s\","
            "\"annotations\":{\"tpguard.io/gpus\":\"%s\"}},\"spec\":{\"nodeName\":\"%s\","
            "\"containers\":[{\"name\":\"vllm\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":"
            "%d}}}]}}",
            name, name, set, k->name, gpus);
    if (!json_parse(buf_view(&b), &a, &o, &e) || !pod_decode(o, &a, &p, &e) ||
        !cluster_put_pod(kit.cluster, &p, &e)) {
        kit_bail(name, &e);
    }
    arena_done(&a);
    buf_done(&b);
}

static struct kit_node *kit_find(struct span path) {
    struct span rest = span_from(path, strlen("/api/v1/nodes/"));
    struct span name = span_upto(rest, span_find(rest, '?'));
    name = span_upto(name, span_find(name, '/'));
    for (unsigned i = 0; i < kit.n; i++) {
        if (span_is(name, kit.node[i].name)) {
            return &kit.node[i];
        }
    }
    return NULL;
}

/* null empties. */
static void kit_take(const struct json *o, const char *key, char out[static KIT_TEXT]) {
    for (const struct json *v = json_first(o); v; v = json_next(v)) {
        struct span s = {0};
        if (span_is(json_key(v), key)) {
            (void)snprintf(out, KIT_TEXT, SPAN_FMT, SPAN_ARG(json_as_str(v, &s) ? s : SPAN("")));
        }
    }
}

static void kit_condition(struct kit_node *k, const struct json *root) {
    const struct json *status = NULL;
    const struct json *list = NULL;
    struct err e = {0};
    char removed[KIT_TEXT] = "";
    if (!json_req_object(root, "status", &status, &e) ||
        !json_req_array(status, "conditions", &list, &e) || json_count(list) != 1) {
        kit_bail("condition", &e);
    }
    const struct json *c = json_first(list);
    kit_take(c, "$patch", removed);
    if (strcmp(removed, "delete") == 0) {
        k->status[0] = k->reason[0] = k->message[0] = k->since[0] = '\0';
    }
    kit_take(c, "status", k->status);
    kit_take(c, "reason", k->reason);
    kit_take(c, "message", k->message);
    kit_take(c, "lastTransitionTime", k->since);
}

static void kit_apply(struct kit_node *k, const struct kube_request *q, bool status) {
    struct arena a = arena_new(1 << 20);
    struct err e = {0};
    const struct json *root = NULL;
    const struct json *meta = NULL;
    const struct json *labels = NULL;
    char uid[KIT_TEXT] = "";
    if (!json_parse(q->body, &a, &root, &e) || !json_req_object(root, "metadata", &meta, &e)) {
        kit_bail("patch", &e);
    }
    kit_take(meta, "uid", uid);
    if (strcmp(uid, k->uid) != 0) {
        kit_bail("the patch names no uid", &e);
    }
    if (status) {
        kit_condition(k, root);
    } else if (json_req_object(meta, "labels", &labels, &e)) {
        kit_take(labels, LABEL_NVLINK, k->nvlink);
        kit_take(labels, LABEL_NVLINK_SET, k->set);
        kit_take(labels, LABEL_NVLINK_FREE, k->free);
        kit_take(labels, LABEL_STRANDED, k->stranded);
    }
    arena_done(&a);
}

static bool kit_call(void *ctx, const struct kube_request *q, struct kube_response *out,
                     struct err *e) {
    (void)ctx;
    struct kit_node *k = kit_find(span_of(q->path));
    bool status = span_has(span_of(q->path), "/status?");
    kit.calls++;
    kit.mono_us += 1000;
    if (kit.silent) {
        return err_set(e, ERR_IO, "connection refused");
    }
    ok(k && strcmp(q->method, "PATCH") == 0 &&
           span_ends(span_of(q->path), "?fieldManager=tpguard") &&
           q->body_type == (status ? KUBE_STRATEGIC_PATCH : KUBE_MERGE_PATCH) && q->timeout_ms,
       "a patch: %s", q->path);
    *out = (struct kube_response){.status = k->answer ? k->answer : 200};
    out->retry_after_s = k->retry_after;
    if (out->status != 200) {
        buf_fmt(&kit.log, "%u %s\n", out->status, k->name);
        return true;
    }
    kit_apply(k, q, status);
    if (status) {
        buf_fmt(&kit.log, "condition %s %s %s: %s\n", k->name, k->status, k->reason, k->message);
    } else {
        buf_fmt(&kit.log, "labels %s %s %s", k->name, k->nvlink[0] ? k->nvlink : "-",
                k->set[0] ? k->set : "-");
        if (k->free[0] || k->stranded[0]) {
            buf_fmt(&kit.log, " free %s stranded %s", k->free[0] ? k->free : "-",
                    k->stranded[0] ? k->stranded : "-");
        }
        buf_char(&kit.log, '\n');
    }
    return true;
}

static void kit_tell(void *ctx, const struct event *ev) {
    (void)ctx;
    const struct span s = ev->uid;
    ok(strcmp(ev->kind, "Node") == 0 && ev->ns.n == 0 && span_starts(s, "uid-"), "of a Node");
    buf_fmt(&kit.log, "event " SPAN_FMT " %s%s: %s\n", SPAN_ARG(ev->name), ev->reason,
            ev->warning ? "!" : "", ev->message);
}

static bool kit_going(void *ctx) {
    (void)ctx;
    return kit.calls < kit.budget;
}

static int64_t kit_mono(void *ctx) {
    (void)ctx;
    return kit.mono_us;
}

/* scheduler: the policy's; "" none, and nodes show what is free. */
static void kit_begin_with(const char *scheduler) {
    memset(&kit, 0, sizeof kit);
    kit.policy = policy_default();
    kit.policy.scheduler_name = span_of(scheduler);
    kit.now = 1795511640;
    kit.mono_us = 1000000000;
    kit.term = 1;
    kit.budget = 1000000;
    kit.cluster = cluster_new(&kit.policy);
    kit.memory = nodes_memory_new();
    kit.log = buf_new(4 << 20);
}

static void kit_begin(void) {
    kit_begin_with("tpguard-scheduler");
}

static void kit_end(void) {
    cluster_free(kit.cluster);
    nodes_memory_free(kit.memory);
    buf_done(&kit.log);
}

/* One round `ms` later; returns what was written and told. What was written comes back after it. */
static const char *kit_round(unsigned ms) {
    kit.mono_us += (int64_t)ms * 1000;
    kit.now += ms / 1000;
    buf_reset(&kit.log);
    const struct nodes_ends ends = {.cluster = kit.cluster,
                                    .term = kit.term,
                                    .now = kit.now,
                                    .mono_us = kit_mono,
                                    .call = kit_call,
                                    .tell = kit_tell,
                                    .going = kit_going};
    nodes_round(&ends, kit.memory, &kit.done);
    for (unsigned i = 0; !kit.deaf && i < kit.n; i++) {
        kit_echo(&kit.node[i]);
    }
    return buf_cstr(&kit.log);
}

#endif
