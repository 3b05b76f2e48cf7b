/* A scheduler's preempt call from the network, to its answer: whatever comes in, what goes out is
 * JSON with each kept node once and its victims as they came. */
#include <stdint.h>
#include <stdlib.h>

#include "topology/json.h"
#include "webhook/codec/extender.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CAP ((size_t)8 * 1024 * 1024)

static void must(bool good) {
    if (!good) {
        abort();
    }
}

struct calls {
    unsigned asked;
    unsigned kept;
    unsigned victims;
};

static bool judge(void *ctx, const struct preempt_node *n) {
    struct calls *c = ctx;
    must(n->name.n > 0 && n->name.n <= 253 && n->n <= PREEMPT_VICTIMS_MAX);
    for (unsigned i = 0; i < n->n; i++) {
        must(n->uid[i].n > 0 && n->uid[i].n <= PREEMPT_UID_MAX);
    }
    bool keep = n->name.p[n->name.n - 1] % 2;
    c->asked++;
    c->kept += keep;
    c->victims += keep ? n->n : 0;
    return keep;
}

static void answer_check(const struct preempt_args *args, struct arena *a) {
    struct buf out = buf_new(CAP);
    struct calls c = {0};
    struct err e = {0};
    const struct json *root = NULL;
    const struct json *nodes = NULL;
    must(preempt_encode(args, judge, &c, &out, &e) && c.asked == args->n);
    if (!json_parse(buf_view(&out), a, &root, &e)) {
        must(e.code == ERR_TOO_LARGE);
        buf_done(&out);
        return;
    }
    must(json_req_object(root, "NodeNameToMetaVictims", &nodes, &e) && json_count(nodes) == c.kept);
    unsigned victims = 0;
    for (const struct json *n = json_first(nodes); n; n = json_next(n)) {
        const struct json *pods = NULL;
        must(json_req_array(n, "Pods", &pods, &e));
        victims += json_count(pods);
    }
    must(victims == c.victims);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = arena_new(CAP);
    struct preempt_args args = {0};
    struct err e = {0};
    if (preempt_decode((struct span){(const char *)data, size}, &a, &args, &e)) {
        answer_check(&args, &a);
    } else {
        must(e.code != ERR_NONE && e.msg[0] != '\0');
    }
    arena_done(&a);
    return 0;
}
