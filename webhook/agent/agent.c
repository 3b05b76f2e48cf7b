#include "webhook/agent/agent.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topology/annotation.h"
#include "webhook/agent/look.h"
#include "webhook/agent/own.h"
#include "webhook/agent/publish.h"
#include "webhook/agent/sources.h"
#include "webhook/codec/held.h"
#include "webhook/live/heartbeat.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"

#define SECOND_US   INT64_C(1000000)
#define TURN_MAX_MS 10000 /* a turn of the loop at least this often: the file says that we live */
#define SOON_US     (SECOND_US / 2) /* between two readings, however many events come */

struct agent {
    const struct agent_options *o;
    struct kube_client *client;
    struct sources *sources;
    struct look *look;
    struct own *own;
    struct own_node node;
    struct publish publish;
    int wake; /* eventfd: the Node has changed */
    int any;  /* epoll over wake and the signal */
    int stop;
    int64_t wiring_us; /* due */
    int64_t books_us;
    int64_t publish_us;
    int64_t read_us; /* last reading */
    bool recalled;
    bool told_no_node;
    bool blind;  /* said in the log */
    bool unread; /* the same of the books */
};

static uint32_t any_number(void) {
    uint32_t n = 0;
    ssize_t got = getrandom(&n, sizeof n, GRND_NONBLOCK);
    return got == (ssize_t)sizeof n ? n : (uint32_t)clock_mono_us();
}

/* ---- what is seen ---- */

static void log_wiring(const struct agent *a) {
    if (look_changes(a->look)[0]) {
        struct log_line l = log_new(LOG_INFO, "wiring");
        log_str(&l, "changes", look_changes(a->look));
        if (look_held(a->look)[0]) {
            log_str(&l, "held_down", look_held(a->look));
        }
        log_write(&l);
    }
}

/* Said when it begins and when it is over, not each time. */
static void say_trouble(bool *said, bool good, const char *bad, const char *over,
                        const struct err *e) {
    if (!good && !*said) {
        log_say(LOG_WARN, bad, e->msg);
    } else if (good && *said) {
        log_say(LOG_INFO, over, NULL);
    }
    *said = !good;
}

static void read_wiring(struct agent *a, int64_t now_us) {
    struct err e = {0};
    bool good = look_wiring(a->look, clock_unix_s(), &e);
    say_trouble(&a->blind, good, "the GPUs cannot be read", "the GPUs can be read again", &e);
    log_wiring(a);
    a->read_us = now_us;
    a->wiring_us = now_us + (int64_t)read_jitter_ms(a->o->poll_s * 1000, any_number()) * 1000;
    int64_t quiet_s = look_next_s(a->look, clock_unix_s());
    if (quiet_s >= 0 && now_us + (quiet_s + 1) * SECOND_US < a->wiring_us) {
        a->wiring_us = now_us + (quiet_s + 1) * SECOND_US;
    }
}

static void read_books(struct agent *a, int64_t now_us) {
    struct err e = {0};
    bool again = false;
    bool good = look_books(a->look, clock_unix_s(), false, &again, &e);
    if (good && again) {
        read_wiring(a, now_us);
        good = look_books(a->look, clock_unix_s(), true, &again, &e);
    }
    say_trouble(&a->unread, good, "the kubelet's books cannot be read",
                "the kubelet's books can be read again", &e);
    a->books_us = now_us + (int64_t)read_jitter_ms(AGENT_BOOKS_S * 1000, any_number()) * 1000;
}

/* ---- the Node ---- */

static void follow_node(struct agent *a, int64_t now_us) {
    uint64_t taken_off = a->node.taken_off;
    if (!own_update(a->own, &a->node)) {
        return;
    }
    if (!a->node.uid[0]) {
        if (!a->told_no_node) {
            log_say(LOG_WARN, "the API server has no such node yet", a->o->node);
        }
        a->told_no_node = true;
        return;
    }
    a->told_no_node = false;
    if (!a->recalled) {
        if (!look_recall(a->look, buf_view(&a->node.topology))) {
            log_say(LOG_WARN,
                    "the wiring that the node shows cannot be read: learned anew, a link that is "
                    "down now is taken for one that was never there",
                    NULL);
        }
        a->recalled = true;
    } else if (a->node.taken_off != taken_off) {
        log_say(LOG_INFO, "somebody took the wiring off the node: learned anew", NULL);
        look_forget(a->look);
        a->wiring_us = now_us;
    }
}

static void publish(struct agent *a, int64_t now_us) {
    const struct publish_want w = {.topology = look_topology(a->look),
                                   .allocations = look_allocations(a->look),
                                   .seen_at = look_seen_at(a->look),
                                   .books = !a->unread && look_allocations(a->look).n > 0,
                                   .mono_us = now_us,
                                   .random = any_number()};
    a->publish_us = publish_step(&a->publish, &a->node, &w);
}

/* ---- the loop ---- */

static void touch_alive(const struct agent *a) {
    if (!a->o->alive) {
        return;
    }
    int fd = open(a->o->alive, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        (void)futimens(fd, NULL);
        close(fd);
    }
}

static unsigned until_ms(int64_t now_us, int64_t due_us) {
    if (due_us <= now_us) {
        return 0;
    }
    int64_t ms = (due_us - now_us) / 1000 + 1;
    return ms > TURN_MAX_MS ? TURN_MAX_MS : (unsigned)ms;
}

static unsigned sleep_ms(const struct agent *a, int64_t now_us) {
    const int64_t due[] = {a->wiring_us, a->books_us, a->publish_us};
    unsigned least = TURN_MAX_MS;
    for (size_t i = 0; a->recalled && i < sizeof due / sizeof *due; i++) {
        unsigned ms = until_ms(now_us, due[i]);
        least = ms < least ? ms : least;
    }
    return least;
}

static void log_event(const struct read_event *ev) {
    struct log_line l = log_new(LOG_INFO, "the driver reports an event");
    log_num(&l, "xid", ev->xid);
    if (ev->has_gpu) {
        log_num(&l, "gpu", ev->gpu);
    }
    log_write(&l);
}

static void wait_for_news(struct agent *a) {
    struct read_event ev = {0};
    int64_t now_us = clock_mono_us();
    reader_wait(sources_reader(a->sources), sleep_ms(a, now_us), a->any, &ev);
    uint64_t count = 0;
    ssize_t got = read(a->wake, &count, sizeof count);
    (void)got; /* nothing there: woken by something else */
    if (ev.wake == WAKE_EVENT) {
        /* Xids come in showers: one line and one reading for those of half a second. */
        bool first = a->wiring_us > a->read_us + SOON_US;
        a->wiring_us = first ? a->read_us + SOON_US : a->wiring_us;
        if (first) {
            log_event(&ev);
        }
    }
}

static bool should_stop(const struct agent *a) {
    struct epoll_event ev[2];
    int n = epoll_wait(a->any, ev, 2, 0);
    for (int i = 0; i < n; i++) {
        if (ev[i].data.fd == a->stop) {
            return true;
        }
    }
    return false;
}

static void turn(struct agent *a) {
    int64_t now_us = clock_mono_us();
    follow_node(a, now_us);
    touch_alive(a);
    if (!a->recalled) {
        return; /* what the node showed before decides what a dead link means */
    }
    if (now_us >= a->wiring_us) {
        read_wiring(a, now_us);
    }
    if (now_us >= a->books_us) {
        read_books(a, now_us);
    }
    publish(a, clock_mono_us());
}

/* ---- life ---- */

static bool watch_fd(int epoll, int fd) {
    struct epoll_event ev = {.events = EPOLLIN, .data = {.fd = fd}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static bool open_ends(struct agent *a, struct err *e) {
    a->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    a->any = epoll_create1(EPOLL_CLOEXEC);
    if (a->wake < 0 || a->any < 0 || !watch_fd(a->any, a->stop) || !watch_fd(a->any, a->wake)) {
        return err_set(e, ERR_IO, "no more open files");
    }
    a->sources = sources_new(a->o, a->client);
    if (!a->sources) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    const struct look_ends ends = sources_ends(a->sources);
    const struct baseline_rules rules = {.quiet_s = a->o->quiet_s};
    a->look = look_new(&ends, &rules);
    return a->look || err_set(e, ERR_INTERNAL, "no memory");
}

static bool call(void *ctx, const struct kube_request *q, struct kube_response *out,
                 struct err *e) {
    return kube_call(ctx, q, out, e);
}

static void close_ends(struct agent *a) {
    own_stop(a->own);
    own_done(&a->node);
    look_free(a->look);
    sources_free(a->sources);
    if (a->wake >= 0) {
        close(a->wake);
    }
    if (a->any >= 0) {
        close(a->any);
    }
}

bool agent_run(const struct agent_options *o, struct kube_client *client, int stop_fd,
               struct err *e) {
    if (strlen(o->node) > HEARTBEAT_NODE_MAX) {
        return err_set(e, ERR_INPUT, "a node's name of more than %d characters",
                       HEARTBEAT_NODE_MAX);
    }
    struct agent a = {.o = o, .client = client, .wake = -1, .any = -1, .stop = stop_fd};
    a.publish = (struct publish){.node = o->node,
                                 .namespace = o->namespace,
                                 .heartbeat_s = o->heartbeat_s,
                                 .ctx = client,
                                 .call = call};
    bool started = open_ends(&a, e) && own_start(client, o->node, a.wake, &a.own, e);
    if (started) {
        while (!should_stop(&a)) {
            turn(&a);
            wait_for_news(&a);
        }
        log_say(LOG_INFO, "stopping: the annotations stay, their age tells", NULL);
    }
    close_ends(&a);
    return started;
}

bool agent_once(const struct agent_options *o, struct buf *out, struct err *blind,
                struct err *unread) {
    int64_t now = clock_unix_s();
    bool again = false;
    struct sources *s = sources_new(o, NULL);
    const struct look_ends ends = s ? sources_ends(s) : (struct look_ends){0};
    const struct baseline_rules rules = {.quiet_s = o->quiet_s};
    struct look *l = s ? look_new(&ends, &rules) : NULL;
    if (l && look_wiring(l, now, blind)) {
        buf_str(out, ANNOTATION_KEY " ");
        buf_span(out, look_topology(l));
        buf_char(out, '\n');
        if (look_books(l, now, true, &again, unread) && look_allocations(l).n) {
            buf_str(out, HELD_KEY " ");
            buf_span(out, look_allocations(l));
            buf_char(out, '\n');
        }
    }
    look_free(l);
    sources_free(s);
    return l != NULL;
}

bool agent_is_alive(const char *file, struct err *e) {
    struct stat st;
    if (stat(file, &st) != 0) {
        return err_set(e, ERR_IO, "%.200s: not there", file);
    }
    int64_t age = clock_unix_s() - (int64_t)st.st_mtim.tv_sec;
    return (age >= 0 && age <= AGENT_ALIVE_S) ||
           err_set(e, ERR_IO, "%.200s: touched %lld s ago, at most %d s are right", file,
                   (long long)age, AGENT_ALIVE_S);
}
