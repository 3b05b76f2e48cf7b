#include "webhook/topology_live.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "topology/annotation.h"
#include "topology/baseline.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/file.h"

struct topology_live {
    struct reader *reader;
    unsigned interval_s;
    int signals; /* signalfd; -1 before the first wait */
    bool has_before;
    bool has_shown;
    struct topo before; /* the last reading, expectations included */
    struct topo shown;
    char shown_error[256];
    struct reading reading;
    struct baseline_memory memory;
};

static bool load_baseline(struct topology_live *l, const char *file, struct err *e) {
    struct buf text = buf_new(ANNOTATION_MAX);
    bool good = file_read(file, ANNOTATION_MAX, &text, e);
    if (good && !annotation_decode(span_trim(buf_view(&text)), &l->before, e)) {
        good = err_wrap(e, "--baseline %.120s: ", file);
    }
    l->has_before = good;
    buf_done(&text);
    return good;
}

bool topology_live_new(const struct live_options *o, struct topology_live **out, struct err *e) {
    struct topology_live *l = calloc(1, sizeof *l);
    if (!l) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    l->signals = -1;
    l->interval_s = o->interval_s;
    l->reader = reader_new(&o->read);
    if (!l->reader) {
        topology_live_free(l);
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    if (o->baseline && !load_baseline(l, o->baseline, e)) {
        topology_live_free(l);
        return false;
    }
    *out = l;
    return true;
}

void topology_live_free(struct topology_live *l) {
    if (l) {
        reader_free(l->reader);
        if (l->signals >= 0) {
            (void)close(l->signals);
        }
        free(l);
    }
}

bool topology_live_read(struct topology_live *l, int64_t now, struct topo *out, struct err *e) {
    static const struct baseline_rules at_once = {.quiet_s = 0};
    if (!reader_read(l->reader, now, &l->reading, e)) {
        return false;
    }
    baseline_apply(&l->reading.topo, l->has_before ? &l->before : NULL, &at_once, &l->memory,
                   clock_unix_s(), out);
    l->before = *out;
    return l->has_before = true;
}

bool topology_live_news(struct topology_live *l, const struct topo *t, const char *error) {
    bool same = l->has_shown && strncmp(l->shown_error, error, sizeof l->shown_error - 1) == 0 &&
                (error[0] || baseline_same(&l->shown, t));
    if (same) {
        return false;
    }
    (void)snprintf(l->shown_error, sizeof l->shown_error, "%s", error);
    l->shown = error[0] ? l->shown : *t;
    return l->has_shown = true;
}

/* A shell starts background jobs with SIGINT ignored, and an ignored signal never arrives: whoever
 * sends one to a watcher means it. */
static int open_signals(void) {
    sigset_t set;
    struct sigaction usual = {.sa_handler = SIG_DFL};
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)sigaction(SIGINT, &usual, NULL);
    (void)sigaction(SIGTERM, &usual, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool topology_live_wait(struct topology_live *l, unsigned ms) {
    struct read_event event;
    l->signals = l->signals < 0 ? open_signals() : l->signals;
    reader_wait(l->reader, ms, l->signals, &event);
    return event.wake != WAKE_CALLER;
}

unsigned topology_live_interval_ms(const struct topology_live *l) {
    return l->interval_s * 1000;
}
