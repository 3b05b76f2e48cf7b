/* What the leader writes to nodes: differences only, in order, and not twice. */
#include "tests/unit/live/nodes_kit.h"
#include "webhook/sys/log.h"

#define HEALTHY       "All NVLinks are up. Largest healthy set: 2 GPUs (0,1)."
#define DOWN          "GPUs 0-1: 0 of 12 lanes up. Largest healthy set: 2 GPUs (2,3)."
#define SHOWS_HEALTHY "labels n1 healthy 2\ncondition n1 False NVLinkHealthy: " HEALTHY "\n"
#define SHOWS_DOWN                                                                                 \
    "labels n1 degraded 2\ncondition n1 True NVLinkDown: " DOWN "\n"                               \
    "event n1 NVLinkDown!: GPUs 0-1: 12 lanes -> 0. TP groups keep off the pair, TP=1 may use "    \
    "it. Look: nvidia-smi nvlink --status -i 0\n"

static void a_link_goes_and_comes(void) {
    kit_begin();
    struct kit_node *n = kit_add("n1", "4xH100-NVL", 4);
    kit_add("cpu", NULL, 0);
    is_str(kit_round(1000), SHOWS_HEALTHY, "a healthy node is labelled; a node without GPUs not");
    char first[KIT_TEXT];
    memcpy(first, n->since, sizeof first);
    is_str(first, "2026-11-24T09:14:01Z", "since now");
    is_str(kit_round(1000), "", "and then left alone");
    is_str(kit_round(60000), "", "for good");
    n->machine = "4xH100-NVL down=0-1";
    kit_echo(n);
    is_str(kit_round(1000), SHOWS_DOWN, "a link goes: labels, condition, then the event");
    ok(strcmp(first, n->since) != 0, "the condition has turned: %s", n->since);
    memcpy(first, n->since, sizeof first);
    n->machine = "4xH100-NVL down=0-1,2-3";
    kit_echo(n);
    is_str(kit_round(3000),
           "labels n1 degraded 0\n"
           "condition n1 True NVLinkDown: GPUs 0-1, 2-3: 0 of 12 lanes up. No healthy set.\n"
           "event n1 NVLinkDown!: GPUs 2-3: 12 lanes -> 0. TP groups keep off the pair, TP=1 may "
           "use it. Look: nvidia-smi nvlink --status -i 2\n",
           "another one goes: only that is told");
    is_str(n->since, first, "the condition is what it was, since when it was");
    n->machine = "4xH100-NVL";
    kit_echo(n);
    is_str(kit_round(1000), SHOWS_HEALTHY "event n1 NVLinkUp: GPUs 0-1, 2-3: 0 lanes -> 12.\n",
           "all is repaired");
    n->machine = NULL;
    n->gpus = 0;
    kit_echo(n);
    is_str(kit_round(1000), "labels n1 - -\ncondition n1  : \n", "no GPUs any more: nothing shown");
    is_str(kit_round(11000), "", "and nothing to do");
    kit_end();
}

static void by_time_alone(void) {
    kit_begin();
    struct kit_node *n = kit_add("n1", "4xH100-NVL", 4);
    (void)snprintf(n->source, sizeof n->source, "nvml");
    n->seen = kit.now;
    kit_echo(n);
    is_str(kit_round(1000), SHOWS_HEALTHY, "reported just now");
    is_str(kit_round(590000), "", "still fresh");
    is_str(kit_round(20000),
           "labels n1 unknown -\n"
           "condition n1 Unknown TopologyStale: The last report of the GPU wiring is older than "
           "600 s: is the agent running?\n"
           "event n1 TopologyStale!: The last report of the GPU wiring is older than 600 s: is the "
           "agent running? TP groups keep off the node.\n",
           "nothing came for 600 s");
    is_str(kit_round(20000), "", "said once");
    n->seen = kit.now;
    kit_echo(n);
    is_str(kit_round(1000),
           SHOWS_HEALTHY "event n1 TopologyKnown: The report of the GPU wiring can be used again. "
                         "All NVLinks are up. Largest healthy set: 2 GPUs (0,1).\n",
           "the agent is back");
    n->machine = "!";
    kit_echo(n);
    const char *got = kit_round(1000);
    ok(strstr(got, "condition n1 Unknown TopologyInvalid: ") && strstr(got, "event n1 TopologyInv"),
       "a report that cannot be read: %s", got);
    kit_end();
}

static void beat(int64_t at) {
    struct err e = {0};
    const struct cluster_beat b = {.at = at};
    if (!cluster_put_heartbeat(kit.cluster, SPAN("n1"), &b, kit.now, &e)) {
        kit_bail("heartbeat", &e);
    }
}

/* The report is as old as its last change; the agent's heartbeat vouches for it. */
static void by_heartbeat(void) {
    kit_begin();
    struct kit_node *n = kit_add("n1", "4xH100-NVL", 4);
    (void)snprintf(n->source, sizeof n->source, "nvml");
    n->seen = kit.now;
    kit_echo(n);
    is_str(kit_round(1000), SHOWS_HEALTHY, "reported just now");
    for (unsigned i = 0; i < 10; i++) {
        (void)kit_round(150000);
        beat(kit.now);
    }
    is_str(kit_round(590000), "", "25 minutes on heartbeats alone, and none too many");
    ok(strstr(kit_round(20000), "TopologyStale") != NULL, "they stopped");
    is_str(kit_round(600000), "", "said once");
    beat(kit.now);
    is_str(kit_round(1000),
           SHOWS_HEALTHY "event n1 TopologyKnown: The report of the GPU wiring can be used again. "
                         "All NVLinks are up. Largest healthy set: 2 GPUs (0,1).\n",
           "one heartbeat, and it can be used again");
    cluster_drop_heartbeat(kit.cluster, SPAN("n1"));
    ok(strstr(kit_round(1000), "TopologyStale") != NULL, "its Lease was deleted");
    kit_end();
}

/* The cache does not show yet what was written. */
static void on_its_way(void) {
    kit_begin();
    struct kit_node *n = kit_add("n1", "4xH100-NVL", 4);
    kit.deaf = true;
    is_str(kit_round(1000), SHOWS_HEALTHY, "written");
    struct kit_node kept = *n;
    kit_add("other", NULL, 0); /* the generation changes */
    is_str(kit_round(1000), "", "and not again while it is on its way");
    kit_add("another", NULL, 0);
    is_str(kit_round(10000), SHOWS_HEALTHY, "again when it does not come at all, without event");
    n->machine = "4xH100-NVL down=0-1";
    n->nvlink[0] = n->set[0] = n->status[0] = '\0';
    kit_echo(n);
    is_str(kit_round(1000), SHOWS_DOWN, "a real change does not wait");
    /* Back before that came back: the cache seems to be right already, and is not. */
    *n = kept;
    kit_echo(n);
    is_str(kit_round(1000), SHOWS_HEALTHY "event n1 NVLinkUp: GPUs 0-1: 0 lanes -> 12.\n",
           "a change back is written over the one that is on its way");
    kit.deaf = false;
    is_str(kit_round(11000), "", "then all is as wanted");
    (void)snprintf(n->nvlink, sizeof n->nvlink, "somebody");
    kit_echo(n);
    is_str(kit_round(11000), "labels n1 healthy 2\n", "what others write there is put right");
    kit_end();
}

static void after_restart(void) {
    kit_begin();
    struct kit_node *n = kit_add("n1", "4xH100-NVL down=0-1", 4);
    is_str(kit_round(1000), SHOWS_DOWN, "first seen with a dead link");
    kit.term = 2;
    is_str(kit_round(1000), "", "another term: what is shown was told");
    n->machine = "4xH100-NVL down=2-3";
    kit_echo(n);
    is_str(kit_round(1000),
           "condition n1 True NVLinkDown: GPUs 2-3: 0 of 12 lanes up. Largest healthy set: 2 GPUs "
           "(0,1).\n"
           "event n1 NVLinkDown!: GPUs 2-3: 12 lanes -> 0. TP groups keep off the pair, TP=1 may "
           "use it. Look: nvidia-smi nvlink --status -i 2\n"
           "event n1 NVLinkUp: GPUs 0-1: 0 lanes -> 12.\n",
           "the memory is there again");
    kit.term = 3;
    n->machine = "4xH100-NVL";
    kit_echo(n);
    is_str(kit_round(1000), SHOWS_HEALTHY "event n1 NVLinkUp: " HEALTHY "\n",
           "repaired while nobody led");
    kit_end();
}

static void refusals(void) {
    kit_begin();
    struct kit_node *n = kit_add("n1", "4xH100-NVL down=0-1", 4);
    n->answer = 409;
    is_str(kit_round(1000), "409 n1\n", "the node is another one by now");
    ok(kit.done.failures == 0, "which is no failure");
    n->answer = 0;
    (void)snprintf(n->uid, sizeof n->uid, "uid-new");
    kit_echo(n);
    is_str(kit_round(11000), SHOWS_DOWN, "the new one is met as it is");
    struct kit_node *bad = kit_add("bad", "2xH100-NVL", 2);
    struct kit_node *good = kit_add("good", "2xH100-NVL", 2);
    bad->answer = 422;
    const char *got = kit_round(1000);
    ok(strstr(got, "422 bad\n") && strstr(got, "labels good healthy 2\n"),
       "one node's refusal is its own");
    is_str(kit_round(11000), "", "it waits");
    is_str(kit_round(21000), "422 bad\n", "and is tried again");
    bad->answer = 0;
    ok(strstr(kit_round(31000), "condition bad False") != NULL, "until it is taken");
    good->machine = "2xH100-NVL down=0-1";
    good->answer = 403;
    kit_echo(good);
    is_str(kit_round(1000), "403 good\n", "no right to it");
    is_str(kit_round(10000), "", "nothing is asked for a while");
    good->answer = 429;
    good->retry_after = 7;
    is_str(kit_round(25000), "429 good\n", "too many requests");
    is_str(kit_round(5000), "", "the time it asked for");
    good->answer = 0;
    got = kit_round(3000);
    ok(strstr(got, "condition good True") && strstr(got, "event good NVLinkDown!"),
       "and what waited is written and told");
    kit_end();
}

static void silence(void) {
    kit_begin();
    char name[16];
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "n%u", i);
        kit_add(name, "2xH100-NVL down=0-1", 2);
    }
    kit.silent = true;
    is_str(kit_round(1000), "", "no answer");
    is_int(kit.calls, 1, "one request finds out");
    is_str(kit_round(1000), "", "not asked at once again");
    is_int(kit.calls, 1, "at all");
    kit.silent = false;
    (void)kit_round(6000);
    (void)kit_round(1000);
    unsigned events = 0;
    for (unsigned i = 0; i < kit.n; i++) {
        events += strcmp(kit.node[i].status, "True") == 0;
    }
    is_int(events, 100, "then every node gets its turn");
    is_int(kit.calls, 201, "with two requests each");
    kit_end();
}

static void bounded(void) {
    kit_begin();
    char name[16];
    unsigned patches = 0;
    unsigned told = 0;
    unsigned most = 0;
    for (unsigned i = 0; i < KIT_NODES; i++) {
        (void)snprintf(name, sizeof name, "n%u", i);
        kit_add(name, "2xH100-NVL down=0-1", 2);
    }
    for (unsigned i = 0; i < 10; i++) {
        (void)kit_round(1000);
        patches += kit.done.patches;
        told += kit.done.events;
        most = kit.done.patches > most ? kit.done.patches : most;
    }
    ok(most <= NODES_PATCHES_MAX + 64, "at most %u patches a round", most);
    is_int(patches, 2 * KIT_NODES, "all of them in the end");
    is_int(told, KIT_NODES, "each told once");
    kit.budget = kit.calls + 5;
    for (unsigned i = 0; i < KIT_NODES; i++) {
        kit.node[i].machine = "2xH100-NVL";
        kit_echo(&kit.node[i]);
    }
    (void)kit_round(1000);
    ok(kit.done.patches <= 6, "nothing more once the lease is lost: %u", kit.done.patches);
    kit_end();
}

static void bodies(void) {
    kit_begin();
    struct kit_node *n = kit_add("n1", NULL, 4);
    is_str(kit_round(1000),
           "labels n1 unknown -\n"
           "condition n1 Unknown TopologyUnknown: Nobody has reported the wiring of these GPUs: "
           "run the agent, or annotate the node with what `nvidia-smi topo -m` prints.\n",
           "GPUs that nobody described are no news");
    n->machine = "4xL40S";
    kit_echo(n);
    is_str(kit_round(1000),
           "labels n1 none 0\ncondition n1 False NoNVLink: These GPUs have no NVLink.\n",
           "no NVLink at all");
    kit_end();
}

/* Without a scheduler of ours nodes show what is free, and nothing else is written for it. */
static void occupancy(void) {
    kit_begin_with("");
    struct kit_node *n = kit_add("n1", "4xH100-NVL", 4);
    is_str(kit_round(1000),
           "labels n1 healthy 2 free 2 stranded 0\ncondition n1 False NVLinkHealthy: " HEALTHY "\n",
           "a pair is free");
    kit_bind("first", n, 2, "0,1");
    is_str(kit_round(1000), "", "one of two is taken: a pair is free as before");
    kit_bind("second", n, 2, "2,3");
    is_str(kit_round(1000), "labels n1 healthy 2 free 0 stranded 0\n", "none is free");
    is_str(kit_round(60000), "", "said once");
    cluster_drop_pod(kit.cluster, SPAN("llm"), SPAN("first"));
    is_str(kit_round(1000), "labels n1 healthy 2 free 2 stranded 0\n", "one is free again");
    kit.deaf = true;
    kit_bind("third", n, 2, "0,1");
    is_str(kit_round(1000), "labels n1 healthy 2 free 0 stranded 0\n", "and taken");
    cluster_drop_pod(kit.cluster, SPAN("llm"), SPAN("third"));
    ok(strstr(kit_round(1000), "labels n1 healthy 2 free 2 stranded 0\n") != NULL,
       "a change back is written over the one that is on its way");
    kit.deaf = false;
    is_str(kit_round(11000), "", "then all is as wanted");
    n->machine = "4xH100-NVL down=0-1";
    kit_echo(n);
    ok(strstr(kit_round(1000), "labels n1 degraded 2 free 0 stranded 2\n") != NULL,
       "0 and 1 without their bridge are stranded");
    kit_bind("replica", n, 1, "0");
    is_str(kit_round(1000), "labels n1 degraded 2 free 0 stranded 1\n", "one is taken");
    kit_end();
}

/* The cluster has got a scheduler of ours, or the GPUs are gone: the two labels go. */
static void occupancy_no_more(void) {
    kit_begin();
    struct kit_node *n = kit_add("n1", "4xH100-NVL", 4);
    (void)snprintf(n->free, sizeof n->free, "2");
    (void)snprintf(n->stranded, sizeof n->stranded, "0");
    kit_echo(n);
    is_str(kit_round(1000), SHOWS_HEALTHY, "with a scheduler of ours they are removed");
    ok(!n->free[0] && !n->stranded[0], "both");
    uint64_t calls = kit.calls;
    kit_bind("first", n, 2, "0,1");
    kit_bind("second", n, 2, "2,3");
    (void)kit_round(11000);
    ok(kit.calls == calls, "and a bind writes nothing");
    kit_end();
}

int main(void) {
    log_setup(LOG_ERROR, true);
    occupancy();
    occupancy_no_more();
    a_link_goes_and_comes();
    by_time_alone();
    by_heartbeat();
    on_its_way();
    after_restart();
    refusals();
    silence();
    bounded();
    bodies();
    return tap_done();
}
