#include "tests/unit/codec/fixture.h"
#include "webhook/codec/object.h"

/* ---- what is refused, and where ---- */

struct refusal {
    const char *json;
    const char *path;
    const char *what;
};

#define IN_SPEC(text) "{'metadata':{'name':'p'},'spec':{" text "}}"
#define IN_MAIN(text) IN_SPEC("'containers':[{'name':'c'},{'name':'d'," text "}]")
#define LIMIT(value)  IN_MAIN("'resources':{'limits':{'nvidia.com/gpu':" value "}}")
#define GPU_PATH      "spec.containers[1].resources.limits['nvidia.com/gpu']"
#define REQUIRED      "requiredDuringSchedulingIgnoredDuringExecution"
#define TERMS(text)                                                                                \
    IN_SPEC("'affinity':{'nodeAffinity':{'" REQUIRED "':{'nodeSelectorTerms':" text "}}}")
#define TERMS_PATH "spec.affinity.nodeAffinity." REQUIRED ".nodeSelectorTerms"

static const struct refusal refusals[] = {
    {"[]", "", "a pod that is a list"},
    {"{'metadata':[]}", "metadata", "metadata that is a list"},
    {"{'spec':'x'}", "spec", "a spec that is a text"},
    {"{'status':1}", "status", "a status that is a number"},
    {"{'Spec':{}}", "", "a key in the wrong case"},
    {"{'metadata':{'name':7}}", "metadata.name", "a name that is a number"},
    {"{'metadata':{'labels':{'a.b/c':true}}}", "metadata.labels['a.b/c']", "a label no text"},
    {"{'metadata':{'annotations':{'x':1}}}", "metadata.annotations.x", "an annotation no text"},
    {"{'metadata':{'annotations':'x'}}", "metadata.annotations", "annotations no object"},
    {"{'metadata':{'ownerReferences':[null]}}", "metadata.ownerReferences[0]", "an owner null"},
    {"{'metadata':{'ownerReferences':[{'controller':'true'}]}}",
     "metadata.ownerReferences[0].controller", "a controller flag that is a text"},
    {IN_SPEC("'containers':{}"), "spec.containers", "containers no list"},
    {IN_SPEC("'containers':[null]"), "spec.containers[0]", "a container null"},
    {IN_SPEC("'initContainers':[{},3]"), "spec.initContainers[1]", "an init container a number"},
    {IN_MAIN("'args':'--tp'"), "spec.containers[1].args", "args that are one text"},
    {IN_MAIN("'args':['a',2]"), "spec.containers[1].args[1]", "an argument that is a number"},
    {IN_MAIN("'command':[['a']]"), "spec.containers[1].command[0]", "a command word a list"},
    {IN_MAIN("'env':[{'name':'A','value':2}]"), "spec.containers[1].env[0].value",
     "an environment value that is a number"},
    {IN_MAIN("'env':[{'name':'A'},'B']"), "spec.containers[1].env[1]", "a variable that is a text"},
    {IN_MAIN("'env':[{'name':'A','valueFrom':{'fieldRef':{'fieldPath':1}}}]"),
     "spec.containers[1].env[0].valueFrom.fieldRef.fieldPath", "a field path that is a number"},
    {IN_MAIN("'envFrom':{}"), "spec.containers[1].envFrom", "envFrom no list"},
    {IN_MAIN("'securityContext':{'privileged':'yes'}"),
     "spec.containers[1].securityContext.privileged", "privileged as a text"},
    {IN_MAIN("'resources':[]"), "spec.containers[1].resources", "resources that are a list"},
    {IN_MAIN("'resources':{'claims':{}}"), "spec.containers[1].resources.claims", "claims no list"},
    {LIMIT("'1500m'"), GPU_PATH, "a part of a GPU"},
    {LIMIT("'2e-1'"), GPU_PATH, "a part of a GPU by exponent"},
    {LIMIT("'0.5Ki5'"), GPU_PATH, "a suffix with something behind it"},
    {LIMIT("'0x2'"), GPU_PATH, "a hexadecimal GPU count"},
    {LIMIT("'2e'"), GPU_PATH, "an exponent without a number"},
    {LIMIT("'2e99'"), GPU_PATH, "an exponent past all bounds"},
    {LIMIT("'1.2.3'"), GPU_PATH, "two dots in a GPU count"},
    {LIMIT("'.'"), GPU_PATH, "a dot alone"},
    {LIMIT("'k'"), GPU_PATH, "a suffix alone"},
    {LIMIT("'1M1'"), GPU_PATH, "a number behind the suffix"},
    {LIMIT("'9Ei'"), GPU_PATH, "a suffix past 64 bits"},
    {LIMIT("'1G'"), GPU_PATH, "a suffix past the maximum"},
    {LIMIT("''"), GPU_PATH, "an empty GPU count"},
    {LIMIT("'-1'"), GPU_PATH, "a negative GPU count"},
    {LIMIT("-1"), GPU_PATH, "a negative number as a GPU count"},
    {LIMIT("1.5"), GPU_PATH, "a fraction as a GPU count"},
    {LIMIT("'2 0'"), GPU_PATH, "a space in a GPU count"},
    {LIMIT("'99999999999999999999999'"), GPU_PATH, "a GPU count past 64 bits"},
    {LIMIT("1000001"), GPU_PATH, "a GPU count past the maximum"},
    {LIMIT("true"), GPU_PATH, "a GPU count that is a boolean"},
    {IN_MAIN("'resources':{'limits':{'nvidia.com/mig-1g.5gb':900000,'nvidia.com/mig-2g.10gb':"
             "900000}}"),
     "spec.containers[1].resources.limits", "a sum past the maximum"},
    {TERMS("{}"), TERMS_PATH, "terms no list"},
    {TERMS("[{},null]"), TERMS_PATH "[1]", "a term null"},
    {TERMS("[{'matchExpressions':{}}]"), TERMS_PATH "[0].matchExpressions", "expressions no list"},
    {TERMS("[{'matchExpressions':[{'key':1}]}]"), TERMS_PATH "[0].matchExpressions[0].key",
     "an expression's key that is a number"},
    {"{'status':{'phase':1}}", "status.phase", "a phase that is a number"},
};

static void test_refusals(struct arena *a) {
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct pod p = {.n_labels = 77};
        struct err e = {0};
        char what[128];
        (void)snprintf(what, sizeof what, "%s is refused with its path", refusals[i].what);
        bool done = pod_decode(parsed(a, refusals[i].json), a, &p, &e);
        refused(&e, done, ERR_INPUT, refusals[i].path, what);
        if (p.n_labels != 77) {
            ok(false, "a refusal leaves the pod untouched");
        }
    }
}

/* ---- maxima ---- */

/* count copies of item in a list between head and tail. */
static const struct json *many(struct arena *a, const char *head, const char *item, unsigned count,
                               const char *tail) {
    struct buf b = buf_new(FIXTURE_CAP);
    buf_str(&b, head);
    for (unsigned i = 0; i < count; i++) {
        buf_str(&b, i ? "," : "");
        for (const char *c = item; *c; c++) {
            if (*c == '#') {
                buf_u64(&b, i);
            } else {
                buf_char(&b, *c);
            }
        }
    }
    buf_str(&b, tail);
    const struct json *root = parsed(a, buf_cstr(&b));
    buf_done(&b);
    return root;
}

static void test_maxima(struct arena *a) {
    static const struct {
        const char *head, *item, *tail, *path;
        unsigned max;
        const char *what;
    } rows[] = {
        {"{'spec':{'containers':[", "{}", "]}}", "spec.containers", POD_CONTAINERS_MAX,
         "containers"},
        {"{'spec':{'containers':[{}],'initContainers':[", "{}", "]}}", "spec.containers",
         POD_CONTAINERS_MAX - 1, "init containers beside one container"},
        {"{'spec':{'containers':[{'args':[", "'x'", "]}]}}", "spec.containers[0].args",
         POD_WORDS_MAX, "arguments"},
        {"{'spec':{'containers':[{'env':[", "{'name':'A'}", "]}]}}", "spec.containers[0].env",
         POD_ENV_MAX, "variables"},
        {"{'metadata':{'labels':{", "'l#':''", "}}}", "metadata.labels", POD_LABELS_MAX, "labels"},
        {"{'metadata':{'annotations':{", "'l#':''", "}}}", "metadata.annotations", POD_LABELS_MAX,
         "annotations"},
        {"{'metadata':{'ownerReferences':[", "{}", "]}}", "metadata.ownerReferences", 64, "owners"},
        {"{'spec':{'containers':[{'resources':{'limits':{", "'cpu#':1", "}}}]}}",
         "spec.containers[0].resources.limits", 256, "resources"},
        {"{'spec':{'affinity':{'nodeAffinity':{'" REQUIRED "':{'nodeSelectorTerms':[", "{}",
         "]}}}}}", TERMS_PATH, POD_TERMS_MAX, "terms"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pod p = {0};
        struct err e = {0};
        const struct json *full = many(a, rows[i].head, rows[i].item, rows[i].max, rows[i].tail);
        const struct json *over =
            many(a, rows[i].head, rows[i].item, rows[i].max + 1, rows[i].tail);
        ok(pod_decode(full, a, &p, &e), "%u %s are read", rows[i].max, rows[i].what);
        char what[96];
        (void)snprintf(what, sizeof what, "one more than %u %s is refused", rows[i].max,
                       rows[i].what);
        refused(&e, pod_decode(over, a, &p, &e), ERR_TOO_LARGE, rows[i].path, what);
    }
    struct arena tiny = arena_new(1);
    struct pod p = {0};
    struct err e = {0};
    refused(&e, pod_decode(parsed(a, IN_SPEC("'containers':[{}]")), &tiny, &p, &e), ERR_TOO_LARGE,
            "spec.containers", "an arena that is full is an error, with the path");
    arena_done(&tiny);
}

/* ---- what is read ---- */

static struct pod read_pod(struct arena *a, const char *json) {
    struct pod p = {0};
    struct err e = {0};
    if (!pod_decode(parsed(a, json), a, &p, &e)) {
        ok(false, "%s: %s", e.path, e.msg);
    }
    return p;
}

static void test_metadata(struct arena *a) {
    struct pod p = read_pod(
        a, "{'metadata':{'name':'','generateName':'chat-','namespace':'llm','uid':'u-1',"
           "'deletionTimestamp':'2026-11-24T09:14:00Z','labels':{'a':'1','b':null},"
           "'annotations':{'leaderworkerset.sigs.k8s.io/size':'2','Tpguard.io/x':'y'},"
           "'ownerReferences':[{'kind':'Node','name':'n'},{'kind':'ReplicaSet','name':'chat-7',"
           "'controller':true}],'managedFields':[{'manager':{'odd':[1]}}]},"
           "'status':{'phase':'Running','other':[{}]},'unknown':{'x':1}}");
    is_span(p.generate_name, "chat-", "a pod without a name has its generateName");
    is_int(p.name.n, 0, "its name is empty");
    is_span(p.ns, "llm", "the namespace is read");
    is_span(p.uid, "u-1", "the uid is read");
    ok(p.deleting, "a deletion time means deleting");
    is_int(p.n_labels, 1, "a label that is null is absent");
    is_span(pod_label(&p, "a"), "1", "a label is found");
    is_span(pod_annotation(&p, "Tpguard.io/x"), "y", "annotation names may be in any case");
    ok(!pod_annotation(&p, "tpguard.io/x").p, "another case is another annotation");
    is_span(p.owner_kind, "ReplicaSet", "the owner is the one that controls");
    is_span(p.owner_name, "chat-7", "and its name");
    is_int(p.group_size, 2, "the size of a LeaderWorkerSet group is read");
    is_int(p.phase, POD_RUNNING, "the phase is read");
    ok(p.has_metadata && p.has_annotations && !p.has_affinity, "what a patch must know is there");

    p = read_pod(a, "{'metadata':null,'spec':null,'status':null}");
    ok(!p.has_metadata && !p.n_containers, "null is absent");
    p = read_pod(a, "{'metadata':{'labels':{'leaderworkerset.sigs.k8s.io/size':'4'}},"
                    "'status':{'phase':'Later'}}");
    is_int(p.group_size, 4, "the size of a group may stand in a label");
    is_int(p.phase, POD_PHASE_UNKNOWN, "a phase nobody knows is unknown");
    p = read_pod(a, "{'metadata':{'annotations':{'leaderworkerset.sigs.k8s.io/size':'two'}}}");
    is_int(p.group_size, 0, "a size that is no number is unknown");

    struct err e = {0};
    struct pod t = {0};
    ok(pod_template_decode(parsed(a, "{'status':7}"), a, &t, &e), "a template has no status");
}

static void test_containers(struct arena *a) {
    struct pod p = read_pod(
        a, "{'spec':{'nodeName':'n1','schedulerName':'s','runtimeClassName':'nvidia','containers':["
           "{'name':'main','image':'vllm','command':['sh','-c'],'args':['a',null,''],"
           "'env':[{'name':'A','value':'1'},{'name':'B'},{'name':'C','value':'','valueFrom':"
           "{'fieldRef':{'fieldPath':'metadata.name'}}},{'name':'D','valueFrom':"
           "{'secretKeyRef':{'name':'s','key':'k'}}}],'envFrom':[{}],"
           "'securityContext':{'privileged':true}}],"
           "'initContainers':[{'name':'pull'},{'name':'proxy','restartPolicy':'Always'}]}}");
    is_int(p.n_containers, 3, "init containers and containers are one list");
    const struct container *c = p.containers;
    ok(c[0].init && !c[0].sidecar && c[0].at == 0, "init containers stand first");
    ok(c[1].init && c[1].sidecar && c[1].at == 1, "one that restarts always is a sidecar");
    ok(!c[2].init && c[2].at == 0, "a container's index is the one of its own list");
    is_span(p.node_name, "n1", "the node is read");
    is_span(p.scheduler_name, "s", "the scheduler is read");
    is_span(p.runtime_class, "nvidia", "the runtime class is read");
    is_int(c[2].n_command, 2, "the command is read");
    is_int(c[2].n_args, 3, "the arguments are read");
    ok(c[2].args[1].n == 0 && c[2].args[2].n == 0, "null in a list of words is an empty word");
    is_int(c[2].n_env, 4, "the environment is read");
    ok(!c[2].env[1].ref && c[2].env[1].value.n == 0, "a variable without a value is empty");
    ok(c[2].env[2].ref && span_is(c[2].env[2].field, "metadata.name"), "a field reference");
    ok(c[2].env[3].ref && c[2].env[3].field.n == 0, "another reference has no field");
    ok(c[2].env_from && c[2].privileged, "envFrom and privileged are seen");
    ok(!c[0].env_from && !c[0].privileged, "and are not when they are not there");
}

static void test_resources(struct arena *a) {
    static const struct {
        const char *resources;
        unsigned gpus, shared, mig, other;
        const char *what;
    } rows[] = {
        {"{'limits':{'nvidia.com/gpu':'2'}}", 2, 0, 0, 0, "a text"},
        {"{'limits':{'nvidia.com/gpu':2}}", 2, 0, 0, 0, "a number"},
        {"{'requests':{'nvidia.com/gpu':'4'}}", 4, 0, 0, 0, "requests alone"},
        {"{'limits':{'nvidia.com/gpu':'2'},'requests':{'nvidia.com/gpu':'4'}}", 2, 0, 0, 0,
         "limits before requests"},
        {"{'limits':{'nvidia.com/gpu':null},'requests':{'nvidia.com/gpu':'4'}}", 4, 0, 0, 0,
         "a limit that is null"},
        {"{'limits':{'cpu':'1500m','memory':'2Gi','ephemeral-storage':1e3}}", 0, 0, 0, 0,
         "what is no GPU, in any form"},
        {"{'limits':{'gpu':'2','nvidia.com/GPU':'2','nvidia.com/gpus':1}}", 0, 0, 0, 0,
         "names that only look alike"},
        {"{'limits':{'nvidia.com/gpu':'0'}}", 0, 0, 0, 0, "none"},
        {"{'limits':{'nvidia.com/gpu':'0.0','amd.com/gpu':'0m','nvidia.com/gpumem':'0','nvidia.com/"
         "gpucores':0,'volcano.sh/vgpu-memory':'0Mi'}}",
         0, 0, 0, 0, "none, in every form"},
        {"{'limits':{'nvidia.com/gpu':'2e0'}}", 2, 0, 0, 0, "an exponent"},
        {"{'limits':{'nvidia.com/gpu':'2000m'}}", 2, 0, 0, 0, "thousandths"},
        {"{'limits':{'nvidia.com/gpu':'0.2E1'}}", 2, 0, 0, 0,
         "a fraction that is whole in the end"},
        {"{'limits':{'nvidia.com/gpu':'20e-1'}}", 2, 0, 0, 0, "a negative exponent"},
        {"{'limits':{'nvidia.com/gpu':'1k','nvidia.com/gpu.shared':'1Ki'}}", 1000, 1024, 0, 0,
         "suffixes"},
        {"{'limits':{'nvidia.com/gpu':' +2. '}}", 2, 0, 0, 0, "a sign, a dot and spaces"},
        {"{'limits':{'nvidia.com/gpu.shared':'3'}}", 0, 3, 0, 0, "time slices"},
        {"{'limits':{'nvidia.com/mig-1g.5gb':'1'},'requests':{'nvidia.com/mig-1g.5gb':'1',"
         "'nvidia.com/mig-3g.20gb':2}}",
         0, 0, 3, 0, "MIG slices of two kinds, each once"},
        {"{'limits':{'amd.com/gpu':'2','gpu.intel.com/i915':1,'habana.ai/gaudi':'8'}}", 0, 0, 0, 11,
         "other vendors"},
        {"{'limits':{'gpu.intel.com/memory.max':'8G'}}", 0, 0, 0, 1, "an amount counts as one"},
        {"{'limits':{'nvidia.com/gpu':1,'nvidia.com/gpumem':'3000','nvidia.com/gpumem-percentage':"
         "50}}",
         1, 0, 0, 2, "shares of memory beside a count"},
        {"{'limits':{'volcano.sh/vgpu-number':2,'volcano.sh/vgpu-memory':'1024Mi'}}", 0, 0, 0, 3,
         "vGPUs by number and by memory"},
        {"null", 0, 0, 0, 0, "no resources"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char json[512];
        (void)snprintf(json, sizeof json, "{'spec':{'containers':[{'resources':%s}]}}",
                       rows[i].resources);
        struct pod p = read_pod(a, json);
        const struct container *c = p.containers;
        ok(c->gpus == rows[i].gpus && c->gpus_shared == rows[i].shared && c->mig == rows[i].mig &&
               c->other_gpus == rows[i].other && !c->claims,
           "resources: %s", rows[i].what);
    }
    struct pod p = read_pod(a, "{'spec':{'containers':[{'resources':{'claims':[{'name':'g'}]}},"
                               "{'resources':{'claims':[]}}]}}");
    ok(p.containers[0].claims && !p.containers[1].claims, "resource claims are seen");
}

#define PREFERS(list)                                                                              \
    IN_SPEC("'affinity':{'nodeAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[" list \
            "]}}")

static void test_affinity(struct arena *a) {
    struct pod p = read_pod(
        a, TERMS("[{'matchExpressions':[{'key':'a','operator':'Exists'},"
                 "{'key':'tpguard.io/nvlink-set','operator':'Gt','values':['1']},"
                 "{'key':'tpguard.io/nvlink-set','operator':'Gt','values':['3']}]},"
                 "{'matchFields':[{'key':'metadata.name','operator':'In','values':['n']}]},"
                 "{},{'matchExpressions':[]},"
                 "{'matchExpressions':[{'key':'tpguard.io/nvlink-set','operator':'Lt',"
                 "'values':['9']},{'key':'tpguard.io/nvlink-set','operator':'Gt','values':[]},"
                 "{'key':'tpguard.io/nvlink-set','operator':'Gt','values':['x']}]}]"));
    ok(p.has_affinity && p.has_node_affinity && p.has_required, "every level is seen");
    is_int(p.n_terms, 5, "the terms are counted");
    ok(p.term_has_expressions[0] && !p.term_has_expressions[1] && p.term_has_expressions[3],
       "terms with a list of expressions are known");
    ok(!p.term_is_empty[0] && !p.term_is_empty[1] && p.term_is_empty[2] && p.term_is_empty[3],
       "terms that match no node are known");
    is_int(p.term_above[0], 3, "the highest bound that stands there is known");
    is_int(p.term_above[4], 0, "other operators and values are no bound");
    p = read_pod(a, IN_SPEC("'affinity':{'podAffinity':{}}"));
    ok(p.has_affinity && !p.has_node_affinity, "affinity without node affinity");
    p = read_pod(a, IN_SPEC("'affinity':{'nodeAffinity':{'" REQUIRED "':null}}"));
    ok(p.has_node_affinity && !p.has_required, "required terms that are null are absent");
    ok(!p.has_preferred && !p.preferred_above && !p.preferred_stranded, "so are preferences");
    p = read_pod(a, PREFERS("{'weight':9,'preference':{'matchExpressions':[{'key':"
                            "'tpguard.io/nvlink-free','operator':'Gt','values':['3']}]}}"));
    ok(p.has_preferred && p.preferred_above == 3 && !p.preferred_stranded, "a free set preferred");
    p = read_pod(a, PREFERS("{'preference':{'matchExpressions':[{'key':'tpguard.io/stranded',"
                            "'operator':'Gt','values':['0']},{'key':'a','operator':'Exists'}]}}"));
    ok(!p.preferred_above && p.preferred_stranded, "stranded GPUs preferred");
    p = read_pod(a, PREFERS("7,null,{},{'preference':7},{'preference':{'matchExpressions':[7]}},"
                            "{'preference':{'matchExpressions':[]}},{'preference':{"
                            "'matchExpressions':[{'key':'tpguard.io/stranded','operator':'Lt',"
                            "'values':['0']}]}},{'preference':{'matchExpressions':[{'key':"
                            "'tpguard.io/stranded','operator':'Gt','values':['1']}]}}"));
    ok(p.has_preferred && !p.preferred_above && !p.preferred_stranded,
       "what cannot be read, and other bounds, are nobody's preference for what is free");
}

int main(void) {
    struct arena a = arena_new(FIXTURE_CAP);
    test_refusals(&a);
    test_maxima(&a);
    test_metadata(&a);
    test_containers(&a);
    test_resources(&a);
    test_affinity(&a);
    arena_done(&a);
    return tap_done();
}
