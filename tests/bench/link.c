#include "tests/bench/link.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void die(const char *what, const char *why) {
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(2);
}

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

void link_open(struct link *l, const char *host, const char *port, const char *ca_file) {
    *l = (struct link){.answer = buf_new(LINK_ANSWER_MAX)};
    gnutls_certificate_allocate_credentials(&l->trust);
    if (gnutls_certificate_set_x509_trust_file(l->trust, ca_file, GNUTLS_X509_FMT_PEM) < 1) {
        die(ca_file, "no CA certificate");
    }
    gnutls_init(&l->session, GNUTLS_CLIENT);
    gnutls_set_default_priority(l->session);
    gnutls_credentials_set(l->session, GNUTLS_CRD_CERTIFICATE, l->trust);
    gnutls_session_set_verify_cert(l->session, "localhost", 0);
    /* A macro that takes its argument twice. */
    int fd = dial(host, port);
    gnutls_transport_set_int(l->session, fd);
    int rc = gnutls_handshake(l->session);
    if (rc < 0) {
        die("TLS", gnutls_strerror(rc));
    }
}

void link_close(struct link *l) {
    close(gnutls_transport_get_int(l->session));
    gnutls_deinit(l->session);
    gnutls_certificate_free_credentials(l->trust);
    buf_done(&l->answer);
}

static void send_all(struct link *l, struct span s) {
    while (s.n) {
        ssize_t put = gnutls_record_send(l->session, s.p, s.n);
        if (put < 0 && put != GNUTLS_E_AGAIN && put != GNUTLS_E_INTERRUPTED) {
            die("send", gnutls_strerror((int)put));
        }
        s = span_from(s, put > 0 ? (size_t)put : 0);
    }
}

static void receive_some(struct link *l) {
    char *room = buf_room(&l->answer, 65536);
    if (!room) {
        die("answer", "too large");
    }
    ssize_t got = gnutls_record_recv(l->session, room, 65536);
    if (got == 0) {
        die("answer", "the server ended the connection");
    }
    if (got < 0 && got != GNUTLS_E_AGAIN && got != GNUTLS_E_INTERRUPTED) {
        die("receive", gnutls_strerror((int)got));
    }
    buf_commit(&l->answer, got > 0 ? (size_t)got : 0);
}

/* Length of the body, whose head must be a 200. Offset of the body in *at. */
static size_t body_length(struct link *l, size_t *at) {
    struct span head = {0};
    while ((*at = span_search(buf_view(&l->answer), "\r\n\r\n")) == l->answer.n) {
        receive_some(l);
    }
    head = span_upto(buf_view(&l->answer), *at);
    *at += 4;
    uint64_t n = 0;
    size_t key = span_search(head, "Content-Length: ");
    struct span rest = span_from(head, key + sizeof "Content-Length: " - 1);
    if (!span_starts(head, "HTTP/1.1 200 ") || !span_u64(span_line(&rest), LINK_ANSWER_MAX, &n)) {
        die("answer", buf_cstr(&l->answer));
    }
    return (size_t)n;
}

struct span link_ask(struct link *l, struct span request) {
    size_t at = 0;
    buf_reset(&l->answer);
    send_all(l, request);
    size_t n = body_length(l, &at);
    while (l->answer.n < at + n) {
        receive_some(l);
    }
    return span_from(buf_view(&l->answer), at);
}

struct buf link_request(const char *method, const char *path, size_t bytes, struct span body) {
    struct buf b = buf_new(body.n + 1024);
    buf_fmt(&b, "%s %s", method, path);
    if (bytes) {
        buf_fmt(&b, "?bytes=%zu", bytes);
    }
    buf_fmt(&b,
            " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Content-Length: %zu\r\n\r\n",
            body.n);
    buf_span(&b, body);
    return b;
}
