/* Reservations: which of them still count, and what a Lease, or an API server, that is not as it
 * should be does to a bind. */
#include "tests/unit/live/bind_kit.h"

#include "webhook/core/ledger.h"
#include "webhook/live/reserve.h"

static struct kube_client api;
static struct live l;

static void begin(void) {
    api_new(&api);
    l = replica(&api);
}
static void end(void) {
    cluster_free(l.cluster);
    api_free(&api);
}

static const struct kit_pod old = {.name = "old", .uid = "u-old", .gpus = 2, .tp = 2};
static const struct kit_pod fresh = {.name = "new", .uid = "u-new", .gpus = 2, .tp = 2};
static const struct kit_pod third = {.name = "third", .uid = "u-third", .gpus = 2, .tp = 2};

static struct kit_pod with(struct kit_pod p, const char *node, const char *phase) {
    p.node = node;
    p.phase = phase;
    return p;
}

/* What the new pod is told on n1, where the old one has 0,1 reserved since age seconds. */
static struct outcome beside(const struct kit_pod *known, int age) {
    if (known) {
        api_pod(&api, known);
    }
    reserve_one(&api, "n1", &old, "0,1", age);
    seen(l.cluster, &fresh);
    return bind_to(&l, &fresh, "n1");
}

static void row(const struct kit_pod *known, int age, const char *want, const char *what) {
    begin();
    struct outcome o = beside(known, age);
    is_str(said(&o), want, what);
    end();
}

static void test_which_count(void) {
    const struct kit_pod there = with(old, "n1", "Pending");
    const struct kit_pod runs = with(old, "n1", "Running");
    const struct kit_pod elsewhere = with(old, "n2", "Running");
    const struct kit_pod ended = with(old, "n1", "Succeeded");
    const struct kit_pod failed = with(old, "n1", "Failed");
    struct kit_pod other = old;
    other.uid = "u-other";
    row(&old, 0, "2,3", "a pod without a node, reserved just now: it is on its way");
    row(&old, LEDGER_FLIGHT_S, "2,3", "also after as long as a bind may take");
    row(&old, LEDGER_FLIGHT_S + 1, "0,1", "later its bind came to nothing");
    row(&old, -20, "2,3", "from a clock that is ahead: it counts");
    row(&there, LEDGER_FLIGHT_S + 1, "2,3", "one that is on the node counts however long ago");
    row(&runs, LEDGER_TTL_S, "2,3", "until its time is over");
    row(&runs, LEDGER_TTL_S + 1, "0,1", "and then not: every cache has it, or it came to nothing");
    row(&runs, -LEDGER_TTL_S - 1, "0,1", "nor does one of a far future");
    row(&elsewhere, 1, "0,1", "one that is on another node");
    row(&ended, 1, "0,1", "one that has ended");
    row(&failed, 1, "0,1", "one that has failed");
    row(&other, 1, "0,1", "one whose name another pod has by now");
    row(NULL, 1, "0,1", "one that was deleted");
}

static void test_cache_knows(void) {
    struct kit_pod here = with(old, "n1", "Running");
    here.more = "\"annotations\":{\"tpguard.io/gpus\":\"0,1\"},";
    begin();
    seen(l.cluster, &here);
    struct outcome o = beside(&here, 1);
    is_int(api.pod_reads, 0, "a pod that the cache has on a node is not asked for");
    is_str(said(&o), "2,3", "it is counted there");
    ok(strstr(reserved(&api, "n1"), "u-old") != NULL, "its reservation stays in the Lease");
    end();

    begin();
    seen(l.cluster, &old);
    o = beside(&old, 1);
    is_str(said(&o), "2,3", "one that waits as far as the cache knows is asked for and counts");
    is_int(api.pod_reads, 1, "by one question");
    end();

    begin();
    struct kit_pod younger = old;
    younger.uid = "u-younger";
    seen(l.cluster, &younger);
    o = beside(&younger, 1);
    is_str(said(&o), "0,1", "one whose name a younger pod has does not count");
    end();
}

/* A StatefulSet's pod is deleted and comes again under its name: a cache that is behind still has
 * the older one, on whatever node. */
static void test_cache_is_behind(void) {
    struct kit_pod before = with(old, "n2", "Running");
    before.uid = "u-before";
    begin();
    seen(l.cluster, &before);
    struct outcome o = beside(&old, 1);
    is_str(said(&o), "2,3", "the cache still has an older one of that name on another node");
    end();
    before = with(old, NULL, "Pending");
    before.uid = "u-before";
    begin();
    seen(l.cluster, &before);
    o = beside(&old, 1);
    is_str(said(&o), "2,3", "or an older one that waits");
    end();
}

static void test_same_pod(void) {
    begin();
    api_pod(&api, &fresh);
    seen(l.cluster, &fresh);
    reserve_one(&api, "n1", &fresh, "2,3", 40);
    struct outcome o = bind_to(&l, &fresh, "n1");
    is_str(said(&o), "0,1", "a pod does not stand in its own way");
    ok(strstr(reserved(&api, "n1"), "2,3") == NULL, "and has one reservation, the last");
    o = bind_to(&l, &fresh, "n2");
    is_str(said(&o), "0,1", "at another node it starts anew");
    end();
}

static void test_expired_go(void) {
    begin();
    reserve_one(&api, "n1", &old, "0,1", LEDGER_TTL_S + 1);
    seen(l.cluster, &fresh);
    (void)bind_to(&l, &fresh, "n1");
    ok(strstr(reserved(&api, "n1"), "u-old") == NULL, "what is over is written no more");
    end();
}

/* ---- what is not as it should be ---- */

static void put_many(unsigned n, int age) {
    struct buf b = buf_new(API_TEXT);
    buf_str(&b, "{\"version\":1,\"pods\":[");
    for (unsigned i = 0; i < n; i++) {
        buf_fmt(&b,
                "%s{\"namespace\":\"llm\",\"name\":\"m%u\",\"uid\":\"u-m%u\",\"gpus\":0,"
                "\"set\":\"\",\"at\":%d}",
                i ? "," : "", i, i, NOW - age);
    }
    buf_str(&b, "]}");
    reserve_text(&api, "n1", buf_cstr(&b));
    buf_done(&b);
}

static void test_full(void) {
    begin();
    seen(l.cluster, &fresh);
    put_many(LEDGER_MAX, 1);
    struct outcome o = bind_to(&l, &fresh, "n1");
    ok(!o.told && o.e.code == ERR_TOO_LARGE, "a full ledger: %s", said(&o));
    ok(api.pod_reads <= 16, "the API server is asked for few of the pods in it (%u)",
       api.pod_reads);
    is_int(api.writes, 0, "and nothing is written");
    put_many(LEDGER_MAX, LEDGER_TTL_S + 1);
    o = bind_to(&l, &fresh, "n1");
    is_str(said(&o), "0,1", "one full of what is over is empty");
    put_many(LEDGER_MAX + 1, 1);
    o = bind_to(&l, &fresh, "n1");
    ok(!o.told && strstr(o.e.msg, "reserved.n1"), "one that is too long: %s", said(&o));
    end();
}

static void test_garbage(void) {
    static const char *const texts[] = {
        "no JSON",
        "[]",
        "{\"version\":2,\"pods\":[]}",
        "{\"version\":0,\"pods\":[]}",
        "{\"pods\":[]}",
        "{\"version\":1,\"pods\":[7]}",
        "{\"version\":1,\"pods\":[{\"namespace\":\"llm\",\"name\":\"x\",\"at\":1}]}",
        "{\"version\":1,\"pods\":[{\"namespace\":\"l\",\"name\":\"x\",\"uid\":\"u\",\"at\":-1}]}",
    };
    begin();
    seen(l.cluster, &fresh);
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        reserve_text(&api, "n1", texts[i]);
        struct outcome o = bind_to(&l, &fresh, "n1");
        ok(!o.told && o.e.code == ERR_UNKNOWN &&
               strstr(o.e.msg, "Lease tpguard-system/reserved.n1 cannot be read, delete it"),
           "what is no ledger is an error that names its Lease: %s", said(&o));
        ok(i == 0 || strstr(o.e.path, ANN_RESERVATIONS), "and the place in it: %s", o.e.path);
    }
    reserve_text(&api, "n1", "");
    struct outcome o = bind_to(&l, &fresh, "n1");
    is_str(said(&o), "0,1", "an empty one is no ledger yet");
    api.raw = "{\"metadata\":{}}";
    o = bind_to(&l, &fresh, "n1");
    ok(!o.told && strstr(o.e.path, "metadata.resourceVersion"), "a Lease without a version: %s",
       o.e.path);
    api.raw = "<html>";
    o = bind_to(&l, &fresh, "n1");
    ok(!o.told, "what is no Lease at all: %s", said(&o));
    api.raw = NULL;
    is_int(api.writes, 1, "nothing was written over any of it");
    end();
}

static void test_api_server(void) {
    begin();
    seen(l.cluster, &fresh);
    api.down = true;
    struct outcome o = bind_to(&l, &fresh, "n1");
    ok(!o.told && o.e.code == ERR_IO, "no API server, no verdict: %s", said(&o));
    o = bind_to(&l, &old, "n1");
    ok(!o.told && o.e.code == ERR_IO, "nor about a pod that has to be asked for: %s", said(&o));
    api.down = false;
    static const unsigned status[] = {500, 403, 429, 503};
    for (unsigned i = 0; i < sizeof status / sizeof status[0]; i++) {
        api.refuse = status[i];
        o = bind_to(&l, &fresh, "n1");
        ok(!o.told && o.e.code == ERR_IO && strstr(o.e.msg, "GET Lease tpguard-system/reserved.n1"),
           "%u: %s", status[i], said(&o));
        o = bind_to(&l, &old, "n1");
        ok(!o.told && o.e.code == ERR_IO, "%u: %s", status[i], said(&o));
        api.refuse = 0;
        api.refuse_writes = status[i];
        o = bind_to(&l, &fresh, "n1");
        ok(!o.told && o.e.code == ERR_IO && strstr(o.e.msg, "POST Lease"), "%u: %s", status[i],
           said(&o));
        api.refuse_writes = 0;
    }
    o = bind_to(&l, &fresh, "n1");
    is_str(said(&o), "0,1", "and when it is back, a verdict");
    o = bind_to(&l, &third, "n1");
    is_str(said(&o), "passed", "a pod that is not there is the API server's matter");
    end();
}

static void test_asked_in_vain(void) {
    begin();
    reserve_one(&api, "n1", &old, "0,1", 1);
    api_put(&api, "/api/v1/namespaces/llm/pods/old", SPAN("{\"metadata\":[]}"));
    seen(l.cluster, &fresh);
    struct outcome o = bind_to(&l, &fresh, "n1");
    ok(!o.told && o.e.code == ERR_UNKNOWN && strstr(o.e.msg, "a pod with a reservation: "),
       "a pod with a reservation that cannot be read: %s", said(&o));
    end();
}

/* ---- the object's name ---- */

static void test_names(void) {
    AUTO(arena_done) struct arena a = arena_new(API_TEXT);
    struct reserve *r = ARENA_NEW(&a, struct reserve, 1);
    struct reserve *other = ARENA_NEW(&a, struct reserve, 1);
    struct err e = {0};
    char node[300];
    begin();
    ok(reserve_read(&l, SPAN("gpu-a.example"), &a, r, &e), "a node without reservations");
    is_str(r->name, "reserved.gpu-a.example", "its Lease has its name");
    is_int(r->ledger.n, 0, "and nothing in it");
    memset(node, 'n', sizeof node);
    ok(reserve_read(&l, (struct span){node, 244}, &a, r, &e), "a node of 244 characters");
    is_int(strlen(r->name), 253, "fits into a name");
    ok(reserve_read(&l, (struct span){node, 253}, &a, r, &e), "one of 253 characters");
    is_int(strlen(r->name), 253, "is cut");
    node[252] = 'm';
    ok(reserve_read(&l, (struct span){node, 253}, &a, other, &e),
       "another that differs at its end");
    ok(strcmp(r->name, other->name) != 0, "has another Lease");
    node[252] = 'n';
    ok(!reserve_read(&l, (struct span){node, 254}, &a, other, &e) && e.code == ERR_INPUT,
       "no node has 254");
    ok(!reserve_read(&l, SPAN(""), &a, other, &e), "nor none");
    end();
}

int main(void) {
    test_which_count();
    test_cache_knows();
    test_cache_is_behind();
    test_same_pod();
    test_expired_go();
    test_full();
    test_garbage();
    test_api_server();
    test_asked_in_vain();
    test_names();
    return tap_done();
}
