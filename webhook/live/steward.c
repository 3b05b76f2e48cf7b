#include "webhook/live/steward.h"

#include <stdlib.h>

#include "webhook/live/landed.h"
#include "webhook/live/narrate.h"
#include "webhook/live/nodes.h"
#include "webhook/live/pace.h"
#include "webhook/sys/clock.h"

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
    bool led; /* in the last round */
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
        s->led = true;
    }
    nodes_publish_once(s->live, s->leader, s->events, s->nodes, &done);
    narrate_once(s->narrate, clock_unix_s(), &told);
    landed_once(s->landed, clock_unix_s(), &landed);
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
    narrate_free(s->narrate);
    nodes_memory_free(s->nodes);
    free(s);
}

bool steward_start(struct live *live, struct leader *leader, struct events *events, bool gate,
                   struct steward **out, struct err *e) {
    struct steward *s = calloc(1, sizeof *s);
    if (!s) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    s->live = live;
    s->leader = leader;
    s->events = events;
    s->nodes = nodes_memory_new();
    s->narrate = narrate_new(live_cluster(live), live_policy(live), events);
    s->landed = landed_new(live, events, gate);
    bool made = s->nodes && s->narrate && s->landed;
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
