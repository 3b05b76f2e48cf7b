#include "tests/tap.h"
#include "tests/unit/codec/fixture.h"
#include "webhook/codec/manifest.h"

/* What the sink saw: "node a; pod llm/p; ns n; ". */
struct seen {
    struct buf text;
    const char *stop_at; /* the sink refuses this node */
};

static bool on_node(void *ctx, const struct node_object *n, struct err *e) {
    struct seen *s = ctx;
    if (s->stop_at && span_is(n->name, s->stop_at)) {
        return err_set(e, ERR_TOO_LARGE, "full");
    }
    buf_fmt(&s->text, "node " SPAN_FMT " %u; ", SPAN_ARG(n->name), n->gpus);
    return true;
}

static bool on_pod(void *ctx, const struct pod *p, struct err *e) {
    struct seen *s = ctx;
    (void)e;
    buf_fmt(&s->text, "pod " SPAN_FMT "/" SPAN_FMT "; ", SPAN_ARG(p->ns), SPAN_ARG(p->name));
    return true;
}

static bool on_ns(void *ctx, const struct namespace_object *n, struct err *e) {
    struct seen *s = ctx;
    (void)e;
    buf_fmt(&s->text, "ns " SPAN_FMT "; ", SPAN_ARG(n->name));
    return true;
}

static char seen_text[4096];

static bool read_file(struct span text, const char *stop_at, struct cluster_file_counts *counts,
                      struct err *e) {
    struct seen s = {.text = BUF_OVER(seen_text), .stop_at = stop_at};
    const struct cluster_sink sink = {.ctx = &s, .node = on_node, .pod = on_pod, .ns = on_ns};
    return cluster_file_read(text, &sink, counts, e);
}

#define NODE_A                                                                                     \
    "- apiVersion: v1\n  kind: Node\n  metadata: {name: a}\n"                                      \
    "  status: {allocatable: {nvidia.com/gpu: \"4\"}}\n"
#define POD_P                                                                                      \
    "- apiVersion: v1\n  kind: Pod\n  metadata: {name: p, namespace: llm}\n"                       \
    "  spec: {containers: [{name: c}]}\n"
#define NS_N "- {apiVersion: v1, kind: Namespace, metadata: {name: team}}\n"

static void refusals(void) {
    static const struct {
        const char *text, *path, *msg, *what;
    } rows[] = {
        {"error: You must be logged in to the server\n", "",
         "line 1: wants a kind (List, Node, Pod, Namespace), found none",
         "the words of a failed kubectl are refused"},
        {"no nodes\n", "", "line 1: wants a Kubernetes object, found a string",
         "a text is refused"},
        {"a: 1\n", "kind", "line 1: wants a kind (List, Node, Pod, Namespace), found none",
         "an object without a kind is refused"},
        {"kind: List\nitems:\n" NODE_A "- 7\n", "items[1]",
         "line 7: wants a Kubernetes object, found a number",
         "an item that is a number is refused"},
        {"kind: List\nitems:\n" NODE_A "- kind: Node\n", "items[1].metadata", NULL,
         "a node without metadata is refused"},
        {"items:\n" NODE_A "kind: Foo\n", "", "line 1: items in what is no List",
         "items of something else are refused"},
        {"items:\n" NODE_A "items:\n" NODE_A "kind: List\n", "", "line 6: items is there twice",
         "items twice are refused"},
        {"{\"kind\":\"List\",\"items\":[],\"items\":[]}", "", NULL, "in JSON too"},
        {"kind: List\nitems:\n" NODE_A "- kind: Pod\n  metadata: {name: [\n", "", NULL,
         "a cut file is refused"},
        {"{\"kind\":\"List\",\"items\":[{\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"}},", "",
         NULL, "a cut JSON file is refused"},
        {"kind: List\nitems:\n- &x {kind: Node, metadata: {name: a}}\n- *x\n", "",
         "line 4: alias *x names no anchor", "an alias into another item is refused"},
        {"{\"kind\":\"List\",\"items\":[\n{\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"},"
         "\"status\":{\"allocatable\":{\"nvidia.com/gpu\":\"x\"}}}]}",
         "items[0].status.allocatable['nvidia.com/gpu']", NULL, "a bad count is refused"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cluster_file_counts counts = {.nodes = 77};
        struct err e = {0};
        bool done = read_file(span_of(rows[i].text), NULL, &counts, &e);
        bool path = rows[i].path[0] ? strcmp(e.path, rows[i].path) == 0 : true;
        bool good = ok(!done && e.code != ERR_NONE && path && counts.nodes == 77 &&
                           (!rows[i].msg || strcmp(rows[i].msg, e.msg) == 0),
                       "%s", rows[i].what);
        if (!good) {
            printf("#  got: %d '%s' %s\n", done, e.path, e.msg);
        }
    }
    struct cluster_file_counts counts = {0};
    struct err e = {0};
    ok(!read_file(SPAN("kind: List\nitems:\n" NODE_A POD_P), "a", &counts, &e) &&
           e.code == ERR_TOO_LARGE && counts.nodes == 0,
       "what the receiver refuses ends the reading");
    is_str(e.msg, "line 3: a: full", "and says which object it was");
}

static void good_ones(void) {
    static const struct {
        const char *text, *want, *what;
    } rows[] = {
        {"apiVersion: v1\nitems:\n" NODE_A POD_P NS_N
         "- {apiVersion: v1, kind: Service}\nkind: List\n"
         "metadata: {resourceVersion: \"\"}\n",
         "node a 4; pod llm/p; ns team; ", "a List as kubectl prints it"},
        {"kind: NodeList\napiVersion: v1\nitems:\n- metadata: {name: b}\n", "node b 0; ",
         "a raw NodeList, whose items have no kind"},
        {"{\"items\":[{\"metadata\":{\"name\":\"b\"}}],\"kind\":\"NodeList\"}", "node b 0; ",
         "also when the kind stands behind the items"},
        {"{\"kind\":\"List\",\"items\":[{\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"}},\n"
         "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":\"x\"},"
         "\"spec\":{\"containers\":[{\"name\":\"c\"}]}}]}\n",
         "node a 0; pod x/p; ", "a List in JSON"},
        {"kind: Node\nmetadata: {name: a}\n---\nkind: Node\nmetadata: {name: b}\n",
         "node a 0; node b 0; ", "single objects, one a document"},
        {"{\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"}}\n{\"kind\":\"Namespace\",\"metadata\":{"
         "\"name\":\"n\"}}",
         "node a 0; ns n; ", "JSON objects one after the other"},
        {"[{\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"}}]", "node a 0; ", "a bare JSON array"},
        {"- {kind: Node, metadata: {name: a}}\n", "node a 0; ", "a bare YAML list"},
        {"kind: List\nitems: []\n", "", "an empty cluster"},
        {"kind: Foo\nitems: [1, 2]\n", "", "items of another kind are its own business"},
        {"kind: List\nitems:\n- {apiVersion: metrics.k8s.io/v1, kind: Node}\n", "",
         "a Node of another API group is no Node"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cluster_file_counts counts = {0};
        struct err e = {0};
        bool done = read_file(span_of(rows[i].text), NULL, &counts, &e);
        if (!ok(done && strcmp(seen_text, rows[i].want) == 0, "%s", rows[i].what)) {
            printf("#  got: %d %s '%s' %s\n", done, seen_text, e.path, e.msg);
        }
    }
    struct cluster_file_counts counts = {0};
    struct err e = {0};
    ok(read_file(SPAN("kind: List\nitems:\n" NODE_A POD_P NS_N POD_P "- kind: X\n"), NULL, &counts,
                 &e) &&
           counts.nodes == 1 && counts.pods == 2 && counts.namespaces == 1 && counts.others == 1,
       "objects are counted by kind");
}

/* Memory follows the largest object, not the file: 60,000 pods, 12 MB, through a tree limit of far
 * less. */
static void large(void) {
    struct buf b = buf_new((size_t)64 * 1024 * 1024);
    struct cluster_file_counts counts = {0};
    struct err e = {0};
    const struct cluster_sink quiet = {0};
    buf_str(&b, "kind: List\nitems:\n");
    for (unsigned i = 0; i < 3000; i++) {
        buf_str(&b, POD_P);
    }
    ok(cluster_file_read(buf_view(&b), &quiet, &counts, &e) && counts.pods == 3000,
       "a long YAML list is read item by item");
    buf_reset(&b);
    buf_str(&b, "{\"kind\":\"PodList\",\"items\":[");
    for (unsigned i = 0; i < 60000; i++) {
        buf_str(&b, i ? "," : "");
        buf_str(&b, "{\"metadata\":{\"name\":\"p\",\"namespace\":\"llm\"},\"spec\":{\"containers\":"
                    "[{\"name\":\"c\",\"args\":[\"--a\",\"--b\",\"--c\",\"--d\",\"--e\"]}]}}");
    }
    buf_str(&b, "]}");
    ok(cluster_file_read(buf_view(&b), &quiet, &counts, &e) && counts.pods == 60000,
       "a long JSON list is read item by item");

    buf_reset(&b);
    buf_str(&b, "{\"kind\":\"Node\",\"metadata\":{\"name\":\"");
    buf_fill(&b, 'x', (size_t)4 * 1024 * 1024);
    buf_str(&b, "\"}}");
    ok(!cluster_file_read(buf_view(&b), &quiet, &counts, &e) && e.code == ERR_TOO_LARGE,
       "one object beyond all measure is refused");
    buf_done(&b);
}

int main(void) {
    refusals();
    good_ones();
    large();
    return tap_done();
}
