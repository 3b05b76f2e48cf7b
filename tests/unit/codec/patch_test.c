#include "tests/unit/codec/fixture.h"
#include "webhook/codec/object.h"
#include "webhook/codec/review.h"

#define REQUIRED "requiredDuringSchedulingIgnoredDuringExecution"
#define GT(n)    "{'key':'tpguard.io/nvlink-set','operator':'Gt','values':['" #n "']}"
#define ZONE     "{'key':'zone','operator':'In','values':['a']}"
#define AFFINITY "'affinity':{'nodeAffinity':{'" REQUIRED "':{'nodeSelectorTerms':"
#define TERMS    "/spec/affinity/nodeAffinity/" REQUIRED "/nodeSelectorTerms"
#define PINNED(value)                                                                              \
    "{'spec':{'initContainers':[{'name':'i'}],'containers':[{'name':'a'},{'name':'b','env':["      \
    "{'name':'X','value':'y'},{'name':'NVIDIA_VISIBLE_DEVICES'" value "}]}]}}"

struct row {
    const char *what;
    const char *pod;
    const char *annotation; /* "" none */
    const char *scheduler;  /* "" none */
    unsigned above;
    const char *repin; /* "" none */
    const char *patch;
    const char *after; /* the pod with the patch applied: nothing more is to be done there */
};

static const struct row rows[] = {
    {"nothing asked gives no patch", "{'metadata':{},'spec':{}}", "", "", 0, "", "",
     "{'metadata':{},'spec':{}}"},

    {"the annotation goes beside others", "{'metadata':{'annotations':{}},'spec':{}}", "{'v':1}",
     "", 0, "",
     "[{'op':'add','path':'/metadata/annotations/tpguard.io~1decision','value':'{\\'v\\':1}'}]",
     "{'metadata':{'annotations':{'tpguard.io/decision':'{\\'v\\':1}'}},'spec':{}}"},
    {"annotations are made where there are none", "{'metadata':{'name':'p'},'spec':{}}", "x", "", 0,
     "", "[{'op':'add','path':'/metadata/annotations','value':{'tpguard.io/decision':'x'}}]",
     "{'metadata':{'name':'p','annotations':{'tpguard.io/decision':'x'}},'spec':{}}"},
    {"annotations that are null count as none", "{'metadata':{'annotations':null},'spec':{}}", "x",
     "", 0, "", "[{'op':'add','path':'/metadata/annotations','value':{'tpguard.io/decision':'x'}}]",
     "{'metadata':{'annotations':{'tpguard.io/decision':'x'}},'spec':{}}"},
    {"metadata is made where there is none", "{'metadata':null,'spec':{}}", "x", "", 0, "",
     "[{'op':'add','path':'/metadata','value':{'annotations':{'tpguard.io/decision':'x'}}}]",
     "{'metadata':{'annotations':{'tpguard.io/decision':'x'}},'spec':{}}"},
    {"another decision is replaced",
     "{'metadata':{'annotations':{'tpguard.io/decision':'old'}},'spec':{}}", "x", "", 0, "",
     "[{'op':'add','path':'/metadata/annotations/tpguard.io~1decision','value':'x'}]",
     "{'metadata':{'annotations':{'tpguard.io/decision':'x'}},'spec':{}}"},

    {"a decision that nobody makes now is forged",
     "{'metadata':{'annotations':{'a':'b','tpguard.io/decision':'mine'}},'spec':{}}", "", "", 0, "",
     "[{'op':'remove','path':'/metadata/annotations/tpguard.io~1decision'}]",
     "{'metadata':{'annotations':{'a':'b'}},'spec':{}}"},
    {"so are GPUs before the bind and a label, empty ones too",
     "{'metadata':{'annotations':{'tpguard.io/gpus':'','tpguard.io/decision':''},"
     "'labels':{'tpguard.io/gated':''}},'spec':{}}",
     "", "", 0, "",
     "[{'op':'remove','path':'/metadata/annotations/tpguard.io~1decision'},"
     "{'op':'remove','path':'/metadata/annotations/tpguard.io~1gpus'},"
     "{'op':'remove','path':'/metadata/labels/tpguard.io~1gated'}]",
     "{'metadata':{'annotations':{},'labels':{}},'spec':{}}"},
    {"GPUs go where a decision is written",
     "{'metadata':{'annotations':{'tpguard.io/gpus':'0,1','tpguard.io/decision':'old'}},'spec':{}}",
     "x", "", 0, "",
     "[{'op':'add','path':'/metadata/annotations/tpguard.io~1decision','value':'x'},"
     "{'op':'remove','path':'/metadata/annotations/tpguard.io~1gpus'}]",
     "{'metadata':{'annotations':{'tpguard.io/decision':'x'}},'spec':{}}"},
    {"what a person may say stays",
     "{'metadata':{'annotations':{'tpguard.io/rewrite':'none','tpguard.io/tensor-parallel-size':"
     "'2'},'labels':{'tpguard.io/ignore':'true'}},'spec':{}}",
     "", "", 0, "", "",
     "{'metadata':{'annotations':{'tpguard.io/rewrite':'none'},'labels':{'tpguard.io/ignore':"
     "'true'}},'spec':{}}"},

    {"the scheduler is set", "{'spec':{'schedulerName':'default-scheduler'}}", "",
     "tpguard-scheduler", 0, "",
     "[{'op':'add','path':'/spec/schedulerName','value':'tpguard-scheduler'}]",
     "{'spec':{'schedulerName':'tpguard-scheduler'}}"},

    {"affinity is made where there is none", "{'spec':{}}", "", "", 1, "",
     "[{'op':'add','path':'/spec/affinity','value':{'nodeAffinity':{'" REQUIRED
     "':{'nodeSelectorTerms':[{'matchExpressions':[" GT(1) "]}]}}}}]",
     "{'spec':{" AFFINITY "[{'matchExpressions':[" GT(1) "]}]}}}}}"},
    {"node affinity is made beside pod affinity", "{'spec':{'affinity':{'podAffinity':{}}}}", "",
     "", 3, "",
     "[{'op':'add','path':'/spec/affinity/nodeAffinity','value':{'" REQUIRED
     "':{'nodeSelectorTerms':[{'matchExpressions':[" GT(3) "]}]}}}]",
     "{'spec':{'affinity':{'podAffinity':{},'nodeAffinity':{'" REQUIRED
     "':{'nodeSelectorTerms':[{'matchExpressions':[" GT(3) "]}]}}}}}"},
    {"required terms are made beside preferred ones",
     "{'spec':{'affinity':{'nodeAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[]}}}"
     "}",
     "", "", 1, "",
     "[{'op':'add','path':'/spec/affinity/nodeAffinity/" REQUIRED
     "','value':{'nodeSelectorTerms':[{'matchExpressions':[" GT(1) "]}]}}]",
     "{'spec':{'affinity':{'nodeAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[],"
     "'" REQUIRED "':{'nodeSelectorTerms':[{'matchExpressions':[" GT(1) "]}]}}}}}"},
    {"a list of terms that is empty is filled", "{'spec':{" AFFINITY "[]}}}}}", "", "", 1, "",
     "[{'op':'add','path':'" TERMS "','value':[{'matchExpressions':[" GT(1) "]}]}]",
     "{'spec':{" AFFINITY "[{'matchExpressions':[" GT(1) "]}]}}}}}"},
    {"every term gets the expression, one with fields alone as well, one that matches nothing not",
     "{'spec':{" AFFINITY "[{'matchExpressions':[" ZONE "]},{'matchFields':[" ZONE
     "]},{},{'matchExpressions':[]},{'matchExpressions':[" GT(1) "]},{'matchExpressions':[" GT(
         7) "]}]}}}}}",
     "", "", 3, "",
     "[{'op':'add','path':'" TERMS "/0/matchExpressions/-','value':" GT(
         3) "},{'op':'add','path':'" TERMS
            "/1/matchExpressions','value':[" GT(3) "]},{'op':'add','path':'" TERMS
                                                   "/4/matchExpressions/-','value':" GT(3) "}]",
     "{'spec':{" AFFINITY "[{'matchExpressions':[" ZONE "," GT(
         3) "]},{'matchFields':[" ZONE
            "],'matchExpressions':[" GT(3) "]},{},{'matchExpressions':[]},{'matchExpressions':[" GT(
                1) "," GT(3) "]},{'matchExpressions':[" GT(7) "]}]}}}}}"},

    {"a pin is replaced", PINNED(",'value':'0,1'"), "", "", 0, "2,3",
     "[{'op':'replace','path':'/spec/containers/1/env/1/value','value':'2,3'}]",
     PINNED(",'value':'2,3'")},
    {"a pin without a value gets one", PINNED(""), "", "", 0, "2,3",
     "[{'op':'add','path':'/spec/containers/1/env/1/value','value':'2,3'}]",
     PINNED(",'value':'2,3'")},
    {"a pin from elsewhere is left alone", PINNED(",'valueFrom':{'fieldRef':{}}"), "", "", 0, "2,3",
     "", PINNED(",'valueFrom':{'fieldRef':{}}")},
};

/* These pods get the label gated. */
static const struct row gated[] = {
    {"the label goes beside others", "{'metadata':{'labels':{'a':'b'}},'spec':{}}", "", "", 0, "",
     "[{'op':'add','path':'/metadata/labels/tpguard.io~1gated','value':'true'}]",
     "{'metadata':{'labels':{'a':'b','tpguard.io/gated':'true'}},'spec':{}}"},
    {"labels are made where there are none", "{'metadata':{'labels':null},'spec':{}}", "", "", 0,
     "", "[{'op':'add','path':'/metadata/labels','value':{'tpguard.io/gated':'true'}}]",
     "{'metadata':{'labels':{'tpguard.io/gated':'true'}},'spec':{}}"},
    {"another value of the label is replaced",
     "{'metadata':{'labels':{'tpguard.io/gated':'false'}},'spec':{}}", "", "", 0, "",
     "[{'op':'add','path':'/metadata/labels/tpguard.io~1gated','value':'true'}]",
     "{'metadata':{'labels':{'tpguard.io/gated':'true'}},'spec':{}}"},
    {"metadata is made with all that goes in", "{'spec':{}}", "x", "", 0, "",
     "[{'op':'add','path':'/metadata','value':{'annotations':{'tpguard.io/decision':'x'},"
     "'labels':{'tpguard.io/gated':'true'}}}]",
     "{'metadata':{'annotations':{'tpguard.io/decision':'x'},'labels':{'tpguard.io/gated':'true'}},"
     "'spec':{}}"},
};

/* What is free is preferred, beside what is required. */
#define SOFT        "preferredDuringSchedulingIgnoredDuringExecution"
#define NODE        "/spec/affinity/nodeAffinity"
#define FREE(n)     "{'key':'tpguard.io/nvlink-free','operator':'Gt','values':['" #n "']}"
#define ALONE       "{'key':'tpguard.io/stranded','operator':'Gt','values':['0']}"
#define LINKED      "{'key':'tpguard.io/nvlink','operator':'NotIn','values':['none']}"
#define WANTS(w, x) "{'weight':" #w ",'preference':{'matchExpressions':[" x "]}}"
#define REPLICA     WANTS(100, ALONE "," LINKED) "," WANTS(50, ALONE)
#define TERM(n)     "'" REQUIRED "':{'nodeSelectorTerms':[{'matchExpressions':[" GT(n) "]}]}"
static const struct {
    struct row row;
    unsigned prefer;
    bool stranded;
} soft[] = {
    {{"both are made in one piece where there is no affinity", "{'spec':{}}", "", "", 1, "",
      "[{'op':'add','path':'/spec/affinity','value':{'nodeAffinity':{" TERM(
          1) ",'" SOFT "':[" WANTS(100, FREE(1)) "]}}}]",
      "{'spec':{'affinity':{'nodeAffinity':{" TERM(1) ",'" SOFT "':[" WANTS(100, FREE(1)) "]}}}}"},
     1,
     false},
    {{"and beside pod affinity", "{'spec':{'affinity':{'podAffinity':{}}}}", "", "", 3, "",
      "[{'op':'add','path':'" NODE "','value':{" TERM(3) ",'" SOFT "':[" WANTS(100, FREE(3)) "]}}]",
      "{'spec':{'affinity':{'nodeAffinity':{" TERM(3) ",'" SOFT "':[" WANTS(100, FREE(3)) "]}}}}"},
     3,
     false},
    {{"each by itself where there is node affinity", "{'spec':{'affinity':{'nodeAffinity':{}}}}",
      "", "", 1, "",
      "[{'op':'add','path':'" NODE "/" REQUIRED "','value':{'nodeSelectorTerms':["
      "{'matchExpressions':[" GT(1) "]}]}},{'op':'add','path':'" NODE "/" SOFT
                                    "','value':[" WANTS(100, FREE(1)) "]}]",
      "{'spec':{'affinity':{'nodeAffinity':{" TERM(1) ",'" SOFT "':[" WANTS(100, FREE(1)) "]}}}}"},
     1,
     false},
    {{"behind what somebody else prefers",
      "{'spec':{'affinity':{'nodeAffinity':{'" SOFT
      "':[" WANTS(7, ZONE) ",7,{'weight':'x'},"
                           "{'weight':1,'preference':[]}," WANTS(100, FREE(4)) "]}}}}",
      "", "", 0, "", "[{'op':'add','path':'" NODE "/" SOFT "/-','value':" WANTS(100, FREE(1)) "}]",
      "{'spec':{'affinity':{'nodeAffinity':{'" SOFT
      "':[" WANTS(7, ZONE) "," WANTS(100, FREE(1)) "]}}}}"},
     1,
     false},
    {{"a list that is null is made", "{'spec':{'affinity':{'nodeAffinity':{'" SOFT "':null}}}}", "",
      "", 0, "", "[{'op':'add','path':'" NODE "/" SOFT "','value':[" WANTS(100, FREE(1)) "]}]",
      "{'spec':{'affinity':{'nodeAffinity':{'" SOFT "':[" WANTS(3, FREE(1)) "]}}}}"},
     1,
     false},
    {{"a replica prefers stranded GPUs, those that lost their NVLink first", "{'spec':{}}", "", "",
      0, "",
      "[{'op':'add','path':'/spec/affinity','value':{'nodeAffinity':{'" SOFT "':[" REPLICA "]}}}]",
      "{'spec':{'affinity':{'nodeAffinity':{'" SOFT "':[" REPLICA "]}}}}"},
     0,
     true},
    {{"behind others, one by one",
      "{'spec':{'affinity':{'nodeAffinity':{'" SOFT "':[" WANTS(9, ZONE) "]}}}}", "", "", 0, "",
      "[{'op':'add','path':'" NODE "/" SOFT
      "/-','value':" WANTS(100, ALONE "," LINKED) "},{'op':'add','path':'" NODE "/" SOFT
                                                  "/-','value':" WANTS(50, ALONE) "}]",
      "{'spec':{'affinity':{'nodeAffinity':{'" SOFT "':[" WANTS(9, ZONE) "," REPLICA "]}}}}"},
     0,
     true},
};

static struct patch_ask ask_of(const struct row *r, struct decision *d, struct policy *policy,
                               struct pod *p, struct span annotation) {
    d->affinity_above = r->above;
    d->set_scheduler = r->scheduler[0] != '\0';
    policy->scheduler_name = span_of(r->scheduler);
    (void)snprintf(d->repin, sizeof d->repin, "%s", r->repin);
    d->repin_container = 2; /* of the pinned fixture: after the init container */
    d->repin_env = 1;
    return (struct patch_ask){.pod = p, .decision = d, .policy = policy, .annotation = annotation};
}

/* more: label and preferences beside the row's. */
static void check(struct arena *a, const struct row *r, const struct patch_ask *more,
                  const char *json, const char *want, const char *what) {
    struct pod p = {0};
    struct err e = {0};
    static struct decision d;
    struct policy policy = {0};
    memset(&d, 0, sizeof d);
    if (more->decision) {
        d = *more->decision;
    }
    if (!pod_decode(parsed(a, json), a, &p, &e)) {
        ok(false, "%s: %s", e.path, e.msg);
        return;
    }
    struct patch_ask ask = ask_of(r, &d, &policy, &p, quoted(a, r->annotation));
    ask.gated = more->gated;
    struct buf out = buf_new(FIXTURE_CAP);
    patch_build(&ask, &out);
    struct span expected = quoted(a, want);
    if (!ok(span_eq(buf_view(&out), expected), "%s", what)) {
        printf("#  got: %s\n# want: " SPAN_FMT "\n", buf_cstr(&out), SPAN_ARG(expected));
    }
    buf_done(&out);
}

static void check_soft(struct arena *a) {
    for (size_t i = 0; i < sizeof soft / sizeof soft[0]; i++) {
        const struct row *r = &soft[i].row;
        const struct decision d = {.prefer_above = soft[i].prefer,
                                   .prefer_stranded = soft[i].stranded};
        const struct patch_ask more = {.decision = &d};
        check(a, r, &more, r->pod, r->patch, r->what);
        check(a, r, &more, r->after, "", "and the patched pod needs no patch");
    }
}

static void test_prefix(struct arena *a) {
    struct pod p = {0};
    struct err e = {0};
    struct policy policy = {.scheduler_name = SPAN("s")};
    static struct decision d;
    d.set_scheduler = true;
    ok(pod_decode(parsed(a, "{'metadata':{},'spec':{}}"), a, &p, &e), "a template is read");
    struct patch_ask ask = {.pod = &p,
                            .decision = &d,
                            .policy = &policy,
                            .annotation = SPAN("x"),
                            .prefix = "/spec/template"};
    char text[512];
    struct buf out = BUF_OVER(text);
    patch_build(&ask, &out);
    ok(span_eq(buf_view(&out),
               quoted(a, "[{'op':'add','path':'/spec/template/metadata/annotations','value':"
                         "{'tpguard.io/decision':'x'}},"
                         "{'op':'add','path':'/spec/template/spec/schedulerName','value':'s'}]")),
       "a prefix stands before every path, and operations are one list");
}

/* Of a pod that cannot be read, the marks of ours are found and removed all the same. */
static void test_marks(struct arena *a) {
    static const struct {
        const char *pod, *patch;
    } list[] = {
        {"7", ""},
        {"[]", ""},
        {"{'metadata':[]}", ""},
        {"{'metadata':{'annotations':7,'labels':'x'}}", ""},
        {"{'metadata':{'annotations':{'tpguard.io/gpus':{},'Tpguard.io/decision':'x'},"
         "'labels':{'tpguard.io/gated':7}},'spec':{'containers':1}}",
         "[{'op':'remove','path':'/metadata/annotations/tpguard.io~1gpus'},"
         "{'op':'remove','path':'/metadata/labels/tpguard.io~1gated'}]"},
        {"{'metadata':{'annotations':{'tpguard.io/decision':'','a':'b'}},'spec':7}",
         "[{'op':'remove','path':'/metadata/annotations/tpguard.io~1decision'}]"},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct pod p = {0};
        pod_marks(parsed(a, list[i].pod), a, &p);
        struct patch_ask ask = {.pod = &p};
        struct buf out = buf_new(FIXTURE_CAP);
        patch_build(&ask, &out);
        ok(span_eq(buf_view(&out), quoted(a, list[i].patch)), "%s gives the patch '%s'",
           list[i].pod, list[i].patch);
        buf_done(&out);
    }
}

/* A decision that names what the pod does not have changes nothing. */
static void test_out_of_range(struct arena *a) {
    static const int places[][2] = {{-1, 0}, {0, -1}, {3, 1}, {2, 2}, {0, 0}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct pod p = {0};
        struct err e = {0};
        struct policy policy = {0};
        static struct decision d;
        (void)snprintf(d.repin, sizeof d.repin, "0");
        d.repin_container = places[i][0];
        d.repin_env = places[i][1];
        bool done = pod_decode(parsed(a, PINNED(",'value':'1'")), a, &p, &e);
        struct patch_ask ask = {.pod = &p, .decision = &d, .policy = &policy};
        char text[64];
        struct buf out = BUF_OVER(text);
        patch_build(&ask, &out);
        ok(done && out.n == 0, "a pin at container %d, variable %d is not there", places[i][0],
           places[i][1]);
    }
}

int main(void) {
    struct arena a = arena_new(FIXTURE_CAP);
    const struct patch_ask none = {0};
    const struct patch_ask label = {.gated = true};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&a, &rows[i], &none, rows[i].pod, rows[i].patch, rows[i].what);
        check(&a, &rows[i], &none, rows[i].after, "", "and the patched pod needs no patch");
    }
    for (size_t i = 0; i < sizeof gated / sizeof gated[0]; i++) {
        check(&a, &gated[i], &label, gated[i].pod, gated[i].patch, gated[i].what);
        check(&a, &gated[i], &label, gated[i].after, "", "and the patched pod needs no patch");
    }
    check_soft(&a);
    test_prefix(&a);
    test_out_of_range(&a);
    test_marks(&a);
    arena_done(&a);
    return tap_done();
}
