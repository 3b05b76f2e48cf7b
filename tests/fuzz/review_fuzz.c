/* An admission review from the network, to its answer: whatever comes in, what goes out is JSON,
 * and a patch is a list of operations on paths that begin as they must. */
#include <stdint.h>
#include <stdlib.h>

#include "topology/json.h"
#include "webhook/codec/object.h"
#include "webhook/codec/review.h"

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

static void patch_check(const struct pod *p, struct arena *a, struct buf *patch) {
    static struct decision d;
    struct policy policy = {.scheduler_name = SPAN("tpguard-scheduler")};
    d.set_scheduler = true;
    d.affinity_above = 1;
    (void)snprintf(d.repin, sizeof d.repin, "2,3");
    for (int i = 0; i < p->n_containers; i++) {
        d.repin_container = p->containers[i].n_env ? i : d.repin_container;
    }
    struct patch_ask ask = {.pod = p, .decision = &d, .policy = &policy, .annotation = SPAN("{}")};
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
        if (r.object && u && units_decode(r.object, &a, u, UNITS_MAX, &n, &e) && n) {
            patch_check(&u[0].pod, &a, &patch);
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
