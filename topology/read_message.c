#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "topology/read_inner.h"

#define MAGIC    0x74706e76U
#define GRACE_MS 1000

int64_t read_clock_ms(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int read_left_ms(int64_t deadline_ms) {
    int64_t left = deadline_ms - read_clock_ms();
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* Moves all bytes one way. */
struct transfer {
    int fd;
    short events; /* POLLIN or POLLOUT */
    int64_t deadline_ms;
};

static ssize_t move_some(const struct transfer *t, char *bytes, size_t n) {
    return t->events == POLLIN ? recv(t->fd, bytes, n, MSG_DONTWAIT)
                               : send(t->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static enum message_end move_all(const struct transfer *t, void *bytes, size_t n) {
    char *at = bytes;
    while (n > 0) {
        ssize_t moved = move_some(t, at, n);
        if (moved > 0) {
            at += moved;
            n -= (size_t)moved;
        } else if (moved == 0 || (errno != EAGAIN && errno != EINTR)) {
            return MESSAGE_CLOSED;
        } else {
            struct pollfd p = {.fd = t->fd, .events = t->events};
            int left = read_left_ms(t->deadline_ms);
            if (left == 0) {
                return MESSAGE_LATE;
            }
            (void)poll(&p, 1, left);
        }
    }
    return MESSAGE_DONE;
}

enum message_end message_send(int fd, uint32_t kind, uint32_t seq, const void *body, size_t size,
                              int64_t deadline_ms) {
    struct transfer t = {fd, POLLOUT, deadline_ms};
    struct message head = {MAGIC, kind, seq, (uint32_t)size};
    enum message_end end = move_all(&t, &head, sizeof head);
    /* move_all writes into its bytes only when it receives. */
    void *bytes = NULL;
    memcpy(&bytes, &body, sizeof bytes);
    return end == MESSAGE_DONE ? move_all(&t, bytes, size) : end;
}

enum message_end message_receive(int fd, struct message *head, void *body, size_t cap,
                                 int64_t deadline_ms) {
    struct transfer t = {fd, POLLIN, deadline_ms};
    char *bytes = (char *)head;
    enum message_end end = move_all(&t, bytes, 1);
    if (end != MESSAGE_DONE) {
        return end;
    }
    /* A message that has begun is read to its end, or the stream is of no more use. */
    int64_t grace = read_clock_ms() + GRACE_MS;
    t.deadline_ms = grace > deadline_ms ? grace : deadline_ms;
    bool good = move_all(&t, bytes + 1, sizeof *head - 1) == MESSAGE_DONE && head->magic == MAGIC &&
                head->size <= cap && move_all(&t, body, head->size) == MESSAGE_DONE;
    return good ? MESSAGE_DONE : MESSAGE_CLOSED;
}
