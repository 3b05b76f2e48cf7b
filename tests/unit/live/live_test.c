/* List and watch into the cache: when it is ready, why it is not, what comes and what goes. The API
 * server is four lists and four queues of watch lines in memory. */
#include "webhook/live/live.h"

#include <pthread.h>
#include <time.h>

#include "tests/unit/cluster/fixture.h"

#define KINDS     4
#define LINES_MAX 16

struct resource {
    const char *path;
    unsigned status;  /* 0: no answer yet, callers wait */
    struct buf items; /* of the list */
    const char *message;
    struct buf line[LINES_MAX];
    unsigned n, sent;
    unsigned lists;
};
struct kube_client {
    pthread_mutex_t lock;
    struct resource resource[KINDS];
};
enum { NODES, PODS, NAMESPACES, AGENTS };

static void rest(void) {
    const struct timespec t = {.tv_nsec = 2000000};
    nanosleep(&t, NULL);
}

/* ---- what the code under test sees ---- */

void kube_escape(struct span s, struct buf *out) {
    buf_span(out, s);
}

static struct resource *of(struct kube_client *c, const char *path) {
    for (unsigned i = 0; i < KINDS; i++) {
        size_t n = strlen(c->resource[i].path);
        if (strncmp(c->resource[i].path, path, n) == 0 && path[n] == '?') {
            return &c->resource[i];
        }
    }
    abort();
}

bool kube_call(struct kube_client *c, const struct kube_request *r, struct kube_response *out,
               struct err *e) {
    struct kube_response got = {.body = buf_new((size_t)1024 * 1024)};
    while (!*r->stop && got.status == 0) {
        pthread_mutex_lock(&c->lock);
        struct resource *from = of(c, r->path);
        got.status = from->status;
        if (got.status == 200) {
            from->lists++;
            buf_fmt(&got.body, "{\"metadata\":{\"resourceVersion\":\"%u\"},\"items\":[%s]}",
                    from->lists, buf_cstr(&from->items));
        } else if (got.status) {
            snprintf(got.message, sizeof got.message, "%s", from->message);
        }
        pthread_mutex_unlock(&c->lock);
        rest();
    }
    if (got.status == 0) {
        buf_done(&got.body);
        return err_set(e, ERR_IO, "stopped");
    }
    *out = got;
    return true;
}

bool kube_stream(struct kube_client *c, const struct kube_stream *s, struct kube_response *out,
                 struct err *e) {
    bool going = true;
    (void)e;
    *out = (struct kube_response){.status = 200};
    s->open(s->ctx);
    while (going && !*s->stop) {
        struct buf line = buf_new(65536);
        pthread_mutex_lock(&c->lock);
        struct resource *from = of(c, s->path);
        if (from->sent < from->n) {
            buf_span(&line, buf_view(&from->line[from->sent++]));
        }
        pthread_mutex_unlock(&c->lock);
        going = !line.n || s->line(s->ctx, buf_view(&line));
        buf_done(&line);
        rest();
    }
    return true;
}

/* ---- the world ---- */

static struct kube_client api;
static struct policy policy;
static struct cluster *cluster;
static struct live *live;
static char why[400];

static const char *object_node = "{\"metadata\":{\"name\":\"n1\"},\"status\":{\"allocatable\":"
                                 "{\"nvidia.com/gpu\":\"4\"}}}";

static void answers(unsigned kind, unsigned status, const char *items) {
    pthread_mutex_lock(&api.lock);
    api.resource[kind].status = status;
    buf_reset(&api.resource[kind].items);
    buf_str(&api.resource[kind].items, items);
    pthread_mutex_unlock(&api.lock);
}
static void tells(unsigned kind, const char *type, const char *object) {
    pthread_mutex_lock(&api.lock);
    struct resource *r = &api.resource[kind];
    if (r->n == LINES_MAX) {
        abort();
    }
    r->line[r->n] = buf_new(65536);
    buf_fmt(&r->line[r->n++], "{\"type\":\"%s\",\"object\":%s}", type, object);
    pthread_mutex_unlock(&api.lock);
}

static void begin(const char *namespace) {
    static const char *const paths[KINDS] = {
        "/api/v1/nodes", "/api/v1/pods", "/api/v1/namespaces",
        "/apis/coordination.k8s.io/v1/namespaces/tpguard-system/leases"};
    struct err e = {0};
    api = (struct kube_client){.lock = PTHREAD_MUTEX_INITIALIZER};
    for (unsigned i = 0; i < KINDS; i++) {
        api.resource[i].path = paths[i];
        api.resource[i].message = "no";
        api.resource[i].items = buf_new(65536);
    }
    if (!namespace) {
        api.resource[AGENTS].path = "/apis/coordination.k8s.io/v1/leases";
    }
    policy = policy_default();
    cluster = new_cluster(&policy);
    const struct live_options o = {
        .cluster = cluster, .client = &api, .policy = &policy, .namespace = namespace};
    if (!live_start(&o, &live, &e)) {
        bail("live", &e);
    }
}
static void end(void) {
    live_stop(live);
    cluster_free(cluster);
    for (unsigned i = 0; i < KINDS; i++) {
        buf_done(&api.resource[i].items);
        for (unsigned k = 0; k < api.resource[i].n; k++) {
            buf_done(&api.resource[i].line[k]);
        }
    }
    pthread_mutex_destroy(&api.lock);
}

/* Waits up to five seconds; the words are in `why` then. */
static bool says(const char *part) {
    for (unsigned i = 0; i < 2500; i++) {
        bool ready = live_ready(live, why, sizeof why);
        if (ready ? !part : part && strstr(why, part)) {
            return true;
        }
        rest();
    }
    printf("# got: %s\n", why);
    return false;
}
static bool is_ready(void) {
    return says(NULL);
}
static bool all(unsigned kind, uint64_t events) {
    struct live_watch w = {0};
    for (unsigned i = 0; i < 2500; i++) {
        if (live_watch(live, kind, &w) && w.events >= events) {
            return true;
        }
        rest();
    }
    return false;
}
static unsigned nodes_known(void) {
    struct cluster_stats s = {0};
    cluster_stats_get(cluster, &s);
    return s.nodes;
}

/* ---- ready, and why not ---- */

static void test_readiness(void) {
    begin("tpguard-system");
    ok(says("the nodes of the cluster are not known yet"),
       "nothing is listed: the nodes are named");
    answers(NODES, 200, object_node);
    ok(says("the pods of the cluster are not known yet"), "then the pods");
    answers(PODS, 200, "");
    ok(says("the namespaces of the cluster are not known yet"), "then the namespaces");
    answers(NAMESPACES, 200, "");
    ok(says("the agents of the cluster are not known yet"), "then the agents");
    ok(!strstr(why, ": "), "no error where none was");
    answers(AGENTS, 200, "");
    ok(is_ready(), "when all are listed it is ready");
    is_str(why, "", "and there is nothing to say");
    is_int(nodes_known(), 1, "and the cache has what was listed");
    struct live_watch w = {0};
    ok(live_watch(live, 0, &w) && strcmp(w.name, "nodes") == 0 && w.synced && w.lists == 1,
       "metrics see a watch");
    ok(w.silent_s >= 0 && w.silent_s < 5, "that is alive");
    ok(live_watch(live, KINDS - 1, &w) && !live_watch(live, KINDS, &w), "four of them");
    ok(live_cluster(live) == cluster && live_client(live) == &api && live_policy(live) == &policy,
       "the room's others find cluster, client and policy");
    end();
}

static void test_forbidden(void) {
    begin("tpguard-system");
    answers(NODES, 200, "");
    answers(PODS, 403, "");
    answers(NAMESPACES, 200, "");
    answers(AGENTS, 403, "");
    ok(says("the pods of the cluster are not known yet: list /api/v1/pods: 403 Forbidden (RBAC: "
            "the account wants list and watch on it): no"),
       "a list that is forbidden is named with the rule that is missing");
    end();
    begin(NULL);
    answers(NODES, 200, "");
    answers(PODS, 200, "");
    answers(NAMESPACES, 200, "");
    answers(AGENTS, 403, "");
    ok(is_ready(), "who has no namespace of its own does without heartbeats");
    end();
    begin("tpguard-system");
    answers(NODES, 200, "");
    answers(PODS, 200, "");
    answers(NAMESPACES, 200, "");
    answers(AGENTS, 403, "");
    ok(says("the agents of the cluster are not known yet: "), "the server does not");
    end();
}

/* ---- what comes and goes ---- */

static void list_all(void) {
    answers(NODES, 200, object_node);
    answers(PODS, 200, "");
    answers(NAMESPACES, 200,
            "{\"metadata\":{\"name\":\"w\",\"labels\":{\"tpguard.io/mode\":"
            "\"warn\"}}}");
    answers(AGENTS, 200, "");
    if (!is_ready()) {
        printf("Bail out! not ready\n");
        exit(2);
    }
}

#define POD(rest)                                                                                  \
    "{\"metadata\":{\"name\":\"a\",\"namespace\":\"llm\",\"uid\":\"u-a\",\"resourceVersion\":"     \
    "\"7\"},\"spec\":{" rest                                                                       \
    "\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"2\"}}}]}}"
#define NAMED(name) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"9\"}}"

static enum cluster_pod pod_is(void) {
    struct buf b = buf_new(65536);
    enum cluster_pod got = cluster_find_pod(cluster, SPAN("llm"), SPAN("a"), SPAN("u-a"), &b);
    buf_done(&b);
    return got;
}

static void test_events(void) {
    begin("tpguard-system");
    list_all();
    is_int(cluster_mode(cluster, SPAN("w")), MODE_WARN, "a namespace's mode is known");
    tells(NODES, "ADDED", NAMED("n2"));
    tells(NODES, "DELETED", NAMED("n1"));
    ok(all(NODES, 2) && nodes_known() == 1, "a node comes and one goes");
    tells(PODS, "ADDED", POD(""));
    ok(all(PODS, 1) && pod_is() == CLUSTER_POD_WAITING, "a pod that waits is known");
    tells(PODS, "MODIFIED", POD("\"nodeName\":\"n2\","));
    ok(all(PODS, 2) && pod_is() == CLUSTER_POD_BOUND, "then on its node");
    tells(PODS, "DELETED",
          "{\"metadata\":{\"name\":\"a\",\"namespace\":\"llm\",\"uid\":\"u-older\","
          "\"resourceVersion\":\"8\"}}");
    ok(all(PODS, 3) && pod_is() == CLUSTER_POD_BOUND, "an older one of its name goes: it stays");
    tells(PODS, "DELETED", POD("\"nodeName\":\"n2\","));
    ok(all(PODS, 4) && pod_is() == CLUSTER_POD_UNSEEN, "then gone");
    tells(NAMESPACES, "DELETED", NAMED("w"));
    ok(all(NAMESPACES, 1) && cluster_mode(cluster, SPAN("w")) == MODE_ENFORCE,
       "a namespace that is gone has the policy's mode");
    tells(AGENTS, "ADDED",
          "{\"metadata\":{\"name\":\"agent.n2\",\"resourceVersion\":\"3\"},\"spec\":{"
          "\"renewTime\":\"2026-11-18T09:00:00.000000Z\"}}");
    tells(AGENTS, "DELETED", NAMED("agent.n2"));
    tells(AGENTS, "DELETED", NAMED("somebody-elses"));
    ok(all(AGENTS, 3), "heartbeats come and go");
    ok(is_ready(), "and it is ready all the time");
    end();
}

static void test_bad_objects(void) {
    begin("tpguard-system");
    answers(PODS, 200, "");
    answers(NAMESPACES, 200, "");
    answers(AGENTS, 200, NAMED("no-agent"));
    answers(NODES, 200,
            "{\"metadata\":[]},7,{\"metadata\":{\"name\":\"n1\",\"labels\":7}},"
            "{\"metadata\":{\"name\":\"good\"}}");
    ok(is_ready(), "objects that cannot be read hide no other");
    is_int(nodes_known(), 1, "the good one among them is there");
    tells(PODS, "ADDED", "{\"metadata\":{\"name\":7,\"resourceVersion\":\"8\"}}");
    tells(PODS, "DELETED", "{\"metadata\":{\"name\":7,\"resourceVersion\":\"8\"}}");
    tells(PODS, "DELETED", "{\"metadata\":{\"resourceVersion\":\"8\"}}");
    tells(PODS, "ADDED", POD(""));
    ok(all(PODS, 4) && pod_is() == CLUSTER_POD_WAITING, "nor do events about such");
    tells(PODS, "MODIFIED",
          "{\"metadata\":{\"name\":\"a\",\"namespace\":\"llm\",\"uid\":\"u-a\","
          "\"resourceVersion\":\"9\",\"annotations\":7},\"spec\":{\"nodeName\":\"good\","
          "\"containers\":[{\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"2\"}}}]}}");
    ok(all(PODS, 5) && pod_is() == CLUSTER_POD_BOUND,
       "a bound pod that cannot be read whole holds its GPUs all the same");
    end();
}

static void test_listed_again(void) {
    struct live_watch w = {0};
    begin("tpguard-system");
    list_all();
    answers(NODES, 200, NAMED("n5"));
    tells(NODES, "ERROR", "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}");
    bool hole = false;
    for (unsigned i = 0; i < 2500 && !(live_watch(live, 0, &w) && w.lists == 2); i++) {
        hole = hole || nodes_known() == 0;
        rest();
    }
    ok(!hole, "a list made again leaves no hole");
    is_int(w.lists, 2, "an expired watch: the nodes are listed again");
    is_int(nodes_known(), 1, "what is not in the new list is gone");
    is_str(code_for(cluster, "n1", 1), "NodeUnknown", "the old node is not known any more");
    ok(is_ready(), "and it is ready");
    end();
}

int main(void) {
    live_stop(NULL);
    test_readiness();
    test_forbidden();
    test_events();
    test_bad_objects();
    test_listed_again();
    return tap_done();
}
