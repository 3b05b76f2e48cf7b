#include "tests/unit/codec/fixture.h"
#include "webhook/codec/object.h"

#define HEAD             "{'version':1,'observedAt':'2026-11-24T09:14:00Z','pods':"
#define UNASSIGNED(list) HEAD "[],'unassigned':[" list "]}"
#define POD(gpus)        HEAD "[{'namespace':'llm','name':'chat-0','gpus':" gpus "}]}"
#define UUID_OF_63       "GPU-00000000000000000000000000000000000000000000000000000000000"

static void test_refusals(struct arena *a) {
    static const struct {
        const char *json, *path, *what;
    } rows[] = {
        {"", "", "no text"},
        {"[]", "", "a list"},
        {HEAD "[]} x", "", "text after the end"},
        {"{'observedAt':'2026-11-24T09:14:00Z','pods':[]}", "version", "no version"},
        {"{'version':2,'observedAt':'2026-11-24T09:14:00Z','pods':[],'new':1}", "version",
         "a later version"},
        {"{'version':'1','observedAt':'2026-11-24T09:14:00Z','pods':[]}", "version",
         "a version as a text"},
        {"{'version':1,'pods':[]}", "observedAt", "no time"},
        {"{'version':1,'observedAt':'yesterday','pods':[]}", "observedAt", "a time that is none"},
        {"{'version':1,'observedAt':'2026-11-24T09:14:00Z'}", "pods", "no pods"},
        {HEAD "[],'extra':1}", "", "an unknown key"},
        {HEAD "[{'namespace':'a','name':'b','gpus':[],'node':'x'}]}", "pods[0]",
         "an unknown key of a pod"},
        {HEAD "[{'name':'b','gpus':[]}]}", "pods[0].namespace", "a pod without a namespace"},
        {HEAD "[{'namespace':'','name':'b','gpus':[]}]}", "pods[0].namespace",
         "an empty namespace"},
        {HEAD "[{'namespace':'a','name':'','gpus':[]}]}", "pods[0].name", "an empty name"},
        {HEAD "[{'namespace':'a','name':'b'}]}", "pods[0].gpus", "a pod without GPUs"},
        {HEAD "[{'namespace':'a','name':'b','container':1,'gpus':[]}]}", "pods[0].container",
         "a container that is a number"},
        {POD("[0,1024]"), "pods[0].gpus[1]", "an index past the maximum"},
        {POD("[-1]"), "pods[0].gpus[0]", "a negative index"},
        {POD("[1.5]"), "pods[0].gpus[0]", "a fraction"},
        {POD("[null]"), "pods[0].gpus[0]", "null as a GPU"},
        {POD("['']"), "pods[0].gpus[0]", "an empty UUID"},
        {POD("['GPU-1 2']"), "pods[0].gpus[0]", "a UUID with a space"},
        {POD("['" UUID_OF_63 "4']"), "pods[0].gpus[0]", "a UUID of 64 characters"},
        {HEAD "[],'unassigned':{}}", "unassigned", "what nobody was given as an object"},
        {UNASSIGNED("1"), "unassigned[0]", "an entry that is a number"},
        {UNASSIGNED("{'pid':1}"), "unassigned[0].gpus", "an entry without GPUs"},
        {UNASSIGNED("{'gpus':[0],'container':'c'}"), "unassigned[0]", "an unknown key of it"},
        {UNASSIGNED("{'gpus':[0],'name':'a'}"), "unassigned[0].namespace",
         "a name without its namespace"},
        {UNASSIGNED("{'gpus':[0],'namespace':'a'}"), "unassigned[0].name",
         "a namespace without a name"},
        {UNASSIGNED("{'gpus':[0],'pid':4194305}"), "unassigned[0].pid", "a pid past the maximum"},
        {UNASSIGNED("{'gpus':[0],'pid':-1}"), "unassigned[0].pid", "a negative pid"},
        {UNASSIGNED("{'gpus':[0],'uid':7}"), "unassigned[0].uid", "a uid that is a number"},
        {UNASSIGNED("{'gpus':[0,1024]}"), "unassigned[0].gpus[1]", "its index past the maximum"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct allocations got = {.n = 77};
        struct err e = {0};
        char what[96];
        (void)snprintf(what, sizeof what, "%s is refused with its path", rows[i].what);
        bool done = allocations_decode(quoted(a, rows[i].json), a, &got, &e);
        refused(&e, done, ERR_INPUT, rows[i].path, what);
        ok(got.n == 77, "and nothing is handed out");
    }
}

static void test_values(struct arena *a) {
    struct allocations got = {0};
    struct err e = {0};
    ok(allocations_decode(quoted(a, HEAD
                                 "[{'namespace':'llm','name':'chat-0','container':'main','gpus':"
                                 "['GPU-5a6b','" UUID_OF_63 "',1023,0]},"
                                 "{'namespace':'llm','name':'chat-1','gpus':[]}]}"),
                          a, &got, &e),
       "allocations are read");
    is_int(got.observed_at, 1795511640, "the time is read");
    is_int(got.n, 2, "the pods are counted");
    is_span(got.pod[0].ns, "llm", "the namespace is read");
    is_span(got.pod[0].pod, "chat-0", "the pod is read");
    is_int(got.pod[0].n, 4, "its GPUs are counted");
    ok(got.pod[0].index[0] == -1 && span_is(got.pod[0].uuid[0], "GPU-5a6b"), "a GPU by UUID");
    ok(got.pod[0].index[2] == 1023 && got.pod[0].index[3] == 0, "GPUs by index");
    is_int(got.pod[1].n, 0, "a pod may hold none");
    is_int(got.n_unassigned, 0, "nothing is in use besides");
    ok(allocations_decode(quoted(a, HEAD "[]}"), a, &got, &e) && got.n == 0, "none are held");
    ok(allocations_decode(
           quoted(a, UNASSIGNED("{'namespace':'a','name':'b','uid':'u','pid':4194304,'gpus':[3]},"
                                "{'gpus':['GPU-1']}")),
           a, &got, &e) &&
           got.n == 0 && got.n_unassigned == 2,
       "what nobody was given is read");
    ok(span_is(got.unassigned[0].ns, "a") && span_is(got.unassigned[0].pod, "b") &&
           span_is(got.unassigned[0].uid, "u") && got.unassigned[0].pid == 4194304 &&
           got.unassigned[0].index[0] == 3,
       "with all that is known");
    ok(got.unassigned[1].pod.n == 0 && got.unassigned[1].pid == 0 && got.unassigned[1].n == 1,
       "or nothing but the GPU");
}

static bool unassigned_many(struct arena *a, unsigned n, struct err *e) {
    struct buf b = buf_new(FIXTURE_CAP);
    struct allocations got = {0};
    buf_str(&b, HEAD "[],'unassigned':[");
    for (unsigned i = 0; i < n; i++) {
        buf_fmt(&b, "%s{'gpus':[0],'pid':%u}", i ? "," : "", i);
    }
    buf_str(&b, "]}");
    bool done = allocations_decode(quoted(a, buf_cstr(&b)), a, &got, e) && got.n_unassigned == n;
    buf_done(&b);
    return done;
}

static bool read_many(struct arena *a, unsigned pods, unsigned gpus, struct err *e) {
    struct buf b = buf_new(FIXTURE_CAP);
    struct allocations got = {0};
    buf_str(&b, HEAD "[");
    for (unsigned i = 0; i < pods; i++) {
        buf_fmt(&b, "%s{'namespace':'a','name':'p%u','gpus':[", i ? "," : "", i);
        for (unsigned g = 0; g < gpus; g++) {
            buf_fmt(&b, "%s%u", g ? "," : "", g);
        }
        buf_str(&b, "]}");
    }
    buf_str(&b, "]}");
    bool done = allocations_decode(quoted(a, buf_cstr(&b)), a, &got, e) && got.n == pods;
    buf_done(&b);
    return done;
}

int main(void) {
    struct arena a = arena_new(FIXTURE_CAP);
    struct err e = {0};
    test_refusals(&a);
    test_values(&a);
    ok(read_many(&a, 512, 1, &e), "512 pods are read");
    refused(&e, read_many(&a, 513, 1, &e), ERR_TOO_LARGE, "pods", "513 are refused");
    ok(read_many(&a, 1, GPU_MAX, &e), "as many GPUs as a node can have are read");
    refused(&e, read_many(&a, 1, GPU_MAX + 1, &e), ERR_TOO_LARGE, "pods[0].gpus",
            "one more is refused");
    ok(unassigned_many(&a, 128, &e), "128 holders that nobody gave anything are read");
    refused(&e, unassigned_many(&a, 129, &e), ERR_TOO_LARGE, "unassigned", "129 are refused");
    arena_done(&a);
    return tap_done();
}
