#include "webhook/http/watchdog.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "webhook/sys/clock.h"
#include "webhook/sys/pace.h"

enum phase { OPENING, IDLE, BUSY };

struct watched {
    struct watched *prev;
    struct watched *next;
    int fd;
    enum phase phase;
    bool used;        /* had a request */
    bool marked;      /* received is that of this idle time */
    int64_t since_us; /* when the phase began; IDLE: when bytes began to arrive, 0 none yet */
    int64_t idle_us;  /* when it became idle */
    uint64_t received;
};

struct watchdog {
    struct pace pace; /* its lock guards the connections and n */
    int64_t deadline_us;
    unsigned crowd;
    struct watched *first;
    struct watchdog_counts n;
};

/* Bytes that the peer has sent so far; the kernel counts them, so that the first byte of a request
 * shows although the HTTP library tells nobody before it has the whole first line. */
static uint64_t bytes_received(int fd) {
    struct tcp_info info = {0};
    socklen_t n = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0) {
        return 0;
    }
    return info.tcpi_bytes_received;
}

static bool late_while_idle(struct watchdog *w, struct watched *c, int64_t now) {
    if (!c->used && w->n.open >= w->crowd && now - c->idle_us > w->deadline_us) {
        return true;
    }
    uint64_t received = bytes_received(c->fd);
    if (!c->marked) {
        c->marked = true;
        c->received = received;
    }
    if (received == c->received) {
        return false;
    }
    if (!c->since_us) {
        c->since_us = now;
    }
    return now - c->since_us > w->deadline_us;
}

static void look(struct watchdog *w) {
    int64_t now = clock_mono_us();
    for (struct watched *c = w->first; c; c = c->next) {
        bool late =
            c->phase == IDLE ? late_while_idle(w, c, now) : now - c->since_us > w->deadline_us;
        if (late) {
            shutdown(c->fd, SHUT_RDWR);
        }
    }
}

/* Looks often enough that nobody outstays the deadline by more than an eighth of it. */
static void *run(void *arg) {
    struct watchdog *w = arg;
    int64_t step_us = w->deadline_us / 8 < 500000 ? w->deadline_us / 8 : 500000;
    while (pace_wait(&w->pace, step_us)) {
        pthread_mutex_lock(&w->pace.lock);
        look(w);
        pthread_mutex_unlock(&w->pace.lock);
    }
    return NULL;
}

bool watchdog_new(unsigned deadline_s, unsigned crowd, struct watchdog **out, struct err *e) {
    struct watchdog *w = calloc(1, sizeof *w);
    if (!w) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    w->deadline_us = (int64_t)deadline_s * 1000000;
    w->crowd = crowd;
    if (!pace_start(&w->pace, run, w, e)) {
        free(w);
        return false;
    }
    *out = w;
    return true;
}

void watchdog_free(struct watchdog *w) {
    if (!w) {
        return;
    }
    pace_stop(&w->pace);
    free(w);
}

/* Keeps the count of busy ones beside the phase. Under the lock. */
static void set_phase(struct watchdog *w, struct watched *c, enum phase phase) {
    w->n.busy -= c->phase != IDLE;
    w->n.busy += phase != IDLE;
    c->phase = phase;
}

struct watched *watchdog_add(struct watchdog *w, int fd) {
    struct watched *c = calloc(1, sizeof *c);
    if (!c) {
        return NULL;
    }
    c->fd = fd;
    c->phase = OPENING;
    c->since_us = clock_mono_us();
    pthread_mutex_lock(&w->pace.lock);
    c->next = w->first;
    if (c->next) {
        c->next->prev = c;
    }
    w->first = c;
    w->n.open++;
    w->n.busy++;
    pthread_mutex_unlock(&w->pace.lock);
    return c;
}

void watchdog_idle(struct watchdog *w, struct watched *c) {
    pthread_mutex_lock(&w->pace.lock);
    c->used = c->used || c->phase == BUSY;
    set_phase(w, c, IDLE);
    c->since_us = 0;
    c->marked = false;
    c->idle_us = clock_mono_us();
    pthread_mutex_unlock(&w->pace.lock);
}

void watchdog_busy(struct watchdog *w, struct watched *c) {
    pthread_mutex_lock(&w->pace.lock);
    if (c->phase != BUSY) {
        /* The clock runs since the first byte of the request, if that was seen. */
        c->since_us = c->since_us ? c->since_us : clock_mono_us();
        set_phase(w, c, BUSY);
    }
    pthread_mutex_unlock(&w->pace.lock);
}

void watchdog_remove(struct watchdog *w, struct watched *c) {
    if (!c) {
        return;
    }
    pthread_mutex_lock(&w->pace.lock);
    if (c->next) {
        c->next->prev = c->prev;
    }
    if (c->prev) {
        c->prev->next = c->next;
    } else {
        w->first = c->next;
    }
    w->n.open--;
    w->n.busy -= c->phase != IDLE;
    pthread_mutex_unlock(&w->pace.lock);
    free(c);
}

struct watchdog_counts watchdog_count(struct watchdog *w) {
    pthread_mutex_lock(&w->pace.lock);
    struct watchdog_counts n = w->n;
    pthread_mutex_unlock(&w->pace.lock);
    return n;
}

void watchdog_shut(struct watchdog *w, bool all) {
    pthread_mutex_lock(&w->pace.lock);
    for (struct watched *c = w->first; c; c = c->next) {
        if (all || c->phase == IDLE) {
            shutdown(c->fd, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&w->pace.lock);
}
