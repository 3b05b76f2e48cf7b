#include "tests/unit/codec/fixture.h"
#include "webhook/codec/extender.h"

#define POD  "'Pod':{'metadata':{'name':'p','namespace':'llm'},'spec':{'containers':[]}}"
#define META "{" POD ",'NodeNameToVictims':null,'NodeNameToMetaVictims':"
#define FULL "{" POD ",'NodeNameToMetaVictims':null,'NodeNameToVictims':"

static const struct {
    const char *json, *path, *what;
} refusals[] = {
    {"", "", "nothing"},
    {"[]", "", "a list"},
    {"{'NodeNameToMetaVictims':{}}", "Pod", "no pod"},
    {"{'Pod':null,'NodeNameToMetaVictims':{}}", "Pod", "a pod that is null"},
    {"{'Pod':{'spec':{'containers':1}}}", "Pod.spec.containers", "a broken pod"},
    {"{'pod':{}}", "pod", "a key in the wrong case"},
    {META "{}} {}", "", "something behind it"},
    {"{" POD ",'NodeNameToVictims':{},'NodeNameToMetaVictims':{}}", "NodeNameToMetaVictims",
     "both forms"},
    {META "{},'NodeNameToMetaVictims':{}}", "", "one form twice"},
    {META "[]}", "NodeNameToMetaVictims", "a list of nodes"},
    {META "{'':{}}}", "NodeNameToMetaVictims", "a node without a name"},
    {META "{'n\\u0031':{}}}", "NodeNameToMetaVictims['n\\u0031']", "a name with escapes"},
    {META "{'n':{},'n':{}}}", "NodeNameToMetaVictims", "a node twice"},
    {META "{'n':[]}}", "NodeNameToMetaVictims.n", "victims that are a list"},
    {META "{'n':{'pods':[]}}}", "NodeNameToMetaVictims.n.pods", "a wrong case inside"},
    {META "{'n':{'Pods':{}}}}", "NodeNameToMetaVictims.n.Pods", "pods that are an object"},
    {META "{'n':{'Pods':[{'UID':'a'},7]}}}", "NodeNameToMetaVictims.n.Pods[1]",
     "a pod that is a number"},
    {META "{'n':{'Pods':[{}]}}}", "NodeNameToMetaVictims.n.Pods[0]", "a victim without a UID"},
    {META "{'n':{'Pods':[{'UID':7}]}}}", "NodeNameToMetaVictims.n.Pods[0].UID",
     "a UID that is a number"},
    {META "{'n':{'Pods':[{'UID':''}]}}}", "NodeNameToMetaVictims.n.Pods[0].UID", "an empty UID"},
    {META "{'n':{'Pods':[{'UID':'\\n'}]}}}", "NodeNameToMetaVictims.n.Pods[0].UID",
     "a UID with escapes"},
    {META "{'n':{'NumPDBViolations':-1}}}", "NodeNameToMetaVictims.n.NumPDBViolations",
     "a negative number"},
    {META "{'n':{'NumPDBViolations':'1'}}}", "NodeNameToMetaVictims.n.NumPDBViolations",
     "a number as a text"},
    {FULL "{'n':{'Pods':[{'metadata':{}}]}}}", "NodeNameToVictims.n.Pods[0]",
     "a whole pod without a UID"},
    {FULL "{'n':{'Pods':[{'UID':'a'}]}}}", "NodeNameToVictims.n.Pods[0]",
     "a meta victim among whole pods"},
};

static void test_refusals(struct arena *a) {
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct preempt_args args = {.n = 77};
        struct err e = {0};
        char what[96];
        (void)snprintf(what, sizeof what, "%s: refused with its path", refusals[i].what);
        bool done = preempt_decode(quoted(a, refusals[i].json), a, &args, &e);
        refused(&e, done, ERR_INPUT, refusals[i].path, what);
        ok(args.n == 77, "and nothing is handed out");
    }
}

static bool keep_all(void *ctx, const struct preempt_node *n) {
    (void)ctx;
    return n->name.n > 0;
}
static bool keep_one(void *ctx, const struct preempt_node *n) {
    return span_is(n->name, ctx);
}

static void answers(struct arena *a, const char *json, preempt_judge *judge, const char *ctx,
                    const char *want, const char *what) {
    struct preempt_args args = {0};
    struct err e = {0};
    char name[64];
    (void)snprintf(name, sizeof name, "%s", ctx);
    struct buf out = buf_new(FIXTURE_CAP);
    bool done = preempt_decode(quoted(a, json), a, &args, &e) &&
                preempt_encode(&args, judge, name, &out, &e);
    struct span expected = quoted(a, want);
    if (!ok(done && span_eq(buf_view(&out), expected), "%s", what)) {
        printf("#  got: %s %s %s\n# want: " SPAN_FMT "\n", buf_cstr(&out), e.path, e.msg,
               SPAN_ARG(expected));
    }
    buf_done(&out);
}

#define TWO                                                                                        \
    META "{'n1':{'Pods':[{'UID':'a'},{'UID':'b'}],'NumPDBViolations':3},'n2':{'Pods':[{'UID':'c'}" \
         "],'NumPDBViolations':0}}}"

static void test_answers(struct arena *a) {
    answers(a, TWO, keep_all, "",
            "{'NodeNameToMetaVictims':{'n1':{'Pods':[{'UID':'a'},{'UID':'b'}],"
            "'NumPDBViolations':3},'n2':{'Pods':[{'UID':'c'}],'NumPDBViolations':0}}}",
            "what is kept goes back as it came");
    answers(a, TWO, keep_one, "n2",
            "{'NodeNameToMetaVictims':{'n2':{'Pods':[{'UID':'c'}],'NumPDBViolations':0}}}",
            "the rest is left out");
    answers(a, TWO, keep_one, "", "{'NodeNameToMetaVictims':{}}", "none kept: an empty map");
    answers(a,
            FULL "{'n':{'Pods':[{'metadata':{'name':'x','uid':'u','labels':{'uid':'no'}},'spec':"
                 "{'uid':'no'}}],'NumPDBViolations':1}}}",
            keep_all, "",
            "{'NodeNameToMetaVictims':{'n':{'Pods':[{'UID':'u'}],'NumPDBViolations':1}}}",
            "whole pods are answered as meta victims");
    answers(a, META "{'n':{'Pods':[],'NumPDBViolations':0},'m':{'Pods':null},'k':null}}", keep_all,
            "",
            "{'NodeNameToMetaVictims':{'n':{'Pods':[],'NumPDBViolations':0},"
            "'m':{'Pods':[],'NumPDBViolations':0},'k':{'Pods':[],'NumPDBViolations':0}}}",
            "no victims, in all forms");
    answers(a, "{" POD ",'NodeNameToMetaVictims':null,'Later':{'a':[1]}}", keep_all, "",
            "{'NodeNameToMetaVictims':{}}", "no candidates, and a key of a later version");
    struct preempt_args args = {0};
    struct err e = {0};
    ok(preempt_decode(quoted(a, TWO), a, &args, &e) && args.n == 2 && args.node[1].n == 1 &&
           span_is(args.node[1].uid[0], "c") && span_is(args.pod.name, "p"),
       "a later node's victims are its own");
    struct buf small = buf_new(40);
    ok(!preempt_encode(&args, keep_all, NULL, &small, &e) && e.code == ERR_TOO_LARGE,
       "an answer that does not fit is an error");
    buf_done(&small);
}

static void test_bounds(struct arena *a) {
    struct preempt_args args = {0};
    struct err e = {0};
    struct buf b = buf_new(FIXTURE_CAP);
    buf_str(&b, META "{");
    for (unsigned i = 0; i < 3000; i++) {
        buf_fmt(&b, "%s'node-%u':{'Pods':[{'UID':'u-%u'},{'UID':'v-%u'}],'NumPDBViolations':%u}",
                i ? "," : "", i, i, i, i);
    }
    buf_str(&b, "}}");
    bool done = preempt_decode(quoted(a, buf_cstr(&b)), a, &args, &e);
    unsigned good = 0;
    for (unsigned i = 0; done && i < args.n; i++) {
        char uid[16];
        (void)snprintf(uid, sizeof uid, "v-%u", i);
        good += args.node[i].n == 2 && span_is(args.node[i].uid[1], uid) &&
                args.node[i].violations == i;
    }
    is_int(good, 3000, "thousands of candidates keep their victims");
    buf_reset(&b);
    buf_str(&b, META "{'n':{'Pods':[{'UID':'u'}");
    for (unsigned i = 0; i < PREEMPT_VICTIMS_MAX; i++) {
        buf_str(&b, ",{'UID':'u'}");
    }
    buf_str(&b, "]}}}");
    ok(!preempt_decode(quoted(a, buf_cstr(&b)), a, &args, &e) && e.code == ERR_TOO_LARGE,
       "more victims on a node than the maximum are too many");
    buf_reset(&b);
    buf_str(&b, META "{'");
    buf_fill(&b, 'n', 254);
    buf_str(&b, "':{}}}");
    ok(!preempt_decode(quoted(a, buf_cstr(&b)), a, &args, &e) && e.code == ERR_INPUT,
       "a name of more than 253 bytes is none");
    buf_done(&b);
    struct span two = quoted(a, TWO);
    bool refused = true;
    for (size_t cap = 0; cap < 4096 && refused; cap += 64) {
        struct arena tiny = arena_new(cap);
        struct preempt_args none = {.n = 77};
        refused = !preempt_decode(two, &tiny, &none, &e);
        if (refused && (e.code != ERR_TOO_LARGE || none.n != 77)) {
            ok(false, "memory ends at %zu", cap);
        }
        arena_done(&tiny);
    }
    ok(true, "memory may end anywhere");
}

static void test_real(struct arena *a) {
    static const char *const files[] = {"tests/requests/preempt-meta-victims.json",
                                        "tests/requests/preempt-victims.json"};
    for (unsigned i = 0; i < 2; i++) {
        struct preempt_args args = {0};
        struct err e = {0};
        ok(preempt_decode(file_text(a, files[i]), a, &args, &e) && args.n == 3 - i &&
               args.node[1].n == 3 && span_is(args.node[0].name, "n1"),
           "%s is read", files[i]);
        is_span(args.node[0].uid[0], "f142087b-47ec-4ef9-9b09-cec0961eabe9", "with its victims");
    }
}

int main(void) {
    struct arena a = arena_new(FIXTURE_CAP);
    test_refusals(&a);
    test_answers(&a);
    test_bounds(&a);
    test_real(&a);
    arena_done(&a);
    return tap_done();
}
