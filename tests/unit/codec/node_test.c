#include "tests/unit/codec/fixture.h"
#include "webhook/codec/object.h"

static const char long_name[] = "{'metadata':{'name':'"
                                "0123456789012345678901234567890123456789012345678901234567890123"
                                "0123456789012345678901234567890123456789012345678901234567890123"
                                "0123456789012345678901234567890123456789012345678901234567890123"
                                "01234567890123456789012345678901234567890123456789012345678901"
                                "'}}";

static void test_refusals(struct arena *a) {
    static const struct {
        const char *json, *path, *what;
    } rows[] = {
        {"null", "", "null"},
        {"{}", "metadata", "a node without metadata"},
        {"{'metadata':{}}", "metadata.name", "a node without a name"},
        {"{'metadata':{'name':''}}", "metadata.name", "an empty name"},
        {long_name, "metadata.name", "a name of 254 characters"},
        {"{'metadata':{'name':'n','labels':{'nvidia.com/gpu.product':1}}}",
         "metadata.labels['nvidia.com/gpu.product']", "a product that is a number"},
        {"{'metadata':{'name':'n','annotations':{'tpguard.io/topology':{}}}}",
         "metadata.annotations['tpguard.io/topology']", "a topology that is an object"},
        {"{'metadata':{'name':'n'},'spec':{'unschedulable':'true'}}", "spec.unschedulable",
         "unschedulable as a text"},
        {"{'metadata':{'name':'n'},'status':{'allocatable':{'nvidia.com/gpu':'1500m'}}}",
         "status.allocatable['nvidia.com/gpu']", "a part of a GPU"},
        {"{'metadata':{'name':'n'},'status':{'allocatable':[]}}", "status.allocatable",
         "allocatable that is a list"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct node_object n = {.gpus = 77};
        struct err e = {0};
        char what[96];
        (void)snprintf(what, sizeof what, "%s is refused with its path", rows[i].what);
        bool done = node_decode(parsed(a, rows[i].json), a, &n, &e);
        refused(&e, done, ERR_INPUT, rows[i].path, what);
        ok(n.gpus == 77, "and the node is untouched");
    }
}

static struct node_object read_node(struct arena *a, const char *json) {
    struct node_object n = {0};
    struct err e = {0};
    if (!node_decode(parsed(a, json), a, &n, &e)) {
        ok(false, "%s: %s", e.path, e.msg);
    }
    return n;
}

static void test_values(struct arena *a) {
    struct node_object n = read_node(
        a, "{'metadata':{'name':'n1','labels':{'nvidia.com/gpu.product':'NVIDIA-H100-NVL',"
           "'nvidia.com/gpu.count':'4','odd':'x'},'annotations':{'tpguard.io/topology':'{}',"
           "'tpguard.io/nvidia-smi-topo':'t','tpguard.io/nvidia-smi-nvlink':'l',"
           "'tpguard.io/allocations':'a','tpguard.io/cordoned-gpus':'0,1','other':'x'}},"
           "'spec':{'unschedulable':true},"
           "'status':{'allocatable':{'cpu':'1500m','nvidia.com/gpu':'4'}}}");
    is_span(n.name, "n1", "the name is read");
    is_span(n.product, "NVIDIA-H100-NVL", "the product label is read");
    is_int(n.gfd_count, 4, "the count label is read");
    is_span(n.topology, "{}", "the topology is read");
    is_span(n.smi_topo, "t", "the text of topo -m is read");
    is_span(n.smi_nvlink, "l", "the text of nvlink --status is read");
    is_span(n.allocations, "a", "the allocations are read");
    is_span(n.cordoned, "0,1", "the cordoned GPUs are read");
    ok(n.unschedulable && n.gpus_known && n.gpus == 4, "cordon and GPU count are read");

    n = read_node(a, "{'metadata':{'name':'n','annotations':{'tpguard.io/topology':''},"
                     "'labels':{'nvidia.com/gpu.count':'four'}},'status':{'allocatable':{}}}");
    ok(n.topology.p && n.topology.n == 0, "an empty annotation is there");
    ok(!n.smi_topo.p && !n.cordoned.p && !n.allocations.p, "an absent one is not");
    ok(n.gpus_known && n.gpus == 0, "a node that lists no GPU has none");
    is_int(n.gfd_count, 0, "a count label that is no number is unknown");
    n = read_node(a, "{'metadata':{'name':'n'},'status':{'allocatable':{'nvidia.com/gpu':'4k'}}}");
    is_int(n.gpus, 4000, "time slices by the thousand come with a suffix");

    n = read_node(a, "{'metadata':{'name':'n','annotations':{'tpguard.io/topology':null,"
                     "'tpguard.io/Topology':'other'}},'status':{}}");
    ok(!n.topology.p, "a null annotation is absent, another case another annotation");
    ok(!n.gpus_known && !n.unschedulable, "without allocatable the GPU count is unknown");
}

static void test_namespace(struct arena *a) {
    struct namespace_object n = {0};
    struct err e = {0};
    ok(namespace_decode(
           parsed(a, "{'metadata':{'name':'llm','labels':{'tpguard.io/mode':'warn'}}}"), &n, &e),
       "a namespace is read");
    is_span(n.name, "llm", "its name");
    is_span(n.mode, "warn", "its mode");
    ok(namespace_decode(parsed(a, "{'metadata':{'name':'llm'}}"), &n, &e) && !n.mode.p,
       "no label is no mode");
    refused(&e, namespace_decode(parsed(a, "{'metadata':{}}"), &n, &e), ERR_INPUT, "metadata.name",
            "a namespace without a name is refused");
    refused(&e,
            namespace_decode(parsed(a, "{'metadata':{'name':'x','labels':{'tpguard.io/mode':1}}}"),
                             &n, &e),
            ERR_INPUT, "metadata.labels['tpguard.io/mode']", "a mode that is no text is refused");
}

int main(void) {
    struct arena a = arena_new(FIXTURE_CAP);
    test_refusals(&a);
    test_values(&a);
    test_namespace(&a);
    arena_done(&a);
    return tap_done();
}
