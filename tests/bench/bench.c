/* What tpguard's own work costs on top of the wire. One client on one kept-alive TLS connection
 * asks a real route and the bench route in turns: the same bytes go in and out, so the difference
 * is decoding, deciding and encoding. Rounds are interleaved and the median round counts, because
 * machines have good and bad seconds; read the ratios, not the times.
 *
 * Usage: bench ADDRESS PORT CA-FILE [ROUNDS [MILLISECONDS [LARGEST-RATIO]]]
 * The server must run with --bench-echo and know nodes named as in node_name() below (bench.sh
 * makes both so). With a LARGEST-RATIO the exit code is 1 when the p50 of some case is above it
 * times the bare answer's. */
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "topology/buf.h"

#define ROUNDS_MAX  15
#define SAMPLES_MAX 20000
#define ANSWER_MAX  ((size_t)64 * 1024 * 1024)

#define POD                                                                                        \
    "{\"metadata\":{\"name\":\"chat-0\",\"namespace\":\"llm\",\"uid\":\"u\"},\"spec\":{"           \
    "\"containers\":[{\"name\":\"main\",\"image\":\"vllm/vllm-openai:v0.10.0\",\"args\":["         \
    "\"--model\",\"Qwen/Qwen2.5-72B-Instruct\",\"--tensor-parallel-size\",\"4\"],"                 \
    "\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"4\"},"                                        \
    "\"requests\":{\"nvidia.com/gpu\":\"4\"}}%s}]}}"

static void die(const char *what, const char *why) {
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(2);
}

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- one connection ---- */

static gnutls_session_t session;
static struct buf answer; /* head and body of the last one */

static int dial(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        die(host, "no such address");
    }
    int fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        die(host, "cannot connect");
    }
    freeaddrinfo(found);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void greet(int fd, const char *ca_file) {
    gnutls_certificate_credentials_t cred;
    gnutls_certificate_allocate_credentials(&cred);
    if (gnutls_certificate_set_x509_trust_file(cred, ca_file, GNUTLS_X509_FMT_PEM) < 1) {
        die(ca_file, "no CA certificate");
    }
    gnutls_init(&session, GNUTLS_CLIENT);
    gnutls_set_default_priority(session);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, cred);
    gnutls_session_set_verify_cert(session, "localhost", 0);
    gnutls_transport_set_int(session, fd);
    int rc = gnutls_handshake(session);
    if (rc < 0) {
        die("TLS", gnutls_strerror(rc));
    }
}

static void send_all(struct span s) {
    while (s.n) {
        ssize_t put = gnutls_record_send(session, s.p, s.n);
        if (put < 0 && put != GNUTLS_E_AGAIN && put != GNUTLS_E_INTERRUPTED) {
            die("send", gnutls_strerror((int)put));
        }
        s = span_from(s, put > 0 ? (size_t)put : 0);
    }
}

static void receive_some(void) {
    char *room = buf_room(&answer, 65536);
    if (!room) {
        die("answer", "too large");
    }
    ssize_t got = gnutls_record_recv(session, room, 65536);
    if (got == 0) {
        die("answer", "the server ended the connection");
    }
    if (got < 0 && got != GNUTLS_E_AGAIN && got != GNUTLS_E_INTERRUPTED) {
        die("receive", gnutls_strerror((int)got));
    }
    buf_commit(&answer, got > 0 ? (size_t)got : 0);
}

/* Length of the body, whose head must be a 200. Offset of the body in *at. */
static size_t body_length(size_t *at) {
    struct span head = {0};
    while ((*at = span_search(buf_view(&answer), "\r\n\r\n")) == answer.n) {
        receive_some();
    }
    head = span_upto(buf_view(&answer), *at);
    *at += 4;
    uint64_t n = 0;
    size_t key = span_search(head, "Content-Length: ");
    struct span rest = span_from(head, key + sizeof "Content-Length: " - 1);
    if (!span_starts(head, "HTTP/1.1 200 ") || !span_u64(span_line(&rest), ANSWER_MAX, &n)) {
        die("answer", buf_cstr(&answer));
    }
    return (size_t)n;
}

/* Sends it and reads the whole answer; its body. */
static struct span ask(struct span request) {
    size_t at = 0;
    buf_reset(&answer);
    send_all(request);
    size_t n = body_length(&at);
    while (answer.n < at + n) {
        receive_some();
    }
    return span_from(buf_view(&answer), at);
}

/* ---- cases ---- */

struct side {
    struct buf request;
    double p50[ROUNDS_MAX];
    double p99[ROUNDS_MAX];
};

struct bench_case {
    const char *route;
    unsigned names; /* 0: admission */
    size_t in;
    size_t out;
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

static void put_request(const char *path, size_t bytes, struct span body, struct buf *b) {
    *b = buf_new(body.n + 1024);
    buf_fmt(b, "POST %s", path);
    if (bytes) {
        buf_fmt(b, "?bytes=%zu", bytes);
    }
    buf_fmt(b,
            " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Content-Length: %zu\r\n\r\n",
            body.n);
    buf_span(b, body);
}

static void prepare(struct bench_case *c) {
    struct buf body = buf_new(ANSWER_MAX);
    put_body(c, &body);
    c->in = body.n;
    put_request(c->route, 0, buf_view(&body), &c->real.request);
    c->out = ask(buf_view(&c->real.request)).n;
    put_request("/bench/echo", c->out, buf_view(&body), &c->bare.request);
    buf_done(&body);
}

/* ---- measuring ---- */

static int by_size(const void *a, const void *b) {
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static double at_share(double *sorted, unsigned n, unsigned percent) {
    return sorted[(n - 1) * percent / 100];
}

static void measure(struct side *s, size_t out, unsigned round, double for_us) {
    static double sample[SAMPLES_MAX];
    unsigned n = 0;
    double begun = now_us();
    while (n < SAMPLES_MAX && (n < 20 || now_us() - begun < for_us)) {
        double sent = now_us();
        if (ask(buf_view(&s->request)).n != out) {
            die("answer", "its length changes from call to call");
        }
        sample[n++] = now_us() - sent;
    }
    qsort(sample, n, sizeof sample[0], by_size);
    s->p50[round] = at_share(sample, n, 50);
    s->p99[round] = at_share(sample, n, 99);
}

static double median(double *v, unsigned n) {
    qsort(v, n, sizeof v[0], by_size);
    return v[n / 2];
}

static double report(struct bench_case *c, unsigned rounds) {
    double p50 = median(c->real.p50, rounds);
    double bare = median(c->bare.p50, rounds);
    char name[32];
    snprintf(name, sizeof name, "%s", strrchr(c->route, '/') + 1);
    printf("%-11s %6u %8zu %8zu %9.0f %9.0f %9.0f %9.0f %7.2f\n", c->names ? name : "admit",
           c->names, c->in, c->out, p50, median(c->real.p99, rounds), bare,
           median(c->bare.p99, rounds), p50 / bare);
    return p50 / bare;
}

static unsigned number(int argc, char **argv, int i, unsigned otherwise, unsigned max) {
    uint32_t n = otherwise;
    if (argc > i && !span_u32(span_of(argv[i]), max, &n)) {
        die(argv[i], "wants a number");
    }
    return n;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        die("usage", "bench ADDRESS PORT CA-FILE [ROUNDS [MILLISECONDS [LARGEST-RATIO]]]");
    }
    unsigned rounds = number(argc, argv, 4, 5, ROUNDS_MAX);
    unsigned ms = number(argc, argv, 5, 300, 60000);
    unsigned largest = number(argc, argv, 6, 0, 1000);
    answer = buf_new(ANSWER_MAX);
    greet(dial(argv[1], argv[2]), argv[3]);
    for (size_t i = 0; i < CASES; i++) {
        prepare(&cases[i]);
    }
    for (unsigned r = 0; r < rounds; r++) {
        for (size_t i = 0; i < CASES; i++) {
            measure(&cases[i].real, cases[i].out, r, ms * 1e3);
            measure(&cases[i].bare, cases[i].out, r, ms * 1e3);
        }
    }
    printf(
        "case         names bytes in      out  p50 (us)       p99  bare p50       p99   ratio\n");
    bool above = false;
    for (size_t i = 0; i < CASES; i++) {
        above |= report(&cases[i], rounds) > largest;
    }
    return largest && above;
}
