/* What is kept of a bound pod that cannot be read whole: how many GPUs it has, or that it may have
 * any. */
#include "tests/unit/codec/fixture.h"
#include "webhook/codec/object.h"
#include "webhook/core/workload.h"

#define POD(containers)                                                                            \
    "{'metadata':{'name':'a','namespace':'llm','uid':'u','annotations':7},'spec':{'nodeName':'n1'" \
    ","                                                                                            \
    "'containers':[" containers "]},'status':{'phase':'Running'}}"
#define ASKS(n) "{'name':'m','args':7,'resources':{'limits':{'nvidia.com/gpu':" n "}}}"
#define NAMES(value)                                                                               \
    "{'name':'m','args':7,'env':[{'name':'NVIDIA_VISIBLE_DEVICES','value':" value "}]}"

static void test_refusals(struct arena *a) {
    static const char *const rows[] = {"7", "{}", "{'metadata':{'name':'a'}}",
                                       "{'metadata':{'name':'a','namespace':'llm'}}",
                                       "{'metadata':{'name':7,'namespace':'llm'},'spec':{}}"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pod p = {.n_containers = 77};
        struct err e = {0};
        ok(!pod_bare_decode(parsed(a, rows[i]), a, &p, &e) && e.code == ERR_INPUT, "refused: %s",
           rows[i]);
        is_int(p.n_containers, 77, "... and the pod is untouched");
    }
}

static void test_gpus(struct arena *a) {
    static const struct {
        const char *json, *what;
        bool gpu, all;
        unsigned gpus;
    } rows[] = {
        {POD(ASKS("'2'")), "two GPUs", true, false, 2},
        {POD(ASKS("'2'") "," ASKS("'1'")), "two containers together", true, false, 3},
        {POD(ASKS("'1000000'") "," ASKS("'1000000'")), "more than can be", true, false, 1000000},
        {POD("{'name':'web','args':7}"), "none", false, false, 0},
        {POD(ASKS("'0'")), "none, said so", false, false, 0},
        {POD(ASKS("'two'")), "no number: it may be any", true, true, 0},
        {POD("7"), "no container: it may have any", true, true, 0},
        {POD(NAMES("'0,1'")), "GPUs by name: they are not read, so any", true, true, 0},
        {POD(NAMES("'void'")), "no GPUs by name", false, false, 0},
        {POD(NAMES("7")), "a name that is no text", true, true, 0},
        {POD("{'name':'m','env':7}"), "an environment that is none", true, true, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pod p = {0};
        struct err e = {0};
        struct workload w = {0};
        bool good = pod_bare_decode(parsed(a, rows[i].json), a, &p, &e);
        ok(good && pod_is_gpu(&p) == rows[i].gpu, "%s", rows[i].what);
        ok(workload_read(&p, &w, &e) && w.gpus == rows[i].gpus, "... %u of them", rows[i].gpus);
        is_int(w.pin.kind == PIN_ALL, rows[i].all, "... or any");
    }
}

int main(void) {
    struct arena a = arena_new((size_t)16 * 1024 * 1024);
    test_refusals(&a);
    test_gpus(&a);
    arena_done(&a);
    return tap_done();
}
