/* An API server in memory for the tests of binds: pods as they are told to be, one Lease a node
 * with versions that are checked, and in place of live.c a replica that is nothing but its cache.
 * The linker takes these instead of webhook/kube/client.c and webhook/live/live.c. */
#ifndef TPGUARD_TESTS_LIVE_BIND_KIT_H
#define TPGUARD_TESTS_LIVE_BIND_KIT_H

#include <pthread.h>
#include <time.h>

#include "tests/unit/cluster/fixture.h"
#include "topology/json.h"
#include "topology/jw.h"
#include "webhook/codec/ledger.h"
#include "webhook/kube/client.h"
#include "webhook/live/bind.h"

#define API_OBJECTS 64
#define API_TEXT    ((size_t)1024 * 1024)
#define API_LEASES  "/apis/coordination.k8s.io/v1/namespaces/tpguard-system/leases"

struct api_object {
    char path[700];
    struct buf text; /* of a pod the object, of a Lease its annotation */
    unsigned version;
};
struct kube_client {
    pthread_mutex_t lock;
    struct api_object object[API_OBJECTS];
    unsigned n;
    unsigned version;
    unsigned calls, lease_reads, pod_reads, writes; /* writes: tried */
    unsigned refuse;                                /* every call is answered with this status */
    unsigned refuse_writes;
    unsigned slow_us;                            /* each call takes as long */
    unsigned evictions;                          /* tried */
    unsigned evict_status;                       /* 0: 201 */
    char evicted[512];                           /* body of the last one */
    int64_t date;                                /* of every answer; 0 it says none */
    bool down;                                   /* no answer at all */
    const char *raw;                             /* what a Lease is answered with instead */
    void (*before_write)(struct kube_client *c); /* once */
};
struct live {
    struct cluster *cluster;
    struct kube_client *client;
    struct policy policy;
};

UNUSED static void api_new(struct kube_client *c) {
    *c = (struct kube_client){.n = 0};
    pthread_mutex_init(&c->lock, NULL);
}
UNUSED static void api_free(struct kube_client *c) {
    for (unsigned i = 0; i < c->n; i++) {
        buf_done(&c->object[i].text);
    }
    pthread_mutex_destroy(&c->lock);
}

static struct api_object *api_find(struct kube_client *c, const char *path) {
    for (unsigned i = 0; i < c->n; i++) {
        if (strcmp(c->object[i].path, path) == 0) {
            return &c->object[i];
        }
    }
    return NULL;
}

static struct api_object *api_put(struct kube_client *c, const char *path, struct span text) {
    struct api_object *o = api_find(c, path);
    if (!o && c->n == API_OBJECTS) {
        abort();
    }
    o = o ? o : &c->object[c->n++];
    snprintf(o->path, sizeof o->path, "%s", path);
    buf_done(&o->text);
    o->text = buf_new(API_TEXT);
    buf_span(&o->text, text);
    o->version = ++c->version;
    return o;
}

/* ---- what the code under test sees ---- */

void kube_escape(struct span s, struct buf *out) {
    buf_span(out, s);
}
struct kube_client *live_client(struct live *l) {
    return l->client;
}
const char *live_namespace(struct live *l) {
    (void)l;
    return "tpguard-system";
}

static void api_print(const struct api_object *o, struct buf *out) {
    if (!span_starts(span_of(o->path), "/apis/")) {
        buf_span(out, buf_view(&o->text));
        return;
    }
    char version[16];
    struct jw w = jw_new(out, 0);
    snprintf(version, sizeof version, "%u", o->version);
    jw_object(&w);
    jw_kv_str(&w, "kind", "Lease");
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_str(&w, "resourceVersion", version);
    jw_key(&w, "annotations");
    jw_object(&w);
    jw_kv_span(&w, ANN_RESERVATIONS, buf_view(&o->text));
    jw_object_end(&w);
    jw_object_end(&w);
    jw_object_end(&w);
}

struct api_change {
    struct span name, version, text;
};
static bool api_read_change(struct span body, struct arena *a, struct api_change *out) {
    const struct json *root = NULL;
    const struct json *meta = NULL;
    const struct json *notes = NULL;
    struct err e = {0};
    return json_parse(body, a, &root, &e) && json_req_object(root, "metadata", &meta, &e) &&
           json_opt_str(meta, "name", &out->name, &e) &&
           json_opt_str(meta, "resourceVersion", &out->version, &e) &&
           json_req_object(meta, "annotations", &notes, &e) &&
           json_req_str(notes, ANN_RESERVATIONS, &out->text, &e);
}

static unsigned api_write(struct kube_client *c, const struct kube_request *r, struct buf *body) {
    AUTO(arena_done) struct arena a = arena_new((size_t)32 * 1024 * 1024);
    struct api_change want = {0};
    char path[700];
    bool fresh = strcmp(r->method, "POST") == 0;
    if (!api_read_change(r->body, &a, &want)) {
        return 400;
    }
    snprintf(path, sizeof path, fresh ? "%s/" SPAN_FMT : "%s", r->path, SPAN_ARG(want.name));
    const struct api_object *o = api_find(c, path);
    uint32_t version = 0;
    if (fresh == (o != NULL)) {
        return fresh ? 409 : 404;
    }
    if (o && (!span_u32(want.version, 1U << 30, &version) || version != o->version)) {
        return 409;
    }
    api_print(api_put(c, path, want.text), body);
    return fresh ? 201 : 200;
}

static unsigned api_evict(struct kube_client *c, const struct kube_request *r) {
    snprintf(c->evicted, sizeof c->evicted, SPAN_FMT, SPAN_ARG(r->body));
    c->evictions++;
    return c->evict_status ? c->evict_status : 201;
}

static unsigned api_read(struct kube_client *c, const struct kube_request *r, struct buf *body) {
    const struct api_object *o = api_find(c, r->path);
    bool lease = span_starts(span_of(r->path), "/apis/");
    c->lease_reads += lease;
    c->pod_reads += !lease;
    if (lease && c->raw) {
        buf_str(body, c->raw);
        return 200;
    }
    if (o) {
        api_print(o, body);
    }
    return o ? 200 : 404;
}

bool kube_call(struct kube_client *c, const struct kube_request *r, struct kube_response *out,
               struct err *e) {
    bool get = strcmp(r->method, "GET") == 0;
    struct kube_response got = {.body = buf_new(API_TEXT * 4), .date = c->date};
    if (c->slow_us) {
        const struct timespec t = {.tv_nsec = (long)c->slow_us * 1000};
        nanosleep(&t, NULL);
    }
    pthread_mutex_lock(&c->lock);
    c->calls++;
    void (*hook)(struct kube_client *) = get ? NULL : c->before_write;
    if (hook) {
        c->before_write = NULL;
        pthread_mutex_unlock(&c->lock);
        hook(c);
        pthread_mutex_lock(&c->lock);
    }
    bool down = c->down;
    c->writes += !get;
    got.status = c->refuse                                  ? c->refuse
                 : !get && c->refuse_writes                 ? c->refuse_writes
                 : get                                      ? api_read(c, r, &got.body)
                 : span_ends(span_of(r->path), "/eviction") ? api_evict(c, r)
                                                            : api_write(c, r, &got.body);
    pthread_mutex_unlock(&c->lock);
    if (down) {
        buf_done(&got.body);
        return err_set(e, ERR_IO, "https://api: connection refused");
    }
    if (got.status >= 400) {
        snprintf(got.message, sizeof got.message, "as told");
    }
    *out = got;
    return true;
}

/* ---- the world ---- */

/* phase NULL: Pending; node NULL: none; more: members of metadata, with a comma behind. */
struct kit_pod {
    const char *ns, *name, *uid, *node, *phase, *more;
    unsigned gpus, tp;
    const char *pin;
};
UNUSED static void kit_print(const struct kit_pod *p, struct buf *b) {
    buf_fmt(b, "{\"metadata\":{%s\"name\":\"%s\",\"namespace\":\"%s\",\"uid\":\"%s\"},\"spec\":{",
            p->more ? p->more : "", p->name, p->ns ? p->ns : "llm", p->uid);
    if (p->node) {
        buf_fmt(b, "\"nodeName\":\"%s\",", p->node);
    }
    buf_fmt(b, "\"containers\":[{\"name\":\"c\",\"image\":\"vllm/vllm-openai\",\"args\":["
               "\"--model\",\"m\"");
    if (p->tp > 1) {
        buf_fmt(b, ",\"--tensor-parallel-size\",\"%u\"", p->tp);
    }
    buf_str(b, "]");
    if (p->gpus) {
        buf_fmt(b, ",\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"%u\"}}", p->gpus);
    }
    if (p->pin) {
        buf_fmt(b, ",\"env\":[{\"name\":\"NVIDIA_VISIBLE_DEVICES\",\"value\":\"%s\"}]", p->pin);
    }
    buf_fmt(b, "}]},\"status\":{\"phase\":\"%s\"}}", p->phase ? p->phase : "Pending");
}

/* The API server has it. */
UNUSED static void api_pod(struct kube_client *c, const struct kit_pod *p) {
    char path[700];
    struct buf b = buf_new(API_TEXT);
    kit_print(p, &b);
    snprintf(path, sizeof path, "/api/v1/namespaces/%s/pods/%s", p->ns ? p->ns : "llm", p->name);
    api_put(c, path, buf_view(&b));
    buf_done(&b);
}

/* The cache has it. */
UNUSED static void seen(struct cluster *c, const struct kit_pod *p) {
    AUTO(arena_done) struct arena a = arena_new(API_TEXT * 4);
    struct buf b = buf_new(API_TEXT);
    struct pod pod = {0};
    const struct json *o = NULL;
    struct err e = {0};
    kit_print(p, &b);
    if (!json_parse(buf_view(&b), &a, &o, &e) || !pod_decode(o, &a, &pod, &e) ||
        !cluster_put_pod_object(c, &pod, buf_view(&b), &e)) {
        bail("pod", &e);
    }
    buf_done(&b);
}

/* A cache that has met nodes n1 (four GPUs, pairs 0-1 and 2-3) and n2 (the same) and no pods. */
UNUSED static struct live replica(struct kube_client *api) {
    struct buf items = buf_new(API_TEXT);
    static const char *const modes[][2] = {{"exempt", "off"}, {"warn", "warn"}, {"audit", "audit"}};
    put_node(&items, &(struct machine){"n1", "4xH100-NVL", 4, NULL});
    put_node(&items, &(struct machine){"n2", "4xH100-NVL", 4, NULL});
    for (unsigned i = 0; i < 3; i++) {
        buf_fmt(&items,
                "- apiVersion: v1\n  kind: Namespace\n"
                "  metadata: {name: %s, labels: {tpguard.io/mode: '%s'}}\n",
                modes[i][0], modes[i][1]);
    }
    struct live l = {.cluster = cluster_of(&items), .client = api, .policy = policy_default()};
    buf_done(&items);
    return l;
}

/* What the Lease of the node says; "" there is none. Good until the next call. */
UNUSED static const char *reserved(struct kube_client *c, const char *node) {
    char path[700];
    snprintf(path, sizeof path, API_LEASES "/reserved.%s", node);
    struct api_object *o = api_find(c, path);
    return o ? buf_cstr(&o->text) : "";
}
UNUSED static void reserve_text(struct kube_client *c, const char *node, const char *text) {
    char path[700];
    snprintf(path, sizeof path, API_LEASES "/reserved.%s", node);
    api_put(c, path, span_of(text));
}
/* One entry, "ns/name/uid set age". */
UNUSED static void reserve_one(struct kube_client *c, const char *node, const struct kit_pod *p,
                               const char *set, int age) {
    char text[512];
    snprintf(text, sizeof text,
             "{\"version\":1,\"pods\":[{\"namespace\":\"llm\",\"name\":\"%s\",\"uid\":\"%s\","
             "\"gpus\":%u,\"set\":\"%s\",\"at\":%d}]}",
             p->name, p->uid, p->gpus, set, NOW - age);
    reserve_text(c, node, text);
}

/* ---- one bind ---- */

typedef bool gate(const struct bind_ask *ask, struct bind_answer *out, struct err *e);
struct outcome {
    bool told;
    struct bind_answer a;
    struct err e;
};
static struct outcome bind_ask_of(gate *g, struct live *l, const struct kit_pod *p,
                                  struct bind_ask want) {
    AUTO(arena_done) struct arena a = arena_new((size_t)64 * 1024 * 1024);
    struct outcome o = {.told = false};
    want.cluster = l->cluster;
    want.live = l;
    want.policy = &l->policy;
    want.ns = span_of(p->ns ? p->ns : "llm");
    want.name = span_of(p->name);
    want.uid = span_of(p->uid);
    want.now = want.now ? want.now : NOW;
    want.arena = &a;
    o.told = g(&want, &o.a, &o.e);
    return o;
}
UNUSED static struct outcome bind_at(gate *g, struct live *l, const struct kit_pod *p,
                                     const char *node, bool dry_run) {
    return bind_ask_of(g, l, p, (struct bind_ask){.node = span_of(node), .dry_run = dry_run});
}
UNUSED static struct outcome bind_before(gate *g, struct live *l, const struct kit_pod *p,
                                         const char *node, int64_t until_us) {
    return bind_ask_of(g, l, p, (struct bind_ask){.node = span_of(node), .until_us = until_us});
}
UNUSED static struct outcome bind_to(struct live *l, const struct kit_pod *p, const char *node) {
    return bind_at(bind_gate, l, p, node, false);
}
/* "2,3" or the reason, or the error. Good until the next call but three. */
UNUSED static const char *said(const struct outcome *o) {
    static char text[4][512];
    static unsigned at;
    at = (at + 1) % 4;
    if (!o->told) {
        snprintf(text[at], sizeof text[at], "error %s", o->e.msg);
    } else if (!o->a.ours) {
        snprintf(text[at], sizeof text[at], "%s", o->a.allowed ? "passed" : "refused unjudged");
    } else if (!o->a.allowed) {
        snprintf(text[at], sizeof text[at], "no %s", reason_row(o->a.code)->code);
    } else {
        snprintf(text[at], sizeof text[at], "%s", o->a.set);
    }
    return text[at];
}

#endif
