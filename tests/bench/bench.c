/* What tpguard's own work costs on top of the wire. One client on one kept-alive TLS connection
 * asks a real route and the bench route in turns: the same bytes go in and out, so the difference
 * is decoding, deciding and encoding. Rounds are interleaved and the median round counts, because
 * machines have good and bad seconds; read the ratios, not the times.
 *
 * Usage: bench ADDRESS PORT CA-FILE [ROUNDS [MILLISECONDS [LARGEST-RATIO]]]
 * The server must run with --bench-echo and know nodes named as in node_name() below (bench.sh
 * makes both so). With a LARGEST-RATIO the exit code is 1 when the p50 of some case is above it
 * times the bare answer's. */
#include <stdio.h>
#include <string.h>

#include "tests/bench/link.h"
#include "tests/bench/times.h"

#define POD                                                                                        \
    "{\"metadata\":{\"name\":\"chat-0\",\"namespace\":\"llm\",\"uid\":\"u\"},\"spec\":{"           \
    "\"containers\":[{\"name\":\"main\",\"image\":\"vllm/vllm-openai:v0.10.0\",\"args\":["         \
    "\"--model\",\"Qwen/Qwen2.5-72B-Instruct\",\"--tensor-parallel-size\",\"4\"],"                 \
    "\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"4\"},"                                        \
    "\"requests\":{\"nvidia.com/gpu\":\"4\"}}%s}]}}"

static struct link server;

/* ---- cases ---- */

struct side {
    struct buf request;
    size_t out; /* bytes of the answer, always the same */
    struct times times;
};

struct bench_case {
    const char *route;
    unsigned names; /* 0: admission */
    size_t in;
    struct side real;
    struct side bare;
};

static struct bench_case cases[] = {
    {.route = "/scheduler/filter", .names = 100},
    {.route = "/scheduler/filter", .names = 1000},
    {.route = "/scheduler/filter", .names = 5000},
    {.route = "/scheduler/prioritize", .names = 100},
    {.route = "/scheduler/prioritize", .names = 1000},
    {.route = "/scheduler/prioritize", .names = 5000},
    {.route = "/admit/pods", .names = 0},
};
#define CASES (sizeof cases / sizeof cases[0])

static void put_name(struct buf *b, unsigned i) {
    buf_fmt(b, "\"gpu-node-%05u.example.internal\"", i);
}

/* As many variables as make a pod of the usual length: a review of about 6 KB. */
static void put_env(struct buf *b) {
    buf_str(b, ",\"env\":[");
    for (unsigned i = 0; i < 88; i++) {
        buf_fmt(b, "%s{\"name\":\"SETTING_%02u\",\"value\":\"some text of the usual length %02u\"}",
                i ? "," : "", i, i);
    }
    buf_char(b, ']');
}

static void put_body(const struct bench_case *c, struct buf *b) {
    if (c->names == 0) {
        struct buf env = buf_new(65536);
        put_env(&env);
        buf_str(b,
                "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{"
                "\"uid\":\"7a64e52c\",\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":"
                "\"pods\"},\"namespace\":\"llm\",\"operation\":\"CREATE\",\"object\":");
        buf_fmt(b, POD, buf_cstr(&env));
        buf_str(b, "}}");
        buf_done(&env);
        return;
    }
    buf_fmt(b, "{\"Pod\":" POD ",\"Nodes\":null,\"NodeNames\":[", "");
    for (unsigned i = 0; i < c->names; i++) {
        buf_str(b, i ? "," : "");
        put_name(b, i);
    }
    buf_str(b, "]}");
}

static void prepare(struct bench_case *c) {
    struct buf body = buf_new(LINK_ANSWER_MAX);
    put_body(c, &body);
    c->in = body.n;
    c->real.request = link_request("POST", c->route, 0, buf_view(&body));
    c->real.out = link_ask(&server, buf_view(&c->real.request)).n;
    c->bare.request = link_request("POST", "/bench/echo", c->real.out, buf_view(&body));
    c->bare.out = c->real.out;
    buf_done(&body);
}

/* ---- measuring ---- */

static void ask(void *ctx) {
    const struct side *s = ctx;
    if (link_ask(&server, buf_view(&s->request)).n != s->out) {
        die("answer", "its length changes from call to call");
    }
}

static double report(struct bench_case *c) {
    unsigned rounds = c->real.times.rounds;
    double p50 = median(c->real.times.p50, rounds);
    double bare = median(c->bare.times.p50, rounds);
    char name[32];
    snprintf(name, sizeof name, "%s", strrchr(c->route, '/') + 1);
    printf("%-11s %6u %8zu %8zu %9.0f %9.0f %9.0f %9.0f %7.2f\n", c->names ? name : "admit",
           c->names, c->in, c->real.out, p50, median(c->real.times.p99, rounds), bare,
           median(c->bare.times.p99, rounds), p50 / bare);
    return p50 / bare;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        die("usage", "bench ADDRESS PORT CA-FILE [ROUNDS [MILLISECONDS [LARGEST-RATIO]]]");
    }
    unsigned rounds = number_arg(argc, argv, 4, 5, ROUNDS_MAX);
    unsigned ms = number_arg(argc, argv, 5, 300, 60000);
    unsigned largest = number_arg(argc, argv, 6, 0, 1000);
    link_open(&server, argv[1], argv[2], argv[3]);
    for (size_t i = 0; i < CASES; i++) {
        prepare(&cases[i]);
    }
    for (unsigned r = 0; r < rounds; r++) {
        for (size_t i = 0; i < CASES; i++) {
            times_round(&cases[i].real.times, ms * 1e3, ask, &cases[i].real);
            times_round(&cases[i].bare.times, ms * 1e3, ask, &cases[i].bare);
        }
    }
    printf(
        "case         names bytes in      out  p50 (us)       p99  bare p50       p99   ratio\n");
    bool above = false;
    for (size_t i = 0; i < CASES; i++) {
        above |= report(&cases[i]) > largest;
    }
    return largest && above;
}
