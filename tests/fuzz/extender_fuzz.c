/* A scheduler's call from the network, to its answers: whatever comes in, what goes out is JSON
 * with no key twice, and every node is judged once and stands in one place. */
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

static void judge(void *ctx, struct span name, struct extender_verdict *out) {
    unsigned *calls = ctx;
    unsigned last = (unsigned char)name.p[name.n - 1];
    (*calls)++;
    must(name.n > 0 && name.n <= 253);
    out->fits = last % 3 == 0;
    out->resolvable = last % 3 == 1;
    out->phrase = SPAN("node(s) had no healthy NVLink set of 2 GPUs");
    out->score = (uint8_t)(last % 13);
}

static unsigned count_in(const struct json *o, const char *key) {
    const struct json *v = NULL;
    struct err e = {0};
    must(json_member(o, key, &v, &e));
    return v ? json_count(v) : 0;
}

static void filter_check(const struct extender_args *args, struct arena *a, unsigned *calls) {
    struct buf out = buf_new(CAP);
    struct err e = {0};
    const struct json *root = NULL;
    const struct json *nodes = NULL;
    must(extender_filter(args, judge, calls, &out, &e));
    must(*calls == args->n);
    /* Nodes are copied as they came, and of those the scanner has not checked every key. */
    bool parsed = json_parse(buf_view(&out), a, &root, &e);
    must(parsed || args->form == EXTENDER_NODES || e.code == ERR_TOO_LARGE);
    if (parsed) {
        must(json_opt_object(root, "Nodes", &nodes, &e));
        unsigned kept = nodes ? count_in(nodes, "items") : count_in(root, "NodeNames");
        must(kept + count_in(root, "FailedNodes") + count_in(root, "FailedAndUnresolvableNodes") ==
             args->n);
    }
    buf_done(&out);
}

static void prioritize_check(const struct extender_args *args, struct arena *a) {
    struct buf out = buf_new(CAP);
    struct err e = {0};
    const struct json *root = NULL;
    unsigned calls = 0;
    must(extender_prioritize(args, judge, &calls, &out, &e));
    bool parsed = json_parse(buf_view(&out), a, &root, &e);
    must((parsed && json_count(root) == args->n) || e.code == ERR_TOO_LARGE);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = arena_new(CAP);
    struct extender_args args = {0};
    struct err e = {0};
    unsigned calls = 0;
    if (extender_decode((struct span){(const char *)data, size}, &a, &args, &e)) {
        filter_check(&args, &a, &calls);
        prioritize_check(&args, &a);
    } else {
        must(e.code != ERR_NONE && e.msg[0] != '\0');
    }
    arena_done(&a);
    return 0;
}
