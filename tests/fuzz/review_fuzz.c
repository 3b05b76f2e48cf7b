/* An admission review from the network, to its answer: whatever comes in, what goes out is JSON,
 * and a patch is a list of operations on paths that begin as they must. */
#include <stdint.h>
#include <stdlib.h>

#include "topology/json.h"
#include "webhook/codec/object.h"
#include "webhook/codec/review.h"
#include "webhook/core/gate.h"
#include "webhook/core/place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CAP ((size_t)8 * 1024 * 1024)

static void must(bool good) {
    if (!good) {
        abort();
    }
}

static const struct json *reread(const struct buf *b, struct arena *a) {
    const struct json *root = NULL;
    struct err e = {0};
    must(buf_ok(b) && json_parse(buf_view(b), a, &root, &e));
    return root;
}

static void patch_check(const struct pod *p, bool ours, struct arena *a, struct buf *patch) {
    static struct decision d;
    struct policy policy = {.scheduler_name = SPAN("tpguard-scheduler")};
    d.set_scheduler = true;
    d.affinity_above = 1;
    d.prefer_above = p->n_containers % 2;
    d.prefer_stranded = true;
    (void)snprintf(d.repin, sizeof d.repin, "2,3");
    for (int i = 0; i < p->n_containers; i++) {
        d.repin_container = p->containers[i].n_env ? i : d.repin_container;
    }
    struct patch_ask ask = {.pod = p};
    if (ours) {
        ask.decision = &d;
        ask.policy = &policy;
        ask.annotation = SPAN("{}");
        ask.gated = true;
    }
    patch_build(&ask, patch);
    must(buf_ok(patch));
    if (!patch->n) {
        return;
    }
    for (const struct json *op = json_first(reread(patch, a)); op; op = json_next(op)) {
        struct span path = {0};
        struct err e = {0};
        must(json_req_str(op, "path", &path, &e));
        must(span_starts(path, "/metadata") || span_starts(path, "/spec/"));
    }
}

/* What stands in an AdmissionReview of a workload: templates old and new, lines for kubectl. */
static void workload_check(const struct review *r, const struct unit *u, unsigned n,
                           struct arena *a) {
    static struct gate g;
    static struct decision d;
    struct policy policy = policy_default();
    struct unit *old = ARENA_NEW(a, struct unit, UNITS_MAX);
    unsigned n_old = 0;
    struct err e = {0};
    gate_begin(&g, n);
    for (unsigned i = 0; i < n; i++) {
        memset(&d, 0, sizeof d);
        decide_malformed(&(struct err){.code = ERR_INPUT}, MODE_WARN, &d);
        const struct gate_in in = {
            .role = span_of(u[i].role), .policy = &policy, .decision = &d, .plain = &d};
        gate_add(&g, &in);
    }
    for (unsigned i = 0; i < gate_lines(&g); i++) {
        char line[128];
        gate_line_text(&g, i, line);
        must(strlen(line) <= 120);
    }
    if (!n) {
        (void)custom_of_gpus(r->object);
        gate_untold(&g, &policy);
    }
    (void)object_is_managed(r->object);
    if (!r->old_object || !old) {
        return;
    }
    must(object_same_spec(r->object, r->old_object) == object_same_spec(r->old_object, r->object));
    if (units_decode(r->old_object, a, old, UNITS_MAX, &n_old, &e)) {
        for (unsigned i = 0; i < n && i < n_old; i++) {
            must(json_equal(u[i].object, u[i].object));
            must(json_equal(u[i].object, old[i].object) == json_equal(old[i].object, u[i].object));
        }
    }
}

/* May the pod be on the node: labels and taints fit their block, the same question has the same
 * answer, and what says no can be said in a line. */
static void place_check(const struct pod *p, const struct json *object, struct arena *a) {
    static unsigned char block[PLACE_BLOCK_MAX];
    static unsigned char key[PLACE_KEY_MAX];
    struct node_object node = {0};
    struct node_place n;
    struct place_ruling r;
    struct place_ruling again;
    struct err e = {0};
    char line[PLACE_WORDS_TEXT + 1];
    struct buf words = BUF_OVER(line);
    must(place_key(p, key) <= PLACE_KEY_MAX);
    if (!object || !node_decode(object, a, &node, &e)) {
        return;
    }
    unsigned bytes = place_pack(&node.place, block);
    void *heap = malloc(bytes);
    must(bytes <= PLACE_BLOCK_MAX && heap);
    memcpy(heap, block, bytes);
    place_unpack(heap, &n);
    place_judge(p, node.name, &n, &r);
    place_judge(p, node.name, &n, &again);
    must(r.answer == again.answer && r.rule == again.rule && r.answer <= PLACE_UNTOLD);
    must((r.answer == PLACE_NO) == (r.rule != PLACE_BY_NOTHING));
    place_words(p, &n, &r, &words);
    must(buf_ok(&words) && (r.answer == PLACE_NO) == (words.n > 0));
    free(heap);
}

static void answer_check(const struct review *r, struct span patch, struct arena *a) {
    struct buf out = buf_new(CAP);
    char word[64];
    size_t n = r->user.n < sizeof word - 1 ? r->user.n : sizeof word - 1;
    memcpy(word, r->user.n ? r->user.p : "", n);
    word[n] = '\0';
    struct review_answer answer = {
        .uid = r->uid, .allowed = patch.n > 0, .patch = patch, .message = word, .n_warnings = 1};
    answer.warnings[0] = word;
    review_encode(&answer, &out);
    const struct json *response = NULL;
    struct span uid = {0};
    struct err e = {0};
    must(json_req_object(reread(&out, a), "response", &response, &e));
    must(json_req_str(response, "uid", &uid, &e) && span_eq(uid, r->uid));
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = arena_new(CAP);
    struct buf patch = buf_new(CAP);
    struct review r = {0};
    struct err e = {0};
    struct unit *u = ARENA_NEW(&a, struct unit, UNITS_MAX);
    unsigned n = 0;
    if (!review_decode((struct span){(const char *)data, size}, &a, &r, &e)) {
        must(e.code != ERR_NONE && e.msg[0] != '\0');
    } else {
        struct node_object node = {0};
        if (r.object && u && units_decode(r.object, &a, u, UNITS_MAX, &n, &e)) {
            workload_check(&r, u, n, &a);
        }
        if (n) {
            patch_check(&u[0].pod, true, &a, &patch);
            place_check(&u[0].pod, r.old_object, &a);
        } else if (r.object) {
            struct pod marks;
            pod_marks(r.object, &a, &marks);
            patch_check(&marks, false, &a, &patch);
        }
        if (r.object && node_decode(r.object, &a, &node, &e)) {
            struct allocations held = {0};
            must(!allocations_decode(node.allocations, &a, &held, &e) || held.n <= 512);
        }
        answer_check(&r, buf_view(&patch), &a);
    }
    buf_done(&patch);
    arena_done(&a);
    return 0;
}
