#include "webhook/live/steward.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "webhook/live/narrate.h"
#include "webhook/live/nodes.h"
#include "webhook/sys/clock.h"

/* A change shows within seconds; a round in which nothing changed costs one comparison. */
#define ROUND_MS 1000

struct steward {
    struct live *live;
    struct leader *leader;
    struct events *events;
    pthread_t thread;
    pthread_mutex_t lock; /* of stop */
    pthread_cond_t wake;
    bool stop;
    struct nodes_memory *nodes;
    struct narrate *narrate;
};

static struct timespec soon(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = (int64_t)t.tv_nsec + (int64_t)ROUND_MS * 1000000;
    t.tv_sec += (time_t)(ns / 1000000000);
    t.tv_nsec = (long)(ns % 1000000000);
    return t;
}

/* false: it is time to end. */
static bool rest(struct steward *s) {
    struct timespec until = soon();
    pthread_mutex_lock(&s->lock);
    while (!s->stop && pthread_cond_timedwait(&s->wake, &s->lock, &until) != ETIMEDOUT) {
    }
    bool stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return !stop;
}

static void round_of(struct steward *s) {
    char why[400];
    if (!leader_is(s->leader) || !live_ready(s->live, why, sizeof why)) {
        return;
    }
    struct nodes_done done;
    struct narrate_round told;
    nodes_publish_once(s->live, s->leader, s->events, s->nodes, &done);
    narrate_once(s->narrate, clock_unix_s(), &told);
}

static void *run(void *arg) {
    struct steward *s = arg;
    while (rest(s)) {
        round_of(s);
    }
    return NULL;
}

static bool make_locks(struct steward *s) {
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0) {
        return false;
    }
    bool good = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&s->wake, &attr) == 0;
    pthread_condattr_destroy(&attr);
    if (good && pthread_mutex_init(&s->lock, NULL) != 0) {
        pthread_cond_destroy(&s->wake);
        good = false;
    }
    return good;
}

static void end(struct steward *s) {
    narrate_free(s->narrate);
    nodes_memory_free(s->nodes);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

bool steward_start(struct live *live, struct leader *leader, struct events *events,
                   struct steward **out, struct err *e) {
    struct steward *s = calloc(1, sizeof *s);
    if (!s || !make_locks(s)) {
        free(s);
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    s->live = live;
    s->leader = leader;
    s->events = events;
    s->nodes = nodes_memory_new();
    s->narrate = narrate_new(live_cluster(live), live_policy(live), events);
    if (!s->nodes || !s->narrate || pthread_create(&s->thread, NULL, run, s) != 0) {
        end(s);
        return err_set(e, ERR_INTERNAL, "no thread");
    }
    *out = s;
    return true;
}

void steward_stop(struct steward *s) {
    if (!s) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    end(s);
}
