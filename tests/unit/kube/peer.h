/* The other end of podresources.h in tests: HTTP/2 frame by frame, for one connection. It says what
 * the test says, right or wrong; of the request it only looks for the end. */
#ifndef TPGUARD_TESTS_KUBE_PEER_H
#define TPGUARD_TESTS_KUBE_PEER_H

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "kit.h"

#define PEER_BYTES_MAX ((size_t)1024 * 1024)

enum peer_does { PEER_SILENT, PEER_ANSWERS, PEER_HTTP1, PEER_HANGS_UP };
struct peer {
    int fd;
    enum peer_does does;
    struct span headers; /* HPACK, behind ":status 200" */
    struct span trailers;
    struct span body;
    size_t times; /* the body is sent so often; 0: once */
    bool half;    /* nothing behind the headers, and no end */
    char request[512];
};

static void put_frame(struct buf *b, unsigned type, unsigned flags, unsigned stream,
                      struct span payload) {
    const char head[9] = {(char)(payload.n >> 16),
                          (char)(payload.n >> 8),
                          (char)payload.n,
                          (char)type,
                          (char)flags,
                          0,
                          0,
                          0,
                          (char)stream};
    buf_put(b, head, sizeof head);
    buf_span(b, payload);
}

/* false: the client has gone. */
static bool take(int fd, void *to, size_t n) {
    return n == 0 || recv(fd, to, n, MSG_WAITALL) == (ssize_t)n;
}

/* Reads frames up to the end of the request's body. */
static bool take_request(struct peer *p, int fd) {
    char payload[16384];
    unsigned char head[9];
    if (!take(fd, payload, 24)) {
        return false;
    }
    while (take(fd, head, sizeof head)) {
        size_t n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (n > sizeof payload || !take(fd, payload, n)) {
            return false;
        }
        if (head[3] == 0 && (head[4] & 1)) {
            (void)snprintf(p->request, sizeof p->request, "%zu bytes, first %d", n, payload[0]);
            return true;
        }
    }
    return false;
}

/* ":status: 200" is one byte of HPACK's static table. */
static void answer(struct peer *p, int fd) {
    struct buf b = buf_new(PEER_BYTES_MAX);
    struct buf headers = buf_new(PEER_BYTES_MAX);
    buf_char(&headers, (char)0x88);
    buf_span(&headers, p->headers);
    put_frame(&b, 4, 0, 0, (struct span){0});
    bool over = !p->body.p && !p->trailers.p && !p->half;
    size_t times = p->times ? p->times : 1;
    put_frame(&b, 1, over ? 5 : 4, 1, buf_view(&headers));
    for (size_t i = 0; p->body.p && i < times; i++) {
        put_frame(&b, 0, !p->trailers.p && i + 1 == times, 1, p->body);
    }
    if (p->trailers.p) {
        put_frame(&b, 1, 5, 1, p->trailers);
    }
    (void)send(fd, b.p, b.n, MSG_NOSIGNAL);
    buf_done(&headers);
    buf_done(&b);
}

static void *peer_run(void *arg) {
    static const char http1[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    struct peer *p = arg;
    char rest[4096];
    int fd = accept(p->fd, NULL, NULL);
    if (p->does == PEER_HTTP1) {
        (void)send(fd, http1, sizeof http1 - 1, MSG_NOSIGNAL);
    } else if (p->does != PEER_HANGS_UP && take_request(p, fd) && p->does == PEER_ANSWERS) {
        answer(p, fd);
    }
    while (p->does != PEER_HANGS_UP && recv(fd, rest, sizeof rest, 0) > 0) {
    }
    (void)close(fd);
    return NULL;
}

static int listen_at(const char *path) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    (void)unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 4) != 0) {
        printf("Bail out! no socket at %s\n", path);
        exit(1);
    }
    return fd;
}

#endif
