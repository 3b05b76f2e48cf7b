#include "webhook/kube/watch_inner.h"

#include <stdlib.h>

#include "webhook/sys/clock.h"

/* ---- what others may know ---- */

void watch_alive(struct watch *w) {
    pthread_mutex_lock(&w->pace.lock);
    bool was_bad = w->status.last_error[0] != '\0';
    w->status.alive_us = clock_mono_us();
    w->status.last_error[0] = '\0';
    pthread_mutex_unlock(&w->pace.lock);
    if (was_bad) {
        struct log_line l = log_new(LOG_INFO, "watch goes on");
        log_str(&l, "watch", w->options.name);
        log_write(&l);
    }
}

void watch_event_seen(struct watch *w) {
    pthread_mutex_lock(&w->pace.lock);
    w->status.events++;
    pthread_mutex_unlock(&w->pace.lock);
}

void watch_listed(struct watch *w) {
    pthread_mutex_lock(&w->pace.lock);
    bool first = !w->status.synced;
    w->status.synced = true;
    w->status.lists++;
    pthread_mutex_unlock(&w->pace.lock);
    struct log_line l = log_new(LOG_INFO, first ? "watch is in sync" : "watch listed again");
    log_str(&l, "watch", w->options.name);
    log_num(&l, "objects", (int64_t)w->listed);
    log_write(&l);
}

void watch_fault(struct watch *w, enum log_level level, const char *error, uint64_t wait_ms) {
    pthread_mutex_lock(&w->pace.lock);
    w->status.failures++;
    (void)snprintf(w->status.last_error, sizeof w->status.last_error, "%.239s", error);
    pthread_mutex_unlock(&w->pace.lock);
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
    pthread_mutex_lock(&w->pace.lock);
    *out = w->status;
    pthread_mutex_unlock(&w->pace.lock);
}

/* ---- the thread ---- */

static void *run(void *arg) {
    struct watch *w = arg;
    watchstate_init(&w->state, w->options.page ? w->options.page : WATCH_PAGE);
    struct watch_action a = watchstate_now(&w->state, pace_random());
    while (pace_wait(&w->pace, (int64_t)a.wait_ms * 1000)) {
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
    /* The sink may look at *out from its first call on. */
    struct watch *before = *out;
    *out = w;
    if (!pace_start(&w->pace, run, w, e)) {
        *out = before;
        free(w);
        return err_wrap(e, "watch %s: ", o->name);
    }
    return true;
}

void watch_stop(struct watch *w) {
    if (!w) {
        return;
    }
    pace_stop(&w->pace);
    free(w);
}
