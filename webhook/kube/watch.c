#include "webhook/kube/watch_inner.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "webhook/sys/clock.h"

/* ---- what others may know ---- */

void watch_alive(struct watch *w) {
    pthread_mutex_lock(&w->lock);
    bool was_bad = w->status.last_error[0] != '\0';
    w->status.alive_us = clock_mono_us();
    w->status.last_error[0] = '\0';
    pthread_mutex_unlock(&w->lock);
    if (was_bad) {
        struct log_line l = log_new(LOG_INFO, "watch goes on");
        log_str(&l, "watch", w->options.name);
        log_write(&l);
    }
}

void watch_event_seen(struct watch *w) {
    pthread_mutex_lock(&w->lock);
    w->status.events++;
    pthread_mutex_unlock(&w->lock);
}

void watch_listed(struct watch *w) {
    pthread_mutex_lock(&w->lock);
    bool first = !w->status.synced;
    w->status.synced = true;
    w->status.lists++;
    pthread_mutex_unlock(&w->lock);
    struct log_line l = log_new(LOG_INFO, first ? "watch is in sync" : "watch listed again");
    log_str(&l, "watch", w->options.name);
    log_num(&l, "objects", (int64_t)w->listed);
    log_write(&l);
}

void watch_fault(struct watch *w, enum log_level level, const char *error, uint64_t wait_ms) {
    pthread_mutex_lock(&w->lock);
    w->status.failures++;
    (void)snprintf(w->status.last_error, sizeof w->status.last_error, "%.239s", error);
    pthread_mutex_unlock(&w->lock);
    struct log_line l = log_new(level, "watch interrupted");
    log_str(&l, "watch", w->options.name);
    log_str(&l, "error", error);
    log_num(&l, "retry_ms", (int64_t)wait_ms);
    log_write(&l);
}

void watch_bad_object(struct watch *w, struct span object, const struct err *bad) {
    char name[520];
    char text[ERR_PATH_MAX + ERR_MSG_MAX + 4];
    int64_t now = clock_mono_us();
    if (now - w->bad_since_us > INT64_C(60000000)) {
        w->bad_since_us = now;
        w->bad_lines = 0;
    }
    /* A thousand broken objects are one piece of news. */
    if (w->bad_lines++ >= WATCH_BAD_LINES) {
        return;
    }
    watch_object_name(object, name, sizeof name);
    (void)snprintf(text, sizeof text, "%s%s%s", bad->path, bad->path[0] ? ": " : "", bad->msg);
    struct log_line l = log_new(LOG_WARN, "object cannot be read and is passed over");
    log_str(&l, "watch", w->options.name);
    log_str(&l, "object", name);
    log_str(&l, "error", text);
    log_bool(&l, "more_is_not_logged", w->bad_lines == WATCH_BAD_LINES);
    log_write(&l);
}

void watch_status(struct watch *w, struct watch_status *out) {
    pthread_mutex_lock(&w->lock);
    *out = w->status;
    pthread_mutex_unlock(&w->lock);
}

/* ---- the thread ---- */

uint64_t watch_random(void) {
    uint64_t v = 0;
    if (getrandom(&v, sizeof v, GRND_NONBLOCK) != (ssize_t)sizeof v) {
        v = (uint64_t)clock_mono_us() * UINT64_C(0x9E3779B97F4A7C15);
    }
    return v;
}

/* false: the watch is to end. */
static bool sleep_for(struct watch *w, uint64_t ms) {
    int64_t until = clock_mono_us() + (int64_t)ms * 1000;
    struct timespec t = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
    pthread_mutex_lock(&w->lock);
    while (!w->stop && ms && pthread_cond_timedwait(&w->wake, &w->lock, &t) != ETIMEDOUT) {
    }
    pthread_mutex_unlock(&w->lock);
    return !w->stop;
}

static void *run(void *arg) {
    struct watch *w = arg;
    watchstate_init(&w->state, w->options.page ? w->options.page : WATCH_PAGE);
    struct watch_action a = watchstate_now(&w->state, watch_random());
    while (sleep_for(w, a.wait_ms)) {
        a = a.what == WATCH_DO_LIST ? watch_list(w, &a) : watch_stream(w, &a);
    }
    return NULL;
}

bool watch_start(struct kube_client *client, const struct watch_options *o,
                 const struct watch_sink *sink, struct watch **out, struct err *e) {
    struct watch *w = calloc(1, sizeof *w);
    if (!w) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    w->client = client;
    w->options = *o;
    w->sink = *sink;
    pthread_condattr_t monotonic;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    /* The thread takes the lock first: the sink is not called before *out is set. */
    pthread_mutex_lock(&w->lock);
    int bad = pthread_create(&w->thread, NULL, run, w);
    if (!bad) {
        *out = w;
    }
    pthread_mutex_unlock(&w->lock);
    if (bad) {
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        free(w);
        return err_set(e, ERR_IO, "watch %s: cannot start a thread", o->name);
    }
    return true;
}

void watch_stop(struct watch *w) {
    if (!w) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
