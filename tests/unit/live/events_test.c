/* Events over the wire: the thread, the client and the scripted API server. Each case has a
 * namespace of its own, by which the server knows what to answer. */
#include "webhook/live/events_inner.h"

#include <pthread.h>

#include "tests/unit/kube/kit.h"

#define AT "/api/v1/namespaces/"

static const char scenario[] =
    "POST " AT "new/events always\n"
    "  status 201\n"
    "  body {}\n"
    "POST " AT "there/events always\n"
    "  status 409\n"
    "  body {\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"exists\"}\n"
    "GET " AT "there/events/ always\n"
    "  body {\"kind\":\"Event\",\"message\":\"old\",\"count\":41,"
    "\"lastTimestamp\":\"2026-11-22T12:00:00Z\"}\n"
    "PATCH " AT "there/events/ always\n"
    "  body {}\n"
    "POST " AT "sick/events\n"
    "  status 500\n"
    "POST " AT "sick/events\n"
    "  drop\n"
    "POST " AT "sick/events always\n"
    "  status 201\n"
    "  body {}\n"
    "POST " AT "dead/events always\n"
    "  status 503\n"
    "POST " AT "closed/events always\n"
    "  status 403\n"
    "  body {\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"it is being terminated\"}\n"
    "POST " AT "default/events always\n"
    "  status 201\n"
    "  body {}\n"
    "POST " AT "slow/events always\n"
    "  wait 100\n"
    "  status 201\n"
    "  body {}\n"
    "POST " AT "hang/events always\n"
    "  hang\n";

static struct kube_client *client;
static struct fake server;

static bool call(void *ctx, const struct kube_request *r, struct kube_response *out,
                 struct err *e) {
    return kube_call(ctx, r, out, e);
}

static struct events *start(void) {
    const struct event_wire wire = {.ctx = client, .call = call};
    const struct events_times times = {
        .space_us = 1000, .back_us = 20000, .drain_us = 500000, .timeout_ms = 400};
    struct events *q = NULL;
    struct err e = {0};
    if (!events_start_with(&wire, &times, "tpguard-0", &q, &e)) {
        printf("Bail out! %s\n", e.msg);
        exit(1);
    }
    return q;
}

static void push(struct events *q, const char *ns, const char *name, const char *message) {
    const struct event ev = {.kind = ns[0] ? "Pod" : "Node",
                             .api_version = "v1",
                             .ns = span_of(ns),
                             .name = span_of(name),
                             .uid = span_of(name),
                             .reason = "NVLinkDown",
                             .warning = true,
                             .message = message,
                             .component = "tpguard"};
    events_push(q, &ev);
}

/* Until all that was pushed came to something. */
static struct events_stats settled(struct events *q) {
    struct events_stats s;
    for (unsigned i = 0; i < 500; i++) {
        events_stats_get(q, &s);
        if (s.written + s.repeated + s.dropped + s.refused == s.pushed) {
            break;
        }
        kit_sleep(10);
    }
    return s;
}

static unsigned asked(const char *prefix, const char *part) {
    return fake_count(&server, prefix, part);
}

static void one(void) {
    struct events *q = start();
    push(q, "new", "a", "first");
    struct events_stats s = settled(q);
    ok(s.written == 1 && asked("POST " AT "new/events", "\"message\":\"first\"") == 1,
       "an event reaches the API server");
    ok(asked("POST " AT "new/events", "\"reportingInstance\":\"tpguard-0\"") == 1,
       "it says who wrote it");
    push(q, "new", "a", "first");
    s = settled(q);
    ok(s.repeated == 1 && asked("POST " AT "new/events", "") == 1, "the same is not sent again");
    push(q, "", "gpu-a", "of a node");
    (void)settled(q);
    ok(asked("POST " AT "default/events", "\"kind\":\"Node\",\"name\":\"gpu-a\"") == 1,
       "the event of a node goes to default");
    events_stop(q);
}

static void there(void) {
    struct events *q = start();
    push(q, "there", "a", "second");
    struct events_stats s = settled(q);
    ok(s.written == 1 && asked("PATCH " AT "there/events/a.", "\"count\":42,") == 1,
       "one that another wrote is counted up");
    ok(asked("PATCH " AT "there/events/a.", "application/merge-patch+json") == 1,
       "by a merge patch");
    events_stop(q);
    q = start();
    push(q, "there", "b", "old");
    s = settled(q);
    ok(s.written == 1, "a text that was said long ago is said again");
    events_stop(q);
}

static void trouble(void) {
    struct events *q = start();
    push(q, "sick", "a", "m");
    struct events_stats s = settled(q);
    ok(s.written == 1 && asked("POST " AT "sick/", "") >= 3, "500 and a cut are tried again (%u)",
       asked("POST " AT "sick/", ""));
    push(q, "dead", "a", "m");
    s = settled(q);
    ok(s.refused == 1 && asked("POST " AT "dead/", "") == 4, "four times and no more (%u)",
       asked("POST " AT "dead/", ""));
    push(q, "closed", "a", "m");
    push(q, "closed", "b", "m");
    s = settled(q);
    ok(s.refused == 3 && asked("POST " AT "closed/", "") == 2, "what is not allowed is let go");
    push(q, "new", "after", "m");
    s = settled(q);
    ok(s.written == 2, "and what comes later is written all the same");
    events_stop(q);
}

/* What is queued when it stops is written; what hangs does not hold it up for long. */
static void stop(void) {
    struct events *q = start();
    for (unsigned i = 0; i < 4; i++) {
        push(q, "slow", (const char *[]){"a", "b", "c", "d"}[i], "m");
    }
    events_stop(q);
    is_int(asked("POST " AT "slow/", ""), 4, "what is queued is written before it ends");
    q = start();
    for (unsigned i = 0; i < 4; i++) {
        push(q, "hang", (const char *[]){"a", "b", "c", "d"}[i], "m");
    }
    int64_t begun = clock_mono_us();
    events_stop(q);
    int64_t took = (clock_mono_us() - begun) / 1000;
    ok(took < 2500, "a server that hangs does not keep it from ending (%lld ms)", (long long)took);
    events_push(NULL, &(struct event){0});
    struct events_stats s = {.pushed = 7};
    events_stats_get(NULL, &s);
    events_stop(NULL);
    is_int(s.pushed, 0, "no queue: nothing");
}

static void *pusher(void *ctx) {
    static const char *const texts[] = {"one", "two", "three"};
    for (unsigned i = 0; i < 600; i++) {
        push(ctx, "new", (const char *[]){"p", "q", "r", "s"}[i % 4], texts[i % 3]);
    }
    return NULL;
}

static void many_threads(void) {
    struct events *q = start();
    pthread_t t[4];
    unsigned n = 0;
    while (n < 4 && pthread_create(&t[n], NULL, pusher, q) == 0) {
        n++;
    }
    for (unsigned i = 0; i < n; i++) {
        pthread_join(t[i], NULL);
    }
    struct events_stats s;
    events_stats_get(q, &s);
    ok(n == 4 && s.pushed == 2400 && s.queued <= 4, "four threads push, one a fact is kept");
    events_stop(q);
}

int main(int argc, char **argv) {
    (void)argc;
    kit_begin(argv[0]);
    const char *tail = strstr(argv[0], "unit/live/");
    (void)snprintf(kit_fakeapi, sizeof kit_fakeapi, "%.*sfakeapi/fakeapi",
                   tail ? (int)(tail - argv[0]) : 0, argv[0]);
    server = fake_start(scenario, 0, NULL);
    client = fake_client(&server, NULL);
    one();
    there();
    trouble();
    stop();
    many_threads();
    kube_client_free(client);
    fake_stop(&server);
    kit_end();
    return tap_done();
}
