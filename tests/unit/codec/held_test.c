/* The allocations annotation as it is written, and read back. */
#include "tests/unit/codec/fixture.h"
#include "topology/synth.h"
#include "webhook/codec/held.h"
#include "webhook/codec/object.h"

#define NOON INT64_C(1795511640) /* 2026-11-24T09:14:00Z */

static struct holdings *h;
static struct topo topo;

static struct holding *pod(const char *ns, const char *name, const char *container) {
    struct holding *p = &h->pod[h->n_pods++];
    *p = (struct holding){.ns = span_of(ns), .pod = span_of(name), .container = span_of(container)};
    return p;
}

static void other(struct holding *p, struct span id, bool slice) {
    p->other[p->n_other++] = (struct held_other){id, slice};
}

static bool text_of(int64_t when, struct buf *out, struct err *e) {
    buf_reset(out);
    return held_encode(h, &topo, when, out, e);
}

static void test_text(struct arena *a, struct buf *out) {
    struct err e = {0};
    h->n_pods = h->n_unassigned = 0;
    ok(text_of(NOON, out, &e), "nothing is held");
    is_str(buf_cstr(out), "{\"version\":1,\"observedAt\":\"2026-11-24T09:14:00Z\",\"pods\":[]}",
           "no list of what nobody was given");
    struct holding *p = pod("llm", "chat-0", "main");
    p->gpus = gpuset_with(gpuset_one(0), 1);
    topo.gpu[1].uuid[0] = '\0';
    topo.gpu[1].index = 7;
    other(p, SPAN("GPU-gone \xc3\xa4\n"), false);
    p = pod("llm", "mig-0", "");
    p->sliced = gpuset_one(2);
    other(p, SPAN("MIG-aa"), true);
    other(p, SPAN("nvidia2/gi3"), true);
    h->unassigned[0] =
        (struct holding){.ns = SPAN("a"), .pod = SPAN("b"), .pid = 4711, .gpus = gpuset_one(2)};
    h->unassigned[1] = (struct holding){.uid = SPAN("u-1"), .pid = ALLOCATIONS_PID_MAX + 1};
    h->n_unassigned = 2;
    ok(text_of(NOON, out, &e), "all of it is written");
    struct span want =
        quoted(a, "{'version':1,'observedAt':'2026-11-24T09:14:00Z','pods':["
                  "{'namespace':'llm','name':'chat-0','container':'main','gpus':"
                  "['GPU-00000000-0000-4000-8000-000000000000',7,'GPU-gone____']},"
                  "{'namespace':'llm','name':'mig-0','gpus':['MIG-aa','MIG-nvidia2/gi3']}],"
                  "'unassigned':[{'namespace':'a','name':'b','pid':4711,"
                  "'gpus':['GPU-00000000-0000-4000-8000-000000000002']},{'uid':'u-1','gpus':[]}]}");
    is_span(want, buf_cstr(out), "as it should be");
}

static void test_read_back(struct arena *a, struct buf *out) {
    struct allocations got = {0};
    struct err e = {0};
    ok(allocations_decode(buf_view(out), a, &got, &e), "the reader takes it");
    is_int(got.observed_at, NOON, "its time");
    ok(got.n == 2 && got.pod[0].n == 3 && got.pod[0].index[1] == 7 && got.pod[1].n == 2,
       "its pods and GPUs");
    ok(got.n_unassigned == 2 && got.unassigned[0].pid == 4711 &&
           span_is(got.unassigned[0].pod, "b") && got.unassigned[0].n == 1 &&
           span_is(got.unassigned[1].uid, "u-1") && got.unassigned[1].pod.n == 0,
       "what nobody was given");
}

static void test_same(struct arena *a, struct buf *out) {
    struct err e = {0};
    struct span first = {0};
    ok(text_of(NOON, out, &e) && arena_span(a, buf_view(out), &first), "one text");
    ok(text_of(NOON + 86400, out, &e) && !span_eq(first, buf_view(out)) &&
           held_same(first, buf_view(out)),
       "a day later it says the same");
    h->pod[0].gpus = gpuset_one(0);
    ok(text_of(NOON, out, &e) && !held_same(first, buf_view(out)), "one GPU less is a change");
    ok(!held_same((struct span){0}, (struct span){0}) &&
           !held_same(SPAN("{\"version\":1}"), SPAN("{\"version\":1}")) &&
           !held_same(SPAN("{\"version\":1,\"observedAt\":\"x"),
                      SPAN("{\"version\":1,\"observedAt\":\"x")),
       "a text that is not ours equals none");
}

static void test_limits(struct arena *a, struct buf *out) {
    struct err e = {0};
    struct allocations got = {0};
    static char name[HELD_PODS_MAX][256];
    h->n_pods = h->n_unassigned = 0;
    for (unsigned i = 0; i < HELD_PODS_MAX; i++) {
        (void)snprintf(name[i], sizeof name[i], "chat-%040u", i);
        pod("production", name[i], "main")->gpus = gpuset_one(i % 4);
    }
    ok(text_of(NOON, out, &e) && allocations_decode(buf_view(out), a, &got, &e) &&
           got.n == HELD_PODS_MAX,
       "512 pods with usual names fit, %zu bytes", out->n);
    for (unsigned i = 0; i < HELD_PODS_MAX; i++) {
        (void)snprintf(name[i], sizeof name[i], "%0253u", i);
        h->pod[i].pod = span_of(name[i]);
    }
    ok(!text_of(NOON, out, &e) && out->n == 0, "512 with the longest names do not");
    is_str(e.msg, "who holds which GPUs takes more than 96 KiB: 512 containers", "and it says so");
    char small[64] = "x";
    struct buf b = BUF_OVER(small);
    buf_str(&b, "kept");
    h->n_pods = 1;
    ok(!held_encode(h, &topo, NOON, &b, &e) && e.code == ERR_TOO_LARGE && buf_ok(&b) &&
           strcmp(small, "kept") == 0,
       "a full buffer stays as it was");
}

int main(void) {
    struct arena a = arena_new(FIXTURE_CAP);
    struct buf out = buf_new(FIXTURE_CAP);
    struct err e = {0};
    h = calloc(1, sizeof *h);
    if (!h || !synth_read(SPAN("4xH100-NVL"), &topo, &e)) {
        printf("Bail out! no machine: %s\n", e.msg);
        return 1;
    }
    test_text(&a, &out);
    test_read_back(&a, &out);
    test_same(&a, &out);
    test_limits(&a, &out);
    free(h);
    buf_done(&out);
    arena_done(&a);
    return tap_done();
}
