/* Two replicas at one node: what happens between reading the reservations and writing them, and
 * which reservations still count. The second replica is the same code with turns of its own. */
#include "webhook/live/bind.h"

NODISCARD bool bind_gate_twin(const struct bind_ask *ask, struct bind_answer *out, struct err *e);
#define bind_gate bind_gate_twin
#include "webhook/live/bind.c" /* NOLINT(bugprone-suspicious-include) */
#undef bind_gate
NODISCARD bool bind_gate(const struct bind_ask *ask, struct bind_answer *out, struct err *e);

#include "tests/unit/live/node_kit.h"

static struct kube_client api;
static struct live here;
static struct live there; /* the other replica */

static void begin(void) {
    api_new(&api);
    here = replica(&api);
    there = replica(&api);
}
static void end(void) {
    cluster_free(here.cluster);
    cluster_free(there.cluster);
    api_free(&api);
}

static const struct kit_pod a2 = {.name = "a", .uid = "u-a", .gpus = 2, .tp = 2};
static const struct kit_pod b2 = {.name = "b", .uid = "u-b", .gpus = 2, .tp = 2};
static const struct kit_pod c2 = {.name = "c", .uid = "u-c", .gpus = 2, .tp = 2};

static void everywhere(const struct kit_pod *p) {
    api_pod(&api, p);
    seen(here.cluster, p);
    seen(there.cluster, p);
}

/* ---- between reading and writing ---- */

static struct outcome meanwhile;
static void bind_b(struct kube_client *c) {
    (void)c;
    meanwhile = bind_at(bind_gate_twin, &there, &b2, "n1", false);
}

static void test_lost_round(void) {
    begin();
    everywhere(&a2);
    everywhere(&b2);
    api.before_write = bind_b;
    struct outcome o = bind_to(&here, &a2, "n1");
    is_str(said(&meanwhile), "0,1", "the faster one gets the set");
    is_str(said(&o), "2,3", "the slower one decides again and gets another");
    is_int(o.a.tries, 2, "in its second round");
    is_int(api.writes, 3, "one write found that somebody was faster");
    end();

    begin();
    everywhere(&a2);
    everywhere(&b2);
    reserve_text(&api, "n1", "{\"version\":1,\"pods\":[]}");
    api.before_write = bind_b;
    o = bind_to(&here, &a2, "n1");
    is_str(said(&o), "2,3", "the same where the Lease was there already");
    end();
}

static void fill(struct kube_client *c) {
    (void)c;
    meanwhile = bind_at(bind_gate_twin, &there, &b2, "n1", false);
    struct outcome more = bind_at(bind_gate_twin, &there, &c2, "n1", false);
    ok(more.told && more.a.allowed, "meanwhile both sets go");
}

static void test_lost_for_good(void) {
    begin();
    everywhere(&a2);
    everywhere(&b2);
    everywhere(&c2);
    api.before_write = fill;
    struct outcome o = bind_to(&here, &a2, "n1");
    is_str(said(&o), "no NVLinkSetBusy", "the slower one is refused");
    is_str(o.a.set, "", "nothing is left in the answer of the set that it nearly had");
    is_str(o.a.uuids, "", "nor of its GPUs");
    end();

    begin();
    struct kit_pod warned = a2;
    warned.ns = "warn";
    everywhere(&warned);
    everywhere(&b2);
    everywhere(&c2);
    api.before_write = fill;
    o = bind_to(&here, &warned, "n1");
    is_str(said(&o), "any", "in a namespace that warns it goes through without a set");
    is_str(o.a.uuids, "", "and without the GPUs that others hold by now");
    ok(!o.a.view.known, "and without a word of them in an Event");
    end();
}

static void forget_lease(struct kube_client *c) {
    char path[700];
    snprintf(path, sizeof path, API_LEASES "/reserved.n1");
    api_find(c, path)->path[0] = 'x';
}
static void again(struct kube_client *c) {
    char text[256];
    snprintf(text, sizeof text, "{\"version\":1,\"pods\":[]}");
    reserve_text(c, "n1", text);
    c->before_write = again;
}

static void test_lease_moves(void) {
    begin();
    everywhere(&a2);
    reserve_text(&api, "n1", "");
    api.before_write = forget_lease;
    struct outcome o = bind_to(&here, &a2, "n1");
    is_str(said(&o), "0,1", "a Lease that is deleted meanwhile is made anew");
    is_int(o.a.tries, 2, "in a second round");
    end();
    begin();
    everywhere(&a2);
    api.before_write = again;
    o = bind_to(&here, &a2, "n1");
    ok(!o.told && o.e.code == ERR_UNKNOWN, "who loses every round says so: %s", said(&o));
    is_int(api.writes, 12, "after a fixed number of them");
    end();
}

/* ---- clocks that differ ---- */

static void test_clocks(void) {
    static const int64_t ahead[] = {LEDGER_FLIGHT_S + 30, LEDGER_TTL_S + 30, -LEDGER_TTL_S - 30};
    for (unsigned i = 0; i < sizeof ahead / sizeof ahead[0]; i++) {
        const struct bind_ask odd = {.node = SPAN("n1"), .now = NOW + ahead[i]};
        begin();
        api.date = NOW + 7;
        everywhere(&a2);
        everywhere(&b2);
        struct outcome o = bind_to(&here, &a2, "n1");
        is_str(said(&o), "0,1", "a set is reserved");
        o = bind_ask_of(bind_gate_twin, &there, &b2, odd);
        is_str(said(&o), "2,3", "a replica whose clock is far off sees it all the same");
        ok(strstr(reserved(&api, "n1"), "\"at\":1795000007}]}") != NULL,
           "and writes the API server's time");
        end();
    }
}

/* ---- an API server that is slow ---- */

static int64_t soon;
static void *run_late(void *arg) {
    (void)arg;
    meanwhile = bind_before(bind_gate, &here, &b2, "n1", soon);
    return NULL;
}
/* Inside somebody's turn: another bind to the node, of the same replica. */
static void bind_late(struct kube_client *c) {
    pthread_t thread;
    (void)c;
    if (pthread_create(&thread, NULL, run_late, NULL) != 0) {
        abort();
    }
    pthread_join(thread, NULL);
}
static void again_slowly(struct kube_client *c) {
    again(c);
    c->before_write = again_slowly;
    c->slow_us = 60000;
}

static void test_out_of_time(void) {
    begin();
    everywhere(&a2);
    everywhere(&b2);
    api.before_write = bind_late;
    soon = clock_mono_us() + 200000;
    struct outcome o = bind_to(&here, &a2, "n1");
    ok(!meanwhile.told && meanwhile.e.code == ERR_UNKNOWN,
       "who waits too long for its turn says so: %s", said(&meanwhile));
    is_str(said(&o), "0,1", "the one whose turn it is goes on");
    end();

    begin();
    everywhere(&a2);
    api.before_write = again_slowly;
    o = bind_before(bind_gate, &here, &a2, "n1", clock_mono_us() + 100000);
    ok(!o.told && o.e.code == ERR_UNKNOWN, "who loses rounds for too long: %s", said(&o));
    ok(api.writes < 12, "does not go on to the last (%u)", api.writes);
    end();

    begin();
    everywhere(&a2);
    api_pod(&api, &b2);
    reserve_one(&api, "n1", &b2, "0,1", 1);
    o = bind_before(bind_gate, &here, &a2, "n1", clock_mono_us());
    ok(!o.told && o.e.code == ERR_UNKNOWN, "nobody is asked for when it is too late: %s", said(&o));
    is_int(api.pod_reads, 0, "not one");
    end();
}

/* ---- many at once ---- */

#define BINDS 32
struct job {
    pthread_t thread;
    struct kit_pod pod;
    char name[16], uid[16];
    const char *node;
    bool twin;
    struct outcome o;
};

static void *run(void *arg) {
    struct job *j = arg;
    j->o = bind_at(j->twin ? bind_gate_twin : bind_gate, j->twin ? &there : &here, &j->pod, j->node,
                   false);
    return NULL;
}

static unsigned clashes(const struct job *job) {
    unsigned n = 0;
    for (unsigned i = 0; i < BINDS; i++) {
        for (unsigned k = 0; k < i; k++) {
            const struct outcome *a = &job[i].o;
            const struct outcome *b = &job[k].o;
            n += a->told && b->told && a->a.allowed && b->a.allowed && job[i].node == job[k].node &&
                 strcmp(a->a.set, b->a.set) == 0;
        }
    }
    return n;
}

/* Eight sets of two GPUs on two nodes, 32 pods, half of them at each replica. */
static void test_storm(void) {
    static struct job job[BINDS];
    unsigned won = 0;
    unsigned refused = 0;
    unsigned untold = 0;
    unsigned rounds = 0;
    begin();
    api.slow_us = 500;
    seen_node(here.cluster, &(struct kit_node){.name = "n8", .machine = "8xH100-NVL"});
    seen_node(there.cluster, &(struct kit_node){.name = "n8", .machine = "8xH100-NVL"});
    seen_node(here.cluster, &(struct kit_node){.name = "m8", .machine = "8xH100-NVL"});
    seen_node(there.cluster, &(struct kit_node){.name = "m8", .machine = "8xH100-NVL"});
    for (unsigned i = 0; i < BINDS; i++) {
        struct job *j = &job[i];
        snprintf(j->name, sizeof j->name, "p%u", i);
        snprintf(j->uid, sizeof j->uid, "u-p%u", i);
        j->pod = (struct kit_pod){.name = j->name, .uid = j->uid, .gpus = 2, .tp = 2};
        j->node = i % 2 ? "n8" : "m8";
        j->twin = i / 2 % 2;
        api_pod(&api, &j->pod);
    }
    for (unsigned i = 0; i < BINDS; i++) {
        if (pthread_create(&job[i].thread, NULL, run, &job[i]) != 0) {
            abort();
        }
    }
    for (unsigned i = 0; i < BINDS; i++) {
        pthread_join(job[i].thread, NULL);
        won += job[i].o.told && job[i].o.a.allowed;
        refused += job[i].o.told && !job[i].o.a.allowed;
        untold += !job[i].o.told;
        rounds += job[i].o.a.tries;
    }
    is_int(won, 8, "of 32 binds at two replicas, as many win as there are sets");
    is_int(refused, BINDS - 8, "the others are refused");
    is_int(untold, 0, "and none is left without an answer");
    is_int(clashes(job), 0, "no set was given twice");
    ok(rounds >= BINDS, "in %u rounds", rounds);
    end();
}

int main(void) {
    test_lost_round();
    test_lost_for_good();
    test_lease_moves();
    test_clocks();
    test_out_of_time();
    test_storm();
    return tap_done();
}
