#include "tests/unit/codec/fixture.h"
#include "webhook/codec/extender.h"
#include "webhook/codec/extender_nodes.h"

#define POD "{'Pod':{'metadata':{'name':'p'},'spec':{}}"
#define N253                                                                                       \
    "0123456789012345678901234567890123456789012345678901234567890123"                             \
    "0123456789012345678901234567890123456789012345678901234567890123"                             \
    "0123456789012345678901234567890123456789012345678901234567890123"                             \
    "0123456789012345678901234567890123456789012345678901234567890"

struct refusal {
    const char *json;
    const char *path;
    const char *what;
};

static const struct refusal refusals[] = {
    {"", "", "no text"},
    {"[]", "", "a list"},
    {"null", "", "null"},
    {"{}", "Pod", "no pod"},
    {"{'Nodes':null,'NodeNames':['n1']}", "Pod", "names without a pod"},
    {"{'Pod':null,'NodeNames':['n1']}", "Pod", "a pod that is null"},
    {"{'Pod':[],'NodeNames':['n1']}", "Pod", "a pod that is a list"},
    {"{'Pod':'p'}", "Pod", "a pod that is a text"},
    {"{'pod':{}}", "pod", "a pod in the wrong case"},
    {POD ",'nodenames':['n1']}", "nodenames", "names in the wrong case"},
    {POD ",'NODES':null}", "NODES", "nodes in the wrong case, even null"},
    {"{'\\u0070od':{}}", "['\\u0070od']", "a wrong case behind an escape"},
    {POD ",'Node\xC5\xBF':null}",
     "['Node?"
     "?']",
     "a long s"},
    {POD ",'Pod':{}}", "", "two pods"},
    {POD ",'\\u0050od':{}}", "", "two pods, one written with an escape"},
    {POD ",'NodeNames':['n1'],'NodeNames':['n2']}", "", "two lists of names"},
    {POD ",'NodeNames':['n1']} x", "", "text behind the end"},
    {POD ",'NodeNames':['n1']}{}", "", "a second object"},
    {POD ",'NodeNames':['n1','n", "NodeNames[1]", "a text cut in a name"},
    {POD ",'NodeNames':['n1'", "NodeNames[0]", "a text cut in the list"},
    {POD ",'NodeNames':['n1']", "NodeNames", "a text cut before its end"},
    {"{'Pod':{'metadata':{'na", "Pod.metadata", "a text cut in the pod"},
    {POD ",'NodeNames':{}}", "NodeNames", "names that are an object"},
    {POD ",'NodeNames':'n1'}", "NodeNames", "names that are a text"},
    {POD ",'NodeNames':['n1',2]}", "NodeNames[1]", "a name that is a number"},
    {POD ",'NodeNames':[null]}", "NodeNames[0]", "a name that is null"},
    {POD ",'NodeNames':['n1',]}", "NodeNames[1]", "a comma at the end"},
    {POD ",'NodeNames':['n1' 'n2']}", "NodeNames[0]", "a comma that is missing"},
    {POD ",'NodeNames':['']}", "NodeNames[0]", "an empty name"},
    {POD ",'NodeNames':['n1','n\\u0032']}", "NodeNames[1]", "a name with an escape"},
    {POD ",'NodeNames':['n1','a\\\"b']}", "NodeNames[1]", "a name with a quote"},
    {POD ",'NodeNames':['a\x01']}", "NodeNames[0]", "a name with a control character"},
    {POD ",'NodeNames':['a\xFF']}", "NodeNames[0]", "a name that is not UTF-8"},
    {POD ",'NodeNames':['" N253 "4']}", "NodeNames[0]", "a name of 254 bytes"},
    {POD ",'NodeNames':['n1','n2','n1']}", "NodeNames[2]", "a node named twice"},
    {POD ",'Nodes':{'items':[]},'NodeNames':[]}", "NodeNames", "nodes and names"},
    {POD ",'Nodes':[]}", "Nodes", "nodes that are a list"},
    {POD ",'Nodes':{'Items':[]}}", "Nodes.Items", "items in the wrong case"},
    {POD ",'Nodes':{'items':{}}}", "Nodes.items", "items that are an object"},
    {POD ",'Nodes':{'items':[],'items':[]}}", "Nodes", "two lists of items"},
    {POD ",'Nodes':{'items':[null]}}", "Nodes.items[0]", "a node that is null"},
    {POD ",'Nodes':{'items':[{}]}}", "Nodes.items[0]", "a node without metadata"},
    {POD ",'Nodes':{'items':[{'metadata':{}}]}}", "Nodes.items[0]", "a node without a name"},
    {POD ",'Nodes':{'items':[{'metadata':null}]}}", "Nodes.items[0].metadata",
     "a node whose metadata is null"},
    {POD ",'Nodes':{'items':[{'metadata':{'name':1}}]}}", "Nodes.items[0].metadata.name",
     "a node whose name is a number"},
    {POD ",'Nodes':{'items':[{'metadata':{'Name':'n'}}]}}", "Nodes.items[0].metadata.Name",
     "a node's name in the wrong case"},
    {POD ",'Nodes':{'items':[{'metadata':{'name':'n','name':'m'}}]}}", "Nodes.items[0].metadata",
     "a node with two names"},
    {POD ",'Nodes':{'items':[{'metadata':{'name':'n'}},{'metadata':{'name':'n'}}]}}",
     "Nodes.items[1].metadata.name", "two nodes of one name"},
    {"{'Pod':{'spec':{'containers':[{'args':[1]}]}}}", "Pod.spec.containers[0].args[0]",
     "a broken pod"},
    {"{'Pod':{'spec':{'a':1,'a':2}}}", "Pod.spec", "a key twice in the pod"},
};

static void test_refusals(struct arena *a) {
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct extender_args args = {.form = EXTENDER_NODES};
        struct err e = {0};
        char what[96];
        (void)snprintf(what, sizeof what, "%s: refused with its path", refusals[i].what);
        bool done = extender_decode(quoted(a, refusals[i].json), a, &args, &e);
        refused(&e, done, ERR_INPUT, refusals[i].path, what);
        if (args.form != EXTENDER_NODES || args.pod.name.p) {
            ok(false, "a refusal leaves the arguments untouched");
        }
    }
    struct extender_args args;
    ok(!extender_decode(SPAN("{"), a, &args, NULL), "an error nobody wants is no trouble");
}

/* ---- answers ---- */

/* n3 fits not, for now; n5 never; the score is the last digit. */
static void judge(void *ctx, struct span name, struct extender_verdict *out) {
    unsigned *calls = ctx;
    (*calls)++;
    char last = name.p[name.n - 1];
    out->fits = last != '3' && last != '5';
    out->resolvable = last == '3';
    out->phrase = SPAN("node(s) had no set");
    out->score = last == '9' ? 10 : (uint8_t)(last - '0');
}

typedef bool answer_fn(const struct extender_args *args, extender_judge *judge, void *ctx,
                       struct buf *out, struct err *e);

static void answer_is(struct arena *a, answer_fn *answer, const char *body, const char *want,
                      const char *what) {
    struct extender_args args = {0};
    struct err e = {0};
    struct buf out = buf_new(FIXTURE_CAP);
    const struct json *root = NULL;
    unsigned calls = 0;
    bool done =
        extender_decode(quoted(a, body), a, &args, &e) && answer(&args, judge, &calls, &out, &e);
    struct span expected = quoted(a, want);
    if (!ok(done && span_eq(buf_view(&out), expected), "%s", what)) {
        printf("#  got: %s %s %s\n# want: " SPAN_FMT "\n", buf_cstr(&out), e.path, e.msg,
               SPAN_ARG(expected));
    }
    ok(done && json_parse(buf_view(&out), a, &root, &e), "and it is JSON without duplicate keys");
    buf_done(&out);
}

#define NO_MAPS "'FailedNodes':{},'FailedAndUnresolvableNodes':{},'Error':''}"

static void test_filter(struct arena *a) {
    answer_is(a, extender_filter, POD ",'Nodes':null,'NodeNames':['n2','n1','n3','n4','n5']}",
              "{'Nodes':null,'NodeNames':['n2','n1','n4'],'FailedNodes':{'n3':'node(s) had no "
              "set'},'FailedAndUnresolvableNodes':{'n5':'node(s) had no set'},'Error':''}",
              "names that fit keep their order, the others go into their maps");
    answer_is(a, extender_filter, POD ",'NodeNames':[ 'n1' ,\n'a-3','b-3' ] }",
              "{'Nodes':null,'NodeNames':['n1'],'FailedNodes':{'a-3':'node(s) had no set','b-3':"
              "'node(s) had no set'},'FailedAndUnresolvableNodes':{},'Error':''}",
              "white space in the request is no part of the answer");
    answer_is(a, extender_filter, POD ",'NodeNames':['n5']}",
              "{'Nodes':null,'NodeNames':[],'FailedNodes':{},'FailedAndUnresolvableNodes':"
              "{'n5':'node(s) had no set'},'Error':''}",
              "no name that fits is an empty list, not null");
    answer_is(a, extender_filter, POD ",'NodeNames':[]}", "{'Nodes':null,'NodeNames':[]," NO_MAPS,
              "no names are no names");
    answer_is(a, extender_filter, POD ",'Nodes':null,'NodeNames':null}",
              "{'Nodes':null,'NodeNames':[]," NO_MAPS, "two nulls are answered by an empty list");
    answer_is(a, extender_filter, POD ",'Later':{'x':[1]}}",
              "{'Nodes':null,'NodeNames':[]," NO_MAPS, "keys of a later version are passed over");
    answer_is(a, extender_filter, "{'NodeNames':['n1'],'Pod':{}}",
              "{'Nodes':null,'NodeNames':['n1']," NO_MAPS, "members may come in any order");
    answer_is(a, extender_filter, POD ",'NodeNames':['" N253 "']}",
              "{'Nodes':null,'NodeNames':['" N253 "']," NO_MAPS, "a name may have 253 bytes");
}

static void test_filter_nodes(struct arena *a) {
    answer_is(a, extender_filter,
              POD ",'Nodes':{'kind':'NodeList','items':[ {'metadata':{'labels':{'name':'x'},"
                  "'name':'n1'},'x':[1, 2]}, {'metadata':{'name':'n3'}},{'spec':{},'metadata':"
                  "{'name':'n4'}} ],'apiVersion':'v1','metadata':{'resourceVersion':'7'},'y':{}}}",
              "{'Nodes':{'kind':'NodeList','apiVersion':'v1','metadata':{'resourceVersion':'7'},"
              "'items':[{'metadata':{'labels':{'name':'x'},'name':'n1'},'x':[1, 2]},{'spec':{},"
              "'metadata':{'name':'n4'}}]},'NodeNames':null,'FailedNodes':{'n3':'node(s) had no "
              "set'},'FailedAndUnresolvableNodes':{},'Error':''}",
              "nodes that fit are copied as they came, with the head of their list");
    answer_is(a, extender_filter, POD ",'Nodes':{'items':[]},'NodeNames':null}",
              "{'Nodes':{'metadata':{},'items':[]},'NodeNames':null," NO_MAPS,
              "an empty list of nodes is answered by one");
    answer_is(a, extender_filter, POD ",'Nodes':{'metadata':{},'items':null}}",
              "{'Nodes':{'metadata':{},'items':[]},'NodeNames':null," NO_MAPS,
              "items that are null are none");
}

static void test_prioritize(struct arena *a) {
    answer_is(a, extender_prioritize, POD ",'NodeNames':['n7','n9','n0','n3']}",
              "[{'Host':'n7','Score':7},{'Host':'n9','Score':10},{'Host':'n0','Score':0},"
              "{'Host':'n3','Score':3}]",
              "every name gets its score, in order");
    answer_is(a, extender_prioritize, POD ",'NodeNames':[]}", "[]", "no names, no scores");
    answer_is(a, extender_prioritize, POD "}", "[]", "no list, no scores");
    answer_is(a, extender_prioritize,
              POD ",'Nodes':{'items':[{'metadata':{'name':'n2'}},{'metadata':{'name':'n9'}}]}}",
              "[{'Host':'n2','Score':2},{'Host':'n9','Score':10}]", "nodes get scores by name");
}

static void test_error(void) {
    char text[256];
    struct buf out = BUF_OVER(text);
    extender_error("bad \"body\"", &out);
    is_str(text,
           "{\"Nodes\":null,\"NodeNames\":null,\"FailedNodes\":null,"
           "\"FailedAndUnresolvableNodes\":null,\"Error\":\"bad \\\"body\\\"\"}",
           "an error is a result with nothing else in it");
}

/* ---- bounds ---- */

/* A request of n names; the one at `again` is the first once more. Caller frees. */
static struct buf names_body(unsigned n, unsigned again) {
    struct buf b = buf_new(FIXTURE_CAP);
    buf_str(&b, "{\"Pod\":{},\"NodeNames\":[");
    for (unsigned i = 0; i < n; i++) {
        buf_fmt(&b, "%s\"gpu-pool-%u-n%u\"", i ? "," : "", i % 7, i == again ? 0 : i);
    }
    buf_str(&b, "]}");
    return b;
}

static void test_bounds(void) {
    struct arena a = arena_new(FIXTURE_CAP);
    struct extender_args args = {0};
    struct err e = {0};
    struct buf full = names_body(EXTENDER_NODES_MAX, UINT32_MAX);
    struct buf over = names_body(EXTENDER_NODES_MAX + 1, UINT32_MAX);
    struct buf twice = names_body(70001, 70000); /* 70000 % 7 is 0, as of the first */
    ok(extender_decode(buf_view(&full), &a, &args, &e), "200000 names are read");
    refused(&e, extender_decode(buf_view(&over), &a, &args, &e), ERR_TOO_LARGE, "NodeNames[200000]",
            "one more is refused");
    refused(&e, extender_decode(buf_view(&twice), &a, &args, &e), ERR_INPUT, "NodeNames[70000]",
            "a name that comes again after 70000 others is seen");
    struct arena small = arena_new((size_t)256 * 1024);
    refused(&e, extender_decode(buf_view(&full), &small, &args, &e), ERR_TOO_LARGE, "NodeNames[0]",
            "names past the memory of a request are refused");
    arena_done(&small);

    char text[64] = "";
    struct buf out = BUF_OVER(text);
    unsigned calls = 0;
    ok(extender_decode(buf_view(&full), &a, &args, &e) &&
           !extender_filter(&args, judge, &calls, &out, &e) && e.code == ERR_TOO_LARGE,
       "an answer past its maximum is an error");
    ok(calls == EXTENDER_NODES_MAX, "every node is judged once");
    out = BUF_OVER(text);
    ok(!extender_prioritize(&args, judge, &calls, &out, &e) && e.code == ERR_TOO_LARGE,
       "scores past their maximum are an error");
    buf_done(&full);
    buf_done(&over);
    buf_done(&twice);
    arena_done(&a);
}

/* Somebody who knows the hash: 600 names that all begin to look for their place at the same one. */
static void test_crowded(struct arena *a) {
    struct buf b = buf_new(FIXTURE_CAP);
    unsigned found = 0;
    buf_str(&b, "{\"Pod\":{},\"NodeNames\":[");
    for (unsigned i = 0; found < 600; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "n%u", i);
        if ((node_name_hash((struct span){name, (size_t)n}) & 0xFFF) == 0) {
            buf_fmt(&b, "%s\"%s\"", found ? "," : "", name);
            found++;
        }
    }
    buf_str(&b, "]}");
    struct extender_args args = {0};
    struct err e = {0};
    refused(&e, extender_decode(buf_view(&b), a, &args, &e), ERR_TOO_LARGE, "NodeNames[512]",
            "names made to hash alike are refused before they cost their square");
    buf_done(&b);
}

/* A name of every length with every sort of byte at every place, far from the end of the text and
 * right at it, which are read in different ways. */
static void test_every_name(void) {
    static const struct {
        const char *bytes;
        bool good;
    } sorts[] = {{"x", true},     {"\x7F", true},     {"\xC3\xA4", true},
                 {"\\n", false},  {"\x1F", false},    {"\x80", false},
                 {"\xC3", false}, {"\\u0041", false}, {"\xE2\x82\xAC", true}};
    unsigned wrong = 0;
    for (size_t sort = 0; sort < sizeof sorts / sizeof sorts[0]; sort++) {
        for (unsigned n = 0; n <= 260; n += n < 20 || n > 240 ? 1 : 9) {
            for (unsigned at = 0; at <= n; at += n < 40 ? 1 : 13) {
                char text[800];
                struct buf b = BUF_OVER(text);
                struct arena a = arena_new(FIXTURE_CAP);
                struct extender_args args = {0};
                struct err e = {0};
                buf_str(&b, "{\"Pod\":{},\"NodeNames\":[\"");
                buf_fill(&b, 'a', at);
                buf_str(&b, sorts[sort].bytes);
                buf_fill(&b, 'b', n - at);
                buf_str(&b, n & 1 ? "\"]}" : "\",\"another-name\"]}");
                size_t length = n + strlen(sorts[sort].bytes);
                bool want = sorts[sort].good && length <= 253;
                bool done = extender_decode(buf_view(&b), &a, &args, &e);
                wrong += done != want || (done && args.name[0].n != length);
                arena_done(&a);
            }
        }
    }
    is_int(wrong, 0, "a name is read the same however it lies in the text");
}

/* Answers are appended. */
static void test_append(struct arena *a) {
    struct extender_args args = {0};
    struct err e = {0};
    char text[128];
    struct buf out = BUF_OVER(text);
    unsigned calls = 0;
    buf_str(&out, ">");
    ok(extender_decode(quoted(a, POD ",'NodeNames':['n1']}"), a, &args, &e) &&
           extender_prioritize(&args, judge, &calls, &out, &e) &&
           extender_prioritize(&args, judge, &calls, &out, &e),
       "two answers into one buffer");
    is_str(text, ">[{\"Host\":\"n1\",\"Score\":1}][{\"Host\":\"n1\",\"Score\":1}]",
           "stand one behind the other");
}

/* What a real scheduler sent. */
static void test_recorded(struct arena *a) {
    static const struct {
        const char *file;
        enum extender_form form;
        unsigned nodes;
    } rows[] = {
        {"filter", EXTENDER_NAMES, 3},
        {"filter-retried", EXTENDER_NAMES, 3},
        {"prioritize", EXTENDER_NAMES, 3},
        {"filter-full-nodes", EXTENDER_NODES, 3},
        {"prioritize-full-nodes", EXTENDER_NODES, 3},
        {"preempt-victims", EXTENDER_NONE, 0},
        {"preempt-meta-victims", EXTENDER_NONE, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[96];
        struct extender_args args = {0};
        struct err e = {0};
        struct buf out = buf_new(FIXTURE_CAP);
        const struct json *root = NULL;
        unsigned calls = 0;
        (void)snprintf(path, sizeof path, "tests/requests/%s.json", rows[i].file);
        ok(extender_decode(file_text(a, path), a, &args, &e) && args.form == rows[i].form &&
               args.pod.n_containers == 1 && args.pod.containers[0].gpus > 0,
           "%s of a real scheduler is read", rows[i].file);
        ok(extender_filter(&args, judge, &calls, &out, &e) && calls == rows[i].nodes &&
               json_parse(buf_view(&out), a, &root, &e),
           "and can be answered");
        buf_done(&out);
    }
}

int main(void) {
    struct arena a = arena_new(FIXTURE_CAP);
    test_refusals(&a);
    test_filter(&a);
    test_filter_nodes(&a);
    test_prioritize(&a);
    test_error();
    test_bounds();
    test_crowded(&a);
    test_every_name();
    test_append(&a);
    test_recorded(&a);
    arena_done(&a);
    return tap_done();
}
