/* What an agent writes, against an API server of a few lines. */
#include "tests/tap.h"
#include "webhook/agent/pods.h"
#include "webhook/agent/publish.h"
#include "webhook/sys/log.h"

#define SECOND INT64_C(1000000)

static struct {
    unsigned patch_answer; /* 0: no answer at all */
    unsigned retry_after;
    bool has_lease;
    int books;      /* of the last heartbeat: 1 read, -1 taken off, 0 no word */
    char log[4096]; /* "PATCH path body\n" */
    struct buf b;
} api;

static bool call(void *ctx, const struct kube_request *q, struct kube_response *out,
                 struct err *e) {
    (void)ctx;
    bool lease = span_has(span_of(q->path), "/leases");
    bool post = strcmp(q->method, "POST") == 0;
    buf_fmt(&api.b, "%s %s\n", q->method, q->path);
    *out = (struct kube_response){.status = 200};
    if (lease) {
        api.books = span_has(q->body, "\"tpguard.io/books\":\"read\"") ? 1
                    : span_has(q->body, "\"tpguard.io/books\":null")   ? -1
                                                                       : 0;
        out->status = post ? (api.has_lease ? 409 : 201) : (api.has_lease ? 200 : 404);
        api.has_lease = api.has_lease || post;
        return true;
    }
    buf_fmt(&api.b, SPAN_FMT "\n", SPAN_ARG(q->body));
    out->status = api.patch_answer;
    out->retry_after_s = api.retry_after;
    return api.patch_answer || err_set(e, ERR_IO, "connection refused");
}

static struct publish begin(struct own_node *own) {
    memset(&api, 0, sizeof api);
    api.patch_answer = 200;
    api.b = BUF_OVER(api.log);
    *own = (struct own_node){
        .synced = true, .uid = "u-1", .topology = buf_new(1000), .allocations = buf_new(1000)};
    return (struct publish){
        .node = "gpu-a", .namespace = "tpguard-system", .heartbeat_s = 150, .call = call};
}

static const char *step(struct publish *p, struct own_node *own, const struct publish_want *w,
                        int64_t *next) {
    buf_reset(&api.b);
    int64_t at = publish_step(p, own, w);
    if (next) {
        *next = at;
    }
    return buf_cstr(&api.b);
}

#define NODE  "PATCH /api/v1/nodes/gpu-a?fieldManager=tpguard-agent\n"
#define LEASE "/apis/coordination.k8s.io/v1/namespaces/tpguard-system/leases"
#define BEAT  "PATCH " LEASE "/agent.gpu-a?fieldManager=tpguard-agent\n"
#define BOTH                                                                                       \
    NODE "{\"metadata\":{\"uid\":\"u-1\",\"annotations\":{\"tpguard.io/topology\":\"T\","          \
         "\"tpguard.io/allocations\":\"A\"}}}\n"

static void writes_what_differs(void) {
    struct own_node own;
    struct publish p = begin(&own);
    struct publish_want w = {.topology = SPAN("T"),
                             .allocations = SPAN("A"),
                             .seen_at = 1795000000,
                             .mono_us = 1000 * SECOND};
    int64_t next = 0;
    is_str(step(&p, &own, &w, &next), BOTH BEAT "POST " LEASE "?fieldManager=tpguard-agent\n",
           "one patch of both, then the heartbeat, made when there is none");
    is_int(next, 1150 * SECOND, "the next thing to do is a heartbeat");
    w.mono_us += 100 * SECOND;
    is_str(step(&p, &own, &w, &next), "", "nothing changed: nothing is written");
    w.mono_us += 60 * SECOND;
    is_str(step(&p, &own, &w, NULL), BEAT, "but the heartbeat");
    ok(api.books == -1, "which does not speak of books that were not read");
    w.mono_us += 200 * SECOND;
    w.books = true;
    is_str(step(&p, &own, &w, NULL), BEAT, "the next one");
    ok(api.books == 1, "says that they were");
    w.topology = SPAN("T2");
    w.seen_at = 0;
    is_str(step(&p, &own, &w, &next),
           NODE
           "{\"metadata\":{\"uid\":\"u-1\",\"annotations\":{\"tpguard.io/topology\":\"T2\"}}}\n",
           "only what differs");
    w.mono_us += 1000 * SECOND;
    is_str(step(&p, &own, &w, NULL), "", "no heartbeat for what nobody has seen");
    w.allocations = (struct span){0};
    buf_str(&own.allocations, "more");
    is_str(step(&p, &own, &w, NULL), "", "what is not known is left as it is");
    own.uid[0] = '\0';
    w.topology = SPAN("T3");
    is_str(step(&p, &own, &w, &next), "", "without a Node there is nothing to do");
    own_done(&own);
}

static void equal_but_for_time(void) {
    struct own_node own;
    struct publish p = begin(&own);
    buf_str(&own.topology, "T");
    buf_str(&own.allocations,
            "{\"version\":1,\"observedAt\":\"2026-11-24T09:14:00Z\",\"pods\":[]}");
    const struct publish_want w = {
        .topology = SPAN("T"),
        .allocations = SPAN("{\"version\":1,\"observedAt\":\"2026-11-25T09:14:00Z\",\"pods\":[]}"),
        .mono_us = SECOND};
    is_str(step(&p, &own, &w, NULL), "", "a restart writes no new time over the same holdings");
    own_done(&own);
}

static void failures(void) {
    struct own_node own;
    struct publish p = begin(&own);
    struct publish_want w = {
        .topology = SPAN("T"), .seen_at = 1795000000, .mono_us = 1000 * SECOND};
    int64_t next = 0;
    api.patch_answer = 0;
    ok(strstr(step(&p, &own, &w, &next), NODE) != NULL, "no answer");
    is_int(next, 1001 * SECOND, "again in a second");
    is_str(step(&p, &own, &w, NULL), "", "not before, and no heartbeat for what is not there");
    int64_t waits[] = {2, 4, 8, 16, 32, 60, 60};
    for (unsigned i = 0; i < 7; i++) {
        w.mono_us = next;
        (void)step(&p, &own, &w, &next);
        is_int((next - w.mono_us) / SECOND, waits[i], "then doubling to a minute");
    }
    api.patch_answer = 429;
    api.retry_after = 90;
    w.mono_us = next;
    (void)step(&p, &own, &w, &next);
    is_int((next - w.mono_us) / SECOND, 90, "or as long as the API server says");
    api.patch_answer = 200;
    w.mono_us = next;
    ok(strstr(step(&p, &own, &w, NULL), BEAT) != NULL, "and then all of it");
    own_done(&own);
}

static void pods(void) {
    struct arena a = arena_new(1 << 20);
    struct err e = {0};
    const struct node_pod *list = NULL;
    uint32_t n = 0;
    ok(pods_decode(SPAN("{\"items\":[{\"metadata\":{\"namespace\":\"llm\",\"name\":\"a\",\"uid\":"
                        "\"u1\"},\"status\":{\"phase\":\"Running\"}},{\"metadata\":{\"namespace\":"
                        "\"llm\",\"name\":\"b\",\"uid\":\"u2\"},\"status\":{\"phase\":\"Failed\"}}"
                        "]}"),
                   &a, &list, &n, &e),
       "a list of pods: %s", e.msg);
    ok(n == 2 && span_is(list[0].uid, "u1") && !list[0].ended && list[1].ended, "is read");
    ok(pods_decode(SPAN("{\"items\":[{\"metadata\":{\"namespace\":\"ops\",\"name\":\"s\",\"uid\":"
                        "\"u3\",\"annotations\":{\"kubernetes.io/config.hash\":\"h\"}}}]}"),
                   &a, &list, &n, &e) &&
           span_is(list[0].uid, "h"),
       "a static pod goes by the name that the kubelet has for it");
    ok(!pods_decode(SPAN("{\"items\":[{\"metadata\":{\"name\":\"a\"}}]}"), &a, &list, &n, &e),
       "a pod without uid is none");
    arena_done(&a);
}

int main(void) {
    log_setup(LOG_ERROR, false);
    writes_what_differs();
    equal_but_for_time();
    failures();
    pods();
    return tap_done();
}
