#include "webhook/live/steward.h"

#include <stdlib.h>

#include "webhook/live/evict.h"
#include "webhook/live/landed.h"
#include "webhook/live/narrate.h"
#include "webhook/live/nodes.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/pace.h"

/* A change shows within seconds; a round in which nothing changed costs one comparison. */
#define ROUND_US 1000000

struct steward {
    struct live *live;
    struct leader *leader;
    struct events *events;
    struct pace pace;
    struct nodes_memory *nodes;
    struct narrate *narrate;
    struct landed_watch *landed;
    struct evict *evict; /* NULL: nobody is moved */
    bool led;            /* in the last round */
};

static void round_of(struct steward *s) {
    char why[400];
    struct nodes_done done;
    struct narrate_round told;
    struct landed_round landed;
    if (!leader_is(s->leader) || !live_ready(s->live, why, sizeof why)) {
        s->led = false;
        return;
    }
    if (!s->led) {
        landed_forget(s->landed);
        evict_forget(s->evict);
        s->led = true;
    }
    nodes_publish_once(s->live, s->leader, s->events, s->nodes, &done);
    narrate_once(s->narrate, clock_unix_s(), &told);
    landed_once(s->landed, clock_unix_s(), &landed);
    (void)evict_once(s->evict, clock_unix_s()); /* it logs, and tells the pod */
}

static void *run(void *arg) {
    struct steward *s = arg;
    while (pace_wait(&s->pace, ROUND_US)) {
        round_of(s);
    }
    return NULL;
}

static void end(struct steward *s) {
    landed_free(s->landed);
    evict_free(s->evict);
    narrate_free(s->narrate);
    nodes_memory_free(s->nodes);
    free(s);
}

static bool make(struct steward *s, const struct steward_options *o) {
    s->nodes = nodes_memory_new();
    s->narrate = narrate_new(live_cluster(o->live), live_policy(o->live), o->events);
    s->evict = o->evict ? evict_new(o->live, o->events, o->evict_after_s) : NULL;
    const struct landed_options landed = {
        .live = o->live, .events = o->events, .evict = s->evict, .gate = o->gate};
    s->landed = landed_new(&landed);
    return s->nodes && s->narrate && s->landed && (s->evict || !o->evict);
}

bool steward_start(const struct steward_options *o, struct steward **out, struct err *e) {
    struct steward *s = calloc(1, sizeof *s);
    if (!s) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    s->live = o->live;
    s->leader = o->leader;
    s->events = o->events;
    bool made = make(s, o);
    if (!made || !pace_start(&s->pace, run, s, e)) {
        end(s);
        return made ? false : err_set(e, ERR_INTERNAL, "no memory");
    }
    *out = s;
    return true;
}

void steward_stop(struct steward *s) {
    if (!s) {
        return;
    }
    pace_stop(&s->pace);
    end(s);
}
