/* What the binding gate costs. It asks the API server twice for each bind (the node's reservations,
 * and the new one), so beside it stand a bare answer of the same size by the same server, and the
 * same two questions asked by this program: what is left is tpguard's. Then how many binds a second
 * get through over eight connections, to one node, where they take turns, and to many.
 *
 * Usage: bind ADDRESS PORT CA-FILE API-PORT API-CA-FILE [ROUNDS [MILLISECONDS]]
 * The server must run with --bench-echo in a cluster of the nodes and pods named as in review()
 * below, whose API server says that nothing is reserved (bind.sh makes all that). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tests/bench/link.h"
#include "tests/bench/times.h"

#define NODES       32
#define CONNECTIONS 8
#define LEASES      "/apis/coordination.k8s.io/v1/namespaces/tpguard-system/leases/reserved."

struct place {
    const char *host, *port, *ca;
};
static struct place server;
static struct place api;

/* ---- one bind, and what it consists of ---- */

/* A connection, and what is asked over it, always in this order. */
struct side {
    struct link link;
    struct buf request[2];
    unsigned n;
    struct times times;
};

static void ask(void *ctx) {
    struct side *s = ctx;
    for (unsigned i = 0; i < s->n; i++) {
        (void)link_ask(&s->link, buf_view(&s->request[i]));
    }
}

/* Pod "chat-POD" is bound to node "gpu-node-NODE...". */
static struct buf review(unsigned pod, unsigned node) {
    struct buf b = buf_new(4096);
    buf_fmt(&b,
            "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{"
            "\"uid\":\"7a64e52c\",\"namespace\":\"llm\",\"name\":\"chat-%u\",\"operation\":"
            "\"CREATE\",\"subResource\":\"binding\",\"userInfo\":{\"username\":"
            "\"system:serviceaccount:tpguard-system:scheduler\"},\"object\":{\"metadata\":{"
            "\"name\":\"chat-%u\",\"namespace\":\"llm\",\"uid\":\"u-chat-%u\"},\"target\":{"
            "\"kind\":\"Node\",\"name\":\"gpu-node-%05u.example.internal\"}}}}",
            pod, pod, pod, node);
    return b;
}

static struct buf bind_request(unsigned pod, unsigned node) {
    struct buf body = review(pod, node);
    struct buf request = link_request("POST", "/admit/bindings", 0, buf_view(&body));
    buf_done(&body);
    return request;
}

static void prepare(struct side *real, struct side *bare, struct side *calls) {
    struct buf body = review(0, 0);
    const char *const path = LEASES "gpu-node-00000.example.internal";
    /* What serve writes, to the letter but for the time. */
    const struct span change =
        SPAN("{\"metadata\":{\"resourceVersion\":\"7\",\"annotations\":{"
             "\"tpguard.io/reservations\":\"{\\\"version\\\":1,\\\"pods\\\":[{"
             "\\\"namespace\\\":\\\"llm\\\",\\\"name\\\":\\\"chat-0\\\",\\\"uid\\\":"
             "\\\"u-chat-0\\\",\\\"gpus\\\":4,\\\"set\\\":\\\"0,1,2,3\\\",\\\"at\\\":"
             "1795624615}]}\"}}}");
    link_open(&real->link, server.host, server.port, server.ca);
    link_open(&bare->link, server.host, server.port, server.ca);
    link_open(&calls->link, api.host, api.port, api.ca);
    real->request[0] = bind_request(0, 0);
    struct span answer = link_ask(&real->link, buf_view(&real->request[0]));
    if (!span_has(answer, "\"allowed\":true") || !span_has(answer, "\"patch\":")) {
        die("the pod is not bound with a set", answer.p);
    }
    bare->request[0] = link_request("POST", "/bench/echo", answer.n, buf_view(&body));
    calls->request[0] = link_request("GET", path, 0, (struct span){"", 0});
    calls->request[1] = link_request("PATCH", path, 0, change);
    real->n = bare->n = 1;
    calls->n = 2;
    buf_done(&body);
}

static void report(struct side *real, struct side *bare, struct side *calls) {
    double p50 = median(real->times.p50, real->times.rounds);
    double wire = median(bare->times.p50, bare->times.rounds);
    double two = median(calls->times.p50, calls->times.rounds);
    printf("case     p50 (us)       p99  bare p50  two calls p50   bind / (bare + two calls)\n");
    printf("bind    %9.0f %9.0f %9.0f %14.0f %27.2f\n\n", p50,
           median(real->times.p99, real->times.rounds), wire, two, p50 / (wire + two));
}

/* ---- how many ---- */

struct worker {
    pthread_t thread;
    struct link link;
    struct buf request[NODES];
    unsigned first; /* node, so that two workers seldom meet */
    unsigned nodes;
    double until_us;
    unsigned done;
};
static struct worker worker[CONNECTIONS];

static void *work(void *ctx) {
    struct worker *w = ctx;
    w->done = 0;
    for (unsigned i = w->first; now_us() < w->until_us; i += CONNECTIONS) {
        (void)link_ask(&w->link, buf_view(&w->request[i % w->nodes]));
        w->done++;
    }
    return NULL;
}

/* Binds a second over all connections. */
static double throughput(unsigned nodes, double for_us) {
    double begun = now_us();
    unsigned done = 0;
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        worker[i].nodes = nodes;
        worker[i].until_us = begun + for_us;
        if (pthread_create(&worker[i].thread, NULL, work, &worker[i]) != 0) {
            die("thread", "cannot start");
        }
    }
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        pthread_join(worker[i].thread, NULL);
        done += worker[i].done;
    }
    return done / (now_us() - begun) * 1e6;
}

static void hire(void) {
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        worker[i].first = i;
        link_open(&worker[i].link, server.host, server.port, server.ca);
        for (unsigned n = 0; n < NODES; n++) {
            worker[i].request[n] = bind_request(i, n);
        }
    }
}

int main(int argc, char **argv) {
    static struct side real;
    static struct side bare;
    static struct side calls;
    if (argc < 6) {
        die("usage", "bind ADDRESS PORT CA-FILE API-PORT API-CA-FILE [ROUNDS [MILLISECONDS]]");
    }
    unsigned rounds = number_arg(argc, argv, 6, 5, ROUNDS_MAX);
    double for_us = number_arg(argc, argv, 7, 300, 60000) * 1e3;
    double one[ROUNDS_MAX];
    double many[ROUNDS_MAX];
    server = (struct place){argv[1], argv[2], argv[3]};
    api = (struct place){"127.0.0.1", argv[4], argv[5]};
    prepare(&real, &bare, &calls);
    hire();
    for (unsigned r = 0; r < rounds; r++) {
        times_round(&real.times, for_us, ask, &real);
        times_round(&bare.times, for_us, ask, &bare);
        times_round(&calls.times, for_us, ask, &calls);
        one[r] = throughput(1, for_us);
        many[r] = throughput(NODES, for_us);
    }
    report(&real, &bare, &calls);
    double slow = median(one, rounds);
    double fast = median(many, rounds);
    printf("binds a second over %d connections: to one node %.0f, to %d nodes %.0f (%.2f times)\n",
           CONNECTIONS, slow, NODES, fast, fast / slow);
    return 0;
}
