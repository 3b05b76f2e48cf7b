#include "tests/unit/codec/fixture.h"
#include "webhook/codec/object.h"

#define TEMPLATE "{'metadata':{'labels':{'app':'x'}},'spec':{'containers':[{'name':'c'}]}}"
#define META     "'metadata':{'name':'m','namespace':'llm'}"

static bool decode(struct arena *a, const char *json, struct unit *out, unsigned max, unsigned *n,
                   struct err *e) {
    return units_decode(parsed(a, json), a, out, max, n, e);
}

static void test_refusals(struct arena *a) {
    static const struct {
        const char *json, *path, *what;
    } rows[] = {
        {"7", "", "an object that is a number"},
        {"{'kind':1}", "kind", "a kind that is a number"},
        {"{'kind':'Pod','apiVersion':1}", "apiVersion", "an API version that is a number"},
        {"{'kind':'Pod','metadata':{'name':1}}", "metadata.name", "a name that is a number"},
        {"{'kind':'Pod','spec':{'containers':1}}", "spec.containers", "a broken pod"},
        {"{'kind':'Deployment','apiVersion':'apps/v1'}", "spec.template",
         "a Deployment without a spec"},
        {"{'kind':'Deployment','apiVersion':'apps/v1','spec':{}}", "spec.template",
         "a Deployment without a template"},
        {"{'kind':'Deployment','spec':{'template':[]}}", "spec.template",
         "a template that is a list"},
        {"{'kind':'PodTemplate','apiVersion':'v1'}", "template",
         "a PodTemplate without a template"},
        {"{'kind':'Deployment','spec':{'replicas':'2','template':" TEMPLATE "}}", "spec.replicas",
         "replicas as a text"},
        {"{'kind':'Job','spec':{'template':{'spec':{'containers':[{'args':[1]}]}}}}",
         "spec.template.spec.containers[0].args[0]", "a broken container of a Job"},
        {"{'kind':'CronJob','spec':{'jobTemplate':{'spec':7}}}", "spec.jobTemplate.spec",
         "a CronJob whose job is a number"},
        {"{'kind':'CronJob','spec':{'jobTemplate':{}}}", "spec.jobTemplate.spec.template",
         "a CronJob without a job"},
        {"{'kind':'LeaderWorkerSet'}", "spec", "a LeaderWorkerSet without a spec"},
        {"{'kind':'LeaderWorkerSet','spec':{'leaderWorkerTemplate':{'size':2}}}",
         "spec.leaderWorkerTemplate.workerTemplate", "a LeaderWorkerSet without workers"},
        {"{'kind':'LeaderWorkerSet','spec':{'leaderWorkerTemplate':{'size':'2',"
         "'workerTemplate':" TEMPLATE "}}}",
         "spec.leaderWorkerTemplate.size", "a group size that is a text"},
        {"{'kind':'LeaderWorkerSet','spec':{'leaderWorkerTemplate':{'workerTemplate':"
         "{'spec':{'containers':1}}}}}",
         "spec.leaderWorkerTemplate.workerTemplate.spec.containers", "a broken worker"},
        {"{'kind':'RayCluster','spec':{'workerGroupSpecs':[{'template':{'spec':{'containers':"
         "[{'name':'c','env':1}]}}}]}}",
         "spec.workerGroupSpecs[0].template.spec.containers[0].env",
         "a broken pod template of somebody's kind"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct unit out[4];
        unsigned n = 77;
        struct err e = {0};
        char what[96];
        (void)snprintf(what, sizeof what, "%s is refused with its path", rows[i].what);
        bool done = decode(a, rows[i].json, out, 4, &n, &e);
        refused(&e, done, ERR_INPUT, rows[i].path, what);
        ok(n == 77, "and no count is handed out");
    }
}

static void test_built_in(struct arena *a) {
    static const struct {
        const char *kind, *group, *body, *path;
        unsigned replicas;
    } rows[] = {
        {"Deployment", "apps/v1", "'spec':{'replicas':3,'template':" TEMPLATE "}", "spec.template",
         3},
        {"ReplicaSet", "apps/v1", "'spec':{'template':" TEMPLATE "}", "spec.template", 1},
        {"StatefulSet", "apps/v1", "'spec':{'replicas':null,'template':" TEMPLATE "}",
         "spec.template", 1},
        {"DaemonSet", "apps/v1", "'spec':{'template':" TEMPLATE "}", "spec.template", 0},
        {"ReplicationController", "v1", "'spec':{'replicas':0,'template':" TEMPLATE "}",
         "spec.template", 0},
        {"Job", "batch/v1", "'spec':{'parallelism':4,'template':" TEMPLATE "}", "spec.template", 4},
        {"CronJob", "batch/v1",
         "'spec':{'jobTemplate':{'spec':{'parallelism':2,'template':" TEMPLATE "}}}",
         "spec.jobTemplate.spec.template", 2},
        {"PodTemplate", "v1", "'template':" TEMPLATE, "template", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct unit u[2] = {0};
        unsigned n = 0;
        struct err e = {0};
        char json[512];
        (void)snprintf(json, sizeof json, "{'kind':'%s','apiVersion':'%s'," META ",%s}",
                       rows[i].kind, rows[i].group, rows[i].body);
        ok(decode(a, json, u, 2, &n, &e) && n == 1, "a %s has one pod", rows[i].kind);
        is_str(u[0].path, rows[i].path, "at its path");
        is_span(u[0].pod.owner_kind, rows[i].kind, "owned by the kind");
        is_span(u[0].pod.owner_name, "m", "and the name of the manifest");
        is_span(u[0].pod.ns, "llm", "in its namespace");
        is_int(u[0].pod.replicas, rows[i].replicas, "as often as it says");
        is_int(u[0].pod.n_containers, 1, "with its containers");
        is_str(u[0].role, "", "and no role");
    }
}

static void test_pod(struct arena *a) {
    struct unit u[1] = {0};
    unsigned n = 0;
    struct err e = {0};
    ok(decode(a,
              "{'kind':'Pod','apiVersion':'v1','metadata':{'generateName':'g-','namespace':'x',"
              "'ownerReferences':[{'kind':'Job','name':'j','controller':true}]},"
              "'spec':{'containers':[{'name':'c'}]},'status':{'phase':'Pending'}}",
              u, 1, &n, &e) &&
           n == 1,
       "a Pod is one unit");
    is_str(u[0].path, "", "its path is empty");
    is_span(u[0].name, "g-", "without a name it is called by its generateName");
    is_span(u[0].pod.owner_kind, "Job", "its owner is its own");
    is_int(u[0].pod.phase, POD_PENDING, "and its status is read");
}

static void test_lws(struct arena *a) {
    struct unit u[2] = {0};
    unsigned n = 0;
    struct err e = {0};
    ok(decode(a,
              "{'kind':'LeaderWorkerSet','apiVersion':'leaderworkerset.x-k8s.io/v1'," META
              ",'spec':{'replicas':2,'leaderWorkerTemplate':{'size':4,'leaderTemplate':" TEMPLATE
              ",'workerTemplate':" TEMPLATE "}}}",
              u, 2, &n, &e) &&
           n == 2,
       "a LeaderWorkerSet has two pods");
    is_str(u[0].role, "leader", "the leader first");
    is_str(u[1].role, "worker", "then the worker");
    is_str(u[0].path, "spec.leaderWorkerTemplate.leaderTemplate", "the leader's path");
    is_str(u[1].path, "spec.leaderWorkerTemplate.workerTemplate", "the worker's path");
    ok(u[0].pod.group_size == 4 && u[1].pod.group_size == 4, "both know the group's size");
    ok(u[0].pod.replicas == 2, "and how many groups there are");
    ok(decode(a,
              "{'kind':'LeaderWorkerSet','apiVersion':'leaderworkerset.x-k8s.io/v1'," META
              ",'spec':{'leaderWorkerTemplate':{'workerTemplate':" TEMPLATE "}}}",
              u, 2, &n, &e) &&
           n == 1,
       "without a leader's template there is one pod");
    is_str(u[0].role, "", "which is leader and worker");
    is_int(u[0].pod.group_size, 1, "and its group is itself by default");
}

static void test_others(struct arena *a) {
    struct unit u[8] = {0};
    unsigned n = 9;
    struct err e = {0};
    static const char *const none[] = {
        "{}",
        "{'kind':'Service','apiVersion':'v1','spec':{'ports':[{'port':80}]}}",
        "{'kind':'ConfigMap','apiVersion':'v1','data':{'spec':'x'}}",
        "{'kind':'Job','apiVersion':'batch.volcano.sh/v1alpha1','spec':{'tasks':[]}}",
        "{'kind':'X','spec':{'template':{'spec':{'containers':[]}}}}",
        "{'kind':'X','spec':{'template':{'spec':{'containers':['c']}}}}",
        "{'kind':'X','spec':[1]}",
        "{'kind':'X','status':{'template':" TEMPLATE "}}",
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        n = 9;
        ok(decode(a, none[i], u, 8, &n, &e) && n == 0, "no pod in %s", none[i]);
    }
    ok(decode(a,
              "{'kind':'RayCluster','apiVersion':'ray.io/v1'," META ",'spec':{'headGroupSpec':"
              "{'template':" TEMPLATE "},'workerGroupSpecs':[{'groupName':'gpu-group-of-eight',"
              "'replicas':2,'template':" TEMPLATE "},{'template':" TEMPLATE "}]}}",
              u, 8, &n, &e) &&
           n == 3,
       "a RayCluster has a head and workers");
    is_str(u[0].path, "spec.headGroupSpec.template", "the head's path");
    is_str(u[0].role, "head", "the head's role");
    is_str(u[1].path, "spec.workerGroupSpecs[0].template", "a worker's path");
    is_str(u[1].role, "gpu-group-of-ei", "a group's name is cut to fit");
    is_str(u[2].role, "", "a group without a name has none");
    is_int(u[1].pod.replicas, 0, "how many there are is not known");
    is_span(u[1].pod.owner_kind, "RayCluster", "they belong to the manifest");

    ok(decode(a,
              "{'kind':'RoleBasedGroup','apiVersion':'workloads.x-k8s.io/v1alpha2'," META
              ",'spec':{'roles':[{'name':'prefill','template':" TEMPLATE "},{'name':'decode',"
              "'standalonePattern':{'template':" TEMPLATE "}}]}}",
              u, 8, &n, &e) &&
           n == 2,
       "roles of a group are found, deeper ones too");
    is_str(u[1].path, "spec.roles[1].standalonePattern.template", "with their path");
    is_str(u[1].role, "decode", "and the role's name");
    ok(decode(a,
              "{'kind':'Deployment','apiVersion':'extensions/v1beta1','spec':{'template':" TEMPLATE
              "}}",
              u, 8, &n, &e) &&
           n == 1,
       "a known kind of an unknown group is searched");
}

#define OWN "{'containers':[{'name':'c','image':'i','args':['a']}]}"

static void test_inference(struct arena *a) {
    struct unit u[4] = {0};
    unsigned n = 0;
    struct err e = {0};
    static const char head[] =
        "{'kind':'InferenceService','apiVersion':'serving.kserve.io/v1beta1',"
        "'metadata':{'name':'m'},'spec':";
    static const struct {
        const char *spec;
        unsigned n;
        const char *what;
    } rows[] = {
        {"{'predictor':" OWN "}", 1, "a predictor with its own containers"},
        {"{'predictor':{'containers':[{'name':'c'}]}}", 0, "one that fills in a runtime"},
        {"{'predictor':{'model':{}}}", 0, "one of a runtime"},
        {"{'predictor':{'containers':[]}}", 0, "no container"},
        {"{'predictor':{'workerSpec':" OWN "}}", 1, "a worker"},
        {"{}", 0, "nothing"},
        {"null", 0, "no spec"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char json[512];
        n = 9;
        (void)snprintf(json, sizeof json, "%s%s}", head, rows[i].spec);
        ok(decode(a, json, u, 4, &n, &e) && n == rows[i].n, "InferenceService: %s", rows[i].what);
    }
    char json[512];
    (void)snprintf(json, sizeof json, "%s{'predictor':{'workerSpec':" OWN ",%s}}", head,
                   "'containers':[{'name':'c','image':'i'}]}");
    ok(decode(a, json, u, 4, &n, &e) && n == 2, "head and worker are two");
    ok(u[0].bare_spec && strcmp(u[0].role, "head") == 0 && strcmp(u[1].role, "worker") == 0,
       "known by their roles");
    is_str(u[1].path, "spec.predictor.workerSpec", "and paths");
    is_span(u[1].pod.containers[0].args[0], "a", "with their containers");
    (void)snprintf(json, sizeof json, "%s{'predictor':{'containers':[{'image':'i','env':1}]}}}",
                   head);
    refused(&e, decode(a, json, u, 4, &n, &e), ERR_INPUT, "spec.predictor.containers[0].env",
            "a broken container has its path");
}

static void test_custom(struct arena *a) {
    static const struct {
        const char *json;
        bool custom;
    } rows[] = {
        {"{'apiVersion':'apps.nvidia.com/v1','spec':{'resources':{'nvidia.com/gpu':2}}}", true},
        {"{'apiVersion':'x.io/v1','spec':{'args':['--tensor-parallel-size']}}", true},
        {"{'apiVersion':'x.io/v1','spec':{'a':[{'tensorParallelSize':2}]}}", true},
        {"{'apiVersion':'x.io/v1','spec':{'a':'b'},'metadata':{'name':'gpu'}}", false},
        {"{'apiVersion':'x.io/v1','spec':{'gpu':1},'metadata':{'labels':{'tpguard.io/ignore':"
         "'true'}}}",
         false},
        {"{'apiVersion':'apps/v1','spec':{'gpu':1}}", false},
        {"{'apiVersion':'policy.k8s.io/v1','spec':{'gpu':1}}", false},
        {"{'apiVersion':'v1','spec':{'gpu':1}}", false},
        {"{'apiVersion':7,'spec':{'gpu':1}}", false},
        {"{'spec':{'gpu':1}}", false},
        {"{'apiVersion':'x.io/v1'}", false},
        {"[]", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ok(custom_of_gpus(parsed(a, rows[i].json)) == rows[i].custom, "custom resource of GPUs: %s",
           rows[i].json);
    }
    ok(object_same_spec(parsed(a, "{'spec':{'a':1},'status':1}"), parsed(a, "{'spec':{'a':1}}")),
       "a status is no spec");
    ok(!object_same_spec(parsed(a, "{'spec':{'a':1}}"), parsed(a, "{'spec':{'a':2}}")),
       "another spec is another");
    ok(!object_same_spec(
           parsed(a, "{'spec':{}}"),
           parsed(a, "{'spec':{},'metadata':{'labels':{'tpguard.io/ignore':'true'}}}")),
       "so is one that is ignored no longer");
}

static void test_managed(struct arena *a) {
    ok(object_is_managed(parsed(a, "{'metadata':{'ownerReferences':[{'kind':'X'},"
                                   "{'kind':'Deployment','controller':true}]}}")),
       "an object with a controller is managed");
    static const char *const none[] = {
        "7", "{}", "{'metadata':7}", "{'metadata':{'ownerReferences':{}}}",
        "{'metadata':{'ownerReferences':[7,{'controller':'true'},{'controller':false}]}}"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        ok(!object_is_managed(parsed(a, none[i])), "not managed: %s", none[i]);
    }
}

static void test_bounds(struct arena *a) {
    struct unit u[2];
    unsigned n = 0;
    struct err e = {0};
    refused(&e,
            decode(a,
                   "{'kind':'X','spec':{'a':[{'template':" TEMPLATE "},{'template':" TEMPLATE
                   "},{'template':" TEMPLATE "}]}}",
                   u, 2, &n, &e),
            ERR_TOO_LARGE, "spec.a[2].template", "more templates than there is room are refused");
    struct buf b = buf_new(FIXTURE_CAP);
    buf_str(&b, "{'kind':'X','spec':{'");
    buf_fill(&b, 'k', 200);
    buf_str(&b, "':{'ok':{'template':" TEMPLATE "}}}}");
    ok(!decode(a, buf_cstr(&b), u, 2, &n, &e) && e.code == ERR_TOO_LARGE,
       "a template at too long a path is refused");
    buf_reset(&b);
    buf_str(&b, "{'kind':'X','spec':{'");
    buf_fill(&b, 'k', 200);
    buf_str(&b, "':{},'template':" TEMPLATE "}}");
    ok(decode(a, buf_cstr(&b), u, 2, &n, &e) && n == 1, "a long key beside a template is not");
    is_str(u[0].path, "spec.template", "and does not touch its path");
    buf_reset(&b);
    buf_str(&b, "{'kind':'X','spec':");
    for (unsigned i = 0; i < 20; i++) {
        buf_str(&b, "[");
    }
    buf_str(&b, TEMPLATE);
    for (unsigned i = 0; i < 20; i++) {
        buf_str(&b, "]");
    }
    buf_str(&b, "}");
    ok(decode(a, buf_cstr(&b), u, 2, &n, &e) && n == 0, "a spec that is a list is not searched");
    buf_done(&b);
}

int main(void) {
    struct arena a = arena_new(FIXTURE_CAP);
    test_refusals(&a);
    test_built_in(&a);
    test_pod(&a);
    test_lws(&a);
    test_others(&a);
    test_inference(&a);
    test_custom(&a);
    test_managed(&a);
    test_bounds(&a);
    arena_done(&a);
    return tap_done();
}
