/* What waiting and bound pods are told. The API server is a list of what it was sent. */
#include "webhook/live/narrate.h"

#include <pthread.h>
#include <time.h>

#include "tests/unit/cluster/fixture.h"
#include "webhook/codec/object.h"
#include "webhook/live/events_inner.h"
#include "webhook/sys/clock.h"

#define SENT_MAX 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { char body[2048]; } sent[SENT_MAX];
static unsigned n_sent;

static bool record(void *ctx, const struct kube_request *r, struct kube_response *out,
                   struct err *e) {
    (void)ctx;
    (void)e;
    pthread_mutex_lock(&lock);
    if (strcmp(r->method, "GET") != 0 && n_sent < SENT_MAX) {
        struct buf b = BUF_OVER(sent[n_sent].body);
        buf_reset(&b);
        buf_span(&b, r->body);
        n_sent++;
    }
    pthread_mutex_unlock(&lock);
    *out = (struct kube_response){.status = strcmp(r->method, "POST") == 0 ? 201 : 200,
                                  .body = buf_new(64)};
    buf_str(&out->body, "{}");
    return true;
}

static struct events *start_events(void) {
    static const struct event_wire wire = {.call = record};
    static const struct events_times times = {
        .space_us = 0, .back_us = 1000, .drain_us = 5000000, .timeout_ms = 1000};
    struct events *q = NULL;
    struct err e = {0};
    n_sent = 0;
    if (!events_start_with(&wire, &times, "tpguard-0", &q, &e)) {
        bail("events", &e);
    }
    return q;
}

static void settle(struct events *q) {
    struct events_stats s;
    for (unsigned i = 0; i < 1000; i++) {
        struct timespec t = {.tv_nsec = 5000000};
        events_stats_get(q, &s);
        if (s.written + s.repeated + s.dropped + s.refused == s.pushed) {
            return;
        }
        nanosleep(&t, NULL);
    }
}

/* A value of what was sent about that pod; "" nothing was. */
static const char *told(const char *pod, const char *key) {
    static char text[2048];
    char mark[128];
    char member[64];
    struct buf m = BUF_OVER(mark);
    struct buf k = BUF_OVER(member);
    struct buf out = BUF_OVER(text);
    buf_reset(&out);
    buf_fmt(&m, "\"name\":\"%s\",\"uid\"", pod);
    buf_fmt(&k, "\"%s\":\"", key);
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < n_sent; i++) {
        struct span body = span_of(sent[i].body);
        if (span_has(body, mark)) {
            struct span rest = span_from(body, span_search(body, member) + k.n);
            buf_reset(&out);
            buf_span(&out, span_cut(&rest, '"'));
        }
    }
    pthread_mutex_unlock(&lock);
    return text;
}

/* ---- the cluster ---- */

#define CHAT_HELD                                                                                  \
    "      tpguard.io/allocations: '{\"version\":1,\"observedAt\":\"2026-11-18T09:00:00Z\","       \
    "\"pods\":[{\"namespace\":\"llm\",\"name\":\"chat-0\",\"container\":\"m\",\"gpus\":[2,3]}]}'"  \
    "\n"

static struct cluster *worked_example(void) {
    struct buf items = buf_new((size_t)1024 * 1024);
    put_node(&items, &(struct machine){"gpu-a", "4xH100-NVL down=0-1", 4, CHAT_HELD});
    put_pod(&items, &(struct podling){.name = "chat-0", .node = "gpu-a", .gpus = 2});
    struct cluster *c = cluster_of(&items);
    buf_done(&items);
    return c;
}

#define WAITING(ns, name, tp, more)                                                                \
    "{\"metadata\":{\"namespace\":\"" ns "\",\"name\":\"" name "\",\"uid\":\"u-" name "\"" more    \
    "},\"spec\":{\"containers\":[{\"name\":\"m\",\"image\":\"vllm/vllm-openai:v0.11.0\","          \
    "\"args\":[\"--model\",\"Qwen/Qwen3-32B-FP8\",\"--tensor-parallel-size\",\"" tp "\"],"         \
    "\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"2\"}}}]},\"status\":{\"phase\":\"Pending\"}}"

static void put_waiting(struct cluster *c, const char *text) {
    struct arena a = arena_new((size_t)1024 * 1024);
    struct pod p;
    const struct json *o = NULL;
    struct err e = {0};
    if (!json_parse(span_of(text), &a, &o, &e) || !pod_decode(o, &a, &p, &e) ||
        !cluster_put_pod_object(c, &p, span_of(text), &e)) {
        bail(text, &e);
    }
    arena_done(&a);
}

#define COST                                                                                       \
    " Across PCIe its 128 all-reduces per step at 64 streams would take about 2.7 ms instead of "  \
    "0.9 ms."

static void waiting(void) {
    struct policy policy = policy_default();
    struct cluster *c = worked_example();
    struct events *q = start_events();
    struct narrate *n = narrate_new(c, &policy, q);
    struct narrate_round r;
    struct err e = {0};
    put_waiting(c, WAITING("llm", "qwen", "2", ""));
    put_waiting(c, WAITING("llm", "odd", "two", ""));
    put_waiting(c, WAITING("llm", "left", "2", ",\"labels\":{\"tpguard.io/ignore\":\"true\"}"));
    put_waiting(c, WAITING("quiet", "other", "2", ""));
    const struct namespace_object quiet = {.name = SPAN("quiet"), .mode = SPAN("warn")};
    if (!cluster_put_namespace(c, &quiet, &e)) {
        bail("namespace", &e);
    }
    narrate_once(n, NOW, &r);
    settle(q);
    ok(!r.skipped && r.looked == 4 && r.told == 2 && !r.bad, "four wait, two are told (%u, %u)",
       r.looked, r.told);
    is_str(told("qwen", "message"),
           "TP=2 waits for a healthy NVLink pair. Nearest: gpu-a: 2,3 in use by llm/chat-0, 0-1 "
           "down (0 of 12 lanes). It starts when either is free or repaired." COST,
           "who holds the set, what is down, what the wait saves");
    is_str(told("qwen", "reason"), "NVLinkSetBusy", "... with the code");
    is_str(told("qwen", "type"), "Normal", "... as nothing unusual");
    is_str(told("odd", "reason"), "MalformedTP", "one whose size is no number is told that");
    is_str(told("odd", "type"), "Warning", "... as a warning");
    is_str(told("left", "message"), "", "one that asks to be left alone is");
    is_str(told("other", "message"), "", "a namespace in mode warn gets no Events");
    narrate_once(n, NOW + 1, &r);
    ok(r.skipped, "nothing changed: nothing is done");
    narrate_once(n, NOW + NARRATE_IDLE_S, &r);
    ok(!r.skipped && r.looked == 4, "after ten seconds all are looked at again");
    put_waiting(c, WAITING("llm", "second", "2", ""));
    narrate_once(n, NOW + NARRATE_IDLE_S + 1, &r);
    settle(q);
    ok(!r.skipped && r.looked == 5 && told("second", "reason")[0], "a new one is told at once");
    cluster_drop_pod(c, SPAN("llm"), SPAN("chat-0"));
    narrate_once(n, NOW + NARRATE_IDLE_S + 2, &r);
    ok(!r.skipped && r.told == 1, "the set is free: only the malformed one is still told (%u)",
       r.told);
    struct events_stats s;
    settle(q);
    events_stats_get(q, &s);
    ok(s.written == 3 && s.pushed > s.written, "three Events were written, the rest were repeats");
    narrate_free(n);
    events_stop(q);
    cluster_free(c);
}

/* More than one round takes: each gets its turn. */
static void many(void) {
    enum { PODS = NARRATE_PODS + 500 };
    struct policy policy = policy_default();
    struct cluster *c = worked_example();
    struct events *q = start_events();
    struct narrate *n = narrate_new(c, &policy, q);
    struct narrate_round r = {0};
    for (unsigned i = 0; i < PODS; i++) {
        char text[1024];
        struct buf b = BUF_OVER(text);
        struct span like = SPAN(WAITING("llm", "pNUMBER", "2", ""));
        while (like.n) {
            size_t at = span_search(like, "NUMBER");
            buf_span(&b, span_upto(like, at));
            if (at < like.n) {
                buf_fmt(&b, "%u", i);
            }
            like = span_from(like, at + 6);
        }
        put_waiting(c, text);
    }
    unsigned looked = 0;
    unsigned rounds = 0;
    do {
        narrate_once(n, NOW, &r);
        looked += r.looked;
        settle(q);
    } while (!r.skipped && ++rounds < 100);
    ok(r.skipped && looked == PODS && rounds > 1, "%u pods in %u rounds, each once", looked,
       rounds);
    struct events_stats s;
    events_stats_get(q, &s);
    is_int(s.written, PODS, "each has its Event");
    is_int(s.dropped, 0, "none was dropped");
    narrate_free(n);
    events_stop(q);
    cluster_free(c);
}

static void reserved(void) {
    struct policy policy = policy_default();
    struct events *q = start_events();
    struct bind_ask ask = {.live = (struct live *)&policy, /* only that there is one */
                           .policy = &policy,
                           .ns = SPAN("llm"),
                           .name = SPAN("qwen"),
                           .node = SPAN("gpu-a")};
    struct bind_answer got = {.allowed = true,
                              .ours = true,
                              .tp = 2,
                              .groups = 1,
                              .gpus = 2,
                              .uid = "u-qwen",
                              .set = "2,3",
                              .view = {.known = true,
                                       .left_known = true,
                                       .lanes = 12,
                                       .expected = 12,
                                       .stranded = "0,1",
                                       .stranded_state = PAIR_DOWN}};
    narrate_reserved(q, &ask, &got);
    settle(q);
    is_str(told("qwen", "message"),
           "TP=2 on gpu-a GPUs 2,3: NVLink healthy, 12 of 12 lanes. Left on the node: 0,1 for TP=1 "
           "(bridge down).",
           "a pod that got its set is told which, and what is left");
    is_str(told("qwen", "reason"), "NVLinkSetReserved", "... with the code");
    narrate_reserved(NULL, &ask, &got);
    ask.dry_run = true;
    narrate_reserved(q, &ask, &got);
    ask.dry_run = false;
    got.tp = 1;
    narrate_reserved(q, &ask, &got);
    got.tp = 2;
    got.code = REASON_NVLINK_SET_BUSY;
    narrate_reserved(q, &ask, &got);
    got.code = REASON_NONE;
    got.allowed = false;
    narrate_reserved(q, &ask, &got);
    struct events_stats s;
    events_stats_get(q, &s);
    is_int(s.pushed, 1, "not in a dry run, not at TP=1, not where no set was reserved");
    events_stop(q);
}

int main(void) {
    waiting();
    many();
    reserved();
    return tap_done();
}
