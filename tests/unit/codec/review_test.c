#include "tests/unit/codec/fixture.h"
#include "webhook/codec/object.h"
#include "webhook/codec/review.h"

#define HEAD "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','request':"

static const struct refusal {
    const char *json, *path, *what;
} refusals[] = {
    {"", "", "no text"},
    {"[]", "", "a list"},
    {"null", "", "null"},
    {"{}", "apiVersion", "an empty object"},
    {"{'apiVersion':'admission.k8s.io/v1beta1','kind':'AdmissionReview','request':{}}",
     "apiVersion", "v1beta1"},
    {"{'apiVersion':'admission.k8s.io/v1','kind':'ConversionReview','request':{}}", "kind",
     "another kind"},
    {"{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview'}", "request", "no request"},
    {"{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','Request':{}}", "",
     "a key in the wrong case"},
    {HEAD "null}", "request", "a request that is null"},
    {HEAD "{'operation':'CREATE','object':{}}}", "request.uid", "no uid"},
    {HEAD "{'uid':'','operation':'CREATE','object':{}}}", "request.uid", "an empty uid"},
    {HEAD "{'uid':7,'operation':'CREATE','object':{}}}", "request.uid", "a uid as a number"},
    {HEAD "{'uid':'u','object':{}}}", "request.operation", "no operation"},
    {HEAD "{'uid':'u','operation':'CREATE'}}", "request.object", "no object"},
    {HEAD "{'uid':'u','operation':'UPDATE','object':null}}", "request.object",
     "an object that is null"},
    {HEAD "{'uid':'u','operation':'CREATE','object':[]}}", "request.object",
     "an object that is a list"},
    {HEAD "{'uid':'u','operation':'DELETE','object':[]}}", "request.object",
     "an object of DELETE that is a list"},
    {HEAD "{'uid':'u','operation':'CREATE','object':{},'dryRun':'true'}}", "request.dryRun",
     "dryRun as a text"},
    {HEAD "{'uid':'u','operation':'CREATE','object':{},'namespace':1}}", "request.namespace",
     "a namespace that is a number"},
    {HEAD "{'uid':'u','operation':'CREATE','object':{},'kind':'Pod'}}", "request.kind",
     "a kind that is a text"},
    {HEAD "{'uid':'u','operation':'CREATE','object':{},'kind':{'kind':1}}}", "request.kind.kind",
     "a kind's kind that is a number"},
    {HEAD "{'uid':'u','operation':'CREATE','object':{},'resource':{'resource':1}}}",
     "request.resource.resource", "a resource that is a number"},
    {HEAD "{'uid':'u','operation':'CREATE','object':{},'userInfo':{'username':1}}}",
     "request.userInfo.username", "a user that is a number"},
    {HEAD "{'uid':'u','operation':'CREATE','object':{'spec':1,'spec':2}}}", "request.object",
     "a duplicate key in the object"},
    {HEAD "{'uid':'u','operation':'CREATE','object':{}}} {}", "", "a second review behind it"},
};

static void test_refusals(struct arena *a) {
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct review r = {.dry_run = true};
        struct err e = {0};
        char what[96];
        (void)snprintf(what, sizeof what, "%s is refused with its path", refusals[i].what);
        bool done = review_decode(quoted(a, refusals[i].json), a, &r, &e);
        refused(&e, done, ERR_INPUT, refusals[i].path, what);
        ok(r.dry_run && !r.uid.p, "and nothing is handed out");
    }
    struct review r = {0};
    struct err e = {0};
    (void)!review_decode(quoted(a, refusals[4].json), a, &r, &e);
    ok(strstr(e.msg, "admissionReviewVersions") != NULL, "v1beta1 is told what to configure");
    struct arena tiny = arena_new(64);
    ok(!review_decode(quoted(a, HEAD "{'uid':'u','operation':'DELETE'}}"), &tiny, &r, &e) &&
           e.code == ERR_TOO_LARGE,
       "a review that needs too much memory is too large");
    arena_done(&tiny);
}

static void test_values(struct arena *a) {
    struct review r = {0};
    struct err e = {0};
    ok(review_decode(quoted(a, HEAD
                            "{'uid':'u-1','kind':{'group':'','version':'v1','kind':'Binding'},"
                            "'resource':{'group':'','version':'v1','resource':'pods'},"
                            "'subResource':'binding','name':'p','namespace':'llm',"
                            "'operation':'CREATE','userInfo':{'username':'system:kube-scheduler',"
                            "'extra':{'k':['v']}},'object':{'kind':'Binding'},'oldObject':null,"
                            "'dryRun':true,'options':{'x':1},'later':[]}}"),
                     a, &r, &e),
       "a review is read");
    is_span(r.uid, "u-1", "its uid");
    is_span(r.kind, "Binding", "its kind");
    is_span(r.resource, "pods", "its resource");
    is_span(r.sub_resource, "binding", "its subresource");
    is_span(r.name, "p", "its name");
    is_span(r.ns, "llm", "its namespace");
    is_span(r.operation, "CREATE", "its operation");
    is_span(r.user, "system:kube-scheduler", "its user");
    ok(r.dry_run && r.object, "its dry run and object");
    ok(review_decode(quoted(a, HEAD "{'uid':'u','operation':'DELETE','object':null,'name':null}}"),
                     a, &r, &e) &&
           !r.object && !r.name.p && !r.dry_run,
       "DELETE has no object, and null is absent");
}

/* ---- answers ---- */

static void answer_is(const struct review_answer *a, const char *want, const char *what) {
    struct buf out = buf_new(FIXTURE_CAP);
    struct arena arena = arena_new(FIXTURE_CAP);
    const struct json *root = NULL;
    struct err e = {0};
    review_encode(a, &out);
    struct span text = quoted(&arena, want);
    ok(span_eq(buf_view(&out), text), "%s", what);
    if (!span_eq(buf_view(&out), text)) {
        printf("#  got: %s\n# want: " SPAN_FMT "\n", buf_cstr(&out), SPAN_ARG(text));
    }
    ok(json_parse(buf_view(&out), &arena, &root, &e), "and it is JSON");
    arena_done(&arena);
    buf_done(&out);
}

#define ANSWER "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','response':{'uid':'u'"

static void test_answers(void) {
    struct review_answer yes = {.uid = SPAN("u"), .allowed = true};
    answer_is(&yes, ANSWER ",'allowed':true}}", "a plain yes");
    yes.code = 403;
    yes.message = "never sent";
    yes.patch = SPAN("[]");
    yes.audit[0].key = "decision";
    yes.audit[0].value = SPAN("a\"b");
    yes.n_audit = 1;
    yes.warnings[0] = "slow";
    yes.n_warnings = 1;
    answer_is(&yes,
              ANSWER ",'allowed':true,'patch':'W10=','patchType':'JSONPatch',"
                     "'auditAnnotations':{'decision':'a\\'b'},'warnings':['slow']}}",
              "a yes with a patch has its type, and no status");
    struct review_answer no = {.uid = SPAN("u"),
                               .message = "GPU 0 and 1 have no NVLink",
                               .code = 403,
                               .reason = "Forbidden",
                               .patch = SPAN("[]")};
    answer_is(&no,
              ANSWER ",'allowed':false,'status':{'code':403,'message':'GPU 0 and 1 have no NVLink',"
                     "'reason':'Forbidden'}}}",
              "a no has a status, and no patch");
    struct review_answer bare = {.uid = SPAN("u\n")};
    answer_is(&bare,
              "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','response':{'uid':"
              "'u\\n','allowed':false,'status':{'code':403,'reason':'Forbidden'}}}",
              "a no without words still says Forbidden, so that kubectl names it");
}

static void test_warnings(void) {
    struct review_answer a = {.uid = SPAN("u"), .allowed = true, .n_warnings = 6};
    a.warnings[0] = "a\nb\tc\x7F";
    a.warnings[1] = "\n\x01 ";
    a.warnings[2] = "";
    a.warnings[3] = "d\xC2\x85"
                    "e\xC3\xA4";
    a.warnings[4] = "\xFF";
    a.warnings[5] = "f\\\"";
    answer_is(&a,
              ANSWER ",'allowed':true,'warnings':['a b c','d e\xC3\xA4','\xEF\xBF\xBD',"
                     "'f\\\\\\'']}}",
              "control characters are taken out, empty warnings dropped");

    char longest[400];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    struct review_answer many = {
        .uid = SPAN("u"), .allowed = true, .n_warnings = REVIEW_WARNINGS_MAX};
    for (unsigned i = 0; i < REVIEW_WARNINGS_MAX; i++) {
        many.warnings[i] = longest;
    }
    struct buf out = buf_new(FIXTURE_CAP);
    struct arena arena = arena_new(FIXTURE_CAP);
    const struct json *root = NULL;
    const struct json *list = NULL;
    struct err e = {0};
    review_encode(&many, &out);
    ok(json_parse(buf_view(&out), &arena, &root, &e) &&
           json_req_object(root, "response", &root, &e) &&
           json_req_array(root, "warnings", &list, &e),
       "many long warnings are JSON");
    size_t total = 0;
    bool cut = true;
    for (const struct json *v = json_first(list); v; v = json_next(v)) {
        struct span text = {0};
        cut = cut && json_as_str(v, &text) && text.n == 256;
        total += text.n;
    }
    ok(cut && total == 4096, "each is cut to 256 characters, all together to 4096");
    arena_done(&arena);
    buf_done(&out);
}

/* What a real API server sent. */
static void test_recorded(struct arena *a) {
    static const struct {
        const char *file, *kind, *operation;
        bool dry_run;
    } rows[] = {
        {"admit-binding", "Binding", "CREATE", false},
        {"admit-cronjob", "CronJob", "CREATE", false},
        {"admit-deployment", "Deployment", "CREATE", false},
        {"admit-deployment-dryrun-update", "Deployment", "UPDATE", true},
        {"admit-job", "Job", "CREATE", false},
        {"admit-pod", "Pod", "CREATE", false},
        {"admit-pod-job", "Pod", "CREATE", false},
        {"admit-pod-replicaset", "Pod", "CREATE", false},
        {"admit-pod-statefulset", "Pod", "CREATE", false},
        {"admit-statefulset", "StatefulSet", "CREATE", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[96];
        struct review r = {0};
        struct err e = {0};
        (void)snprintf(path, sizeof path, "tests/requests/%s.json", rows[i].file);
        ok(review_decode(file_text(a, path), a, &r, &e) && span_is(r.kind, rows[i].kind) &&
               span_is(r.operation, rows[i].operation) && r.dry_run == rows[i].dry_run,
           "%s of a real API server is read", rows[i].file);
        struct unit u[4] = {0};
        unsigned n = 0;
        bool binding = span_is(r.kind, "Binding");
        ok(r.object && units_decode(r.object, a, u, 4, &n, &e) && n == (binding ? 0 : 1),
           "and its pod template");
        ok(binding || (u[0].pod.n_containers == 1 && u[0].pod.containers[0].gpus == 2),
           "which asks for two GPUs");
    }
}

int main(void) {
    struct arena a = arena_new(FIXTURE_CAP);
    test_refusals(&a);
    test_values(&a);
    test_answers();
    test_warnings();
    test_recorded(&a);
    arena_done(&a);
    return tap_done();
}
