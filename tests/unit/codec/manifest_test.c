#include "tests/tap.h"
#include "tests/unit/codec/fixture.h"
#include "webhook/codec/manifest.h"

#define SPEC                                                                                       \
    "    spec:\n"                                                                                  \
    "      containers:\n"                                                                          \
    "      - name: main\n"                                                                         \
    "        args: [--tensor-parallel-size, \"2\"]\n"
#define DEPLOYMENT                                                                                 \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  template:\n" SPEC
#define POD     "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}\n"
#define SERVICE "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"

static struct arena arena;

struct result {
    bool done;
    struct manifest m;
    unsigned doc;
    struct err e;
};

static struct result read_text(struct span text) {
    struct result r = {.doc = 77};
    arena_reset(&arena);
    r.done = manifest_read(text, &arena, &r.m, &r.doc, &r.e);
    return r;
}

static struct result read_str(const char *text) {
    return read_text(span_of(text));
}

static void refusals(void) {
    static const struct {
        const char *text, *path, *msg, *what;
        unsigned doc;
    } rows[] = {
        {"", "", "wants a manifest, found no object", "an empty file is refused", 77},
        {"---\n# nothing\n---\n", "", "wants a manifest, found no object",
         "a file of comments is refused", 77},
        {"a: [\n", "",
         "line 2: did not find expected node content while parsing a flow node (from line 2)",
         "a file that is no YAML is refused", 77},
        {"just text\n", "", "wants a Kubernetes object, found a string", "a text is refused", 0},
        {POD "---\n- 1\n", "", "wants a Kubernetes object, found an array", "a list is refused", 1},
        {"kind: [Pod]\n", "kind", "wants a string, found an array", "a kind that is a list", 0},
        {"kind: List\nitems: {}\n", "items", "wants an array, found an object",
         "a List whose items are a map", 0},
        {"kind: List\nitems: [1]\n", "items[0]", "wants a Kubernetes object, found a number",
         "a List with a number in it", 0},
        {POD
         "---\nkind: List\nitems:\n- kind: Service\n- kind: Pod\n  spec: {containers: [{name: c, "
         "args: [8]}]}\n",
         "items[1].spec.containers[0].args[0]", NULL, "the path of a fault leads through the List",
         1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct result r = read_str(rows[i].text);
        bool good = ok(!r.done && r.e.code == ERR_INPUT && strcmp(r.e.path, rows[i].path) == 0 &&
                           (!rows[i].msg || strcmp(r.e.msg, rows[i].msg) == 0) &&
                           r.doc == rows[i].doc && r.m.n == 0,
                       "%s", rows[i].what);
        if (!good) {
            printf("#  got: doc %u '%s' %s\n", r.doc, r.e.path, r.e.msg);
        }
    }
    const char *deep = "kind: List\nitems: [{kind: List, items: [{kind: List, items: [{kind: List, "
                       "items: [{kind: List, items: [{kind: List}]}]}]}]}]\n";
    struct result r = read_str(deep);
    is_str(r.e.msg, "Lists inside Lists, more than 4 deep", "Lists do not nest for ever");

    struct buf b = buf_new(MANIFEST_MAX + 1);
    buf_fill(&b, '\n', MANIFEST_MAX + 1);
    r = read_text(buf_view(&b));
    is_str(r.e.msg, "a manifest of more than 8 MiB", "a file beyond the maximum is refused");
    buf_done(&b);
}

static void good_ones(void) {
    struct result r = read_str(SERVICE "---\n" DEPLOYMENT "---\n" POD);
    ok(r.done && r.m.n == 2 && r.m.others == 1 && r.m.broken == 0,
       "pod templates are found, other kinds counted");
    ok(r.m.n == 2 && r.m.unit[0].doc == 1 && r.m.unit[1].doc == 2, "each unit knows its document");
    is_str(r.m.unit[0].path, "spec.template", "and its place in it");
    is_span(r.m.unit[0].pod.containers[0].args[1], "2", "and its pod is decoded");

    r = read_str(
        "kind: List\nitems:\n- {apiVersion: v1, kind: Pod, spec: {containers: [{name: c}]}}\n"
        "- kind: PodList\n  items:\n  - {kind: Service}\n"
        "  - {kind: Deployment, spec: {template: {spec: {containers: [{name: c}]}}}}\n");
    ok(r.done && r.m.n == 2 && r.m.others == 1, "Lists are flattened");
    is_str(r.m.unit[0].path, "items[0]", "a pod in a List has its place there");
    is_str(r.m.unit[1].path, "items[1].items[1].spec.template", "Lists in Lists too");

    r = read_str("kind: List\n");
    ok(r.done && r.m.n == 0, "a List without items holds nothing");

    r = read_str("{\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"name\":\"c\"}]}}\n"
                 "{\"kind\":\"Service\"}");
    ok(r.done && r.m.n == 1 && r.m.others == 1, "JSON texts are read as well");
}

static void broken_ones(void) {
    struct result r = read_str(DEPLOYMENT "---\napiVersion: v1\nkind: Secret\ndata: {{TOKEN}}\n");
    ok(r.done && r.m.n == 1 && r.m.broken == 1, "a broken document does not hide the good one");
    is_str(r.m.first_broken.msg,
           "line 13: a key is a map: JSON has no such key (an unfilled template?)",
           "and its line is told");
    r = read_str("{\"kind\":\"Pod\",\"kind\":\"Pod\"}{\"kind\":\"Service\"}");
    ok(r.done && r.m.n == 0 && r.m.broken == 1 && r.m.others == 1,
       "a JSON text with a key twice is a broken document");
    ok(span_starts(span_of(r.m.first_broken.msg), "line 1: "), "with its line");
    r = read_str(POD "---\nspec:\n\t- x\n---\n" DEPLOYMENT);
    ok(r.done && r.m.n == 2 && r.m.unit[1].doc == 2, "documents behind it are read too");
    is_int(yaml_line(SPAN(POD "---\nspec:\n\t- x\n---\n" DEPLOYMENT), 2,
                     "spec.template.spec.containers[0].args[1]"),
           17, "and their lines are found");
}

/* Real manifests, where a developer has them: none may be refused, the one known to hold a broken
 * document excepted. */
static void corpus(void) {
    static const char *const names[] = {"gke-vllm-llama4-maverick-fp8-tp8", "gke-vllm-gemma7b-tp2",
                                        "aibrix-fleet-two-node", "kthena-vllm-pd-pp2",
                                        "llmd-pd-tp1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "../shared/corpus/manifests/%s.yaml", names[i]);
        struct arena a = arena_new(FIXTURE_CAP);
        struct span text = file_text(&a, path);
        if (!text.p) {
            skip("no corpus here", names[i]);
            arena_done(&a);
            continue;
        }
        struct result r = read_text(text);
        ok(r.done && r.m.n >= 1 && r.m.broken == (i == 0), "%s is read (%u units)", names[i],
           r.m.n);
        arena_done(&a);
    }
}

int main(void) {
    arena = arena_new(FIXTURE_CAP);
    refusals();
    good_ones();
    broken_ones();
    corpus();
    arena_done(&arena);
    return tap_done();
}
