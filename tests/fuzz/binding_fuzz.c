/* What a scheduler binds and what a Lease says is reserved. A Binding that is read has texts of its
 * own only where they stand in it, and its patch is JSON. A ledger that is read is written and read
 * back the same. */
#include <stdint.h>
#include <stdlib.h>

#include "topology/buf.h"
#include "webhook/codec/binding.h"
#include "webhook/codec/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA ((size_t)64 * 1024 * 1024)
#define TEXT  ((size_t)8 * 1024 * 1024)

static void must(bool good) {
    if (!good) {
        abort();
    }
}

static void patch(const struct binding *b, const char *gpus, const char *uuids, bool gated) {
    AUTO(arena_done) struct arena a = arena_new(ARENA);
    struct buf out = buf_new(TEXT);
    struct err e = {0};
    const struct json *root = NULL;
    binding_patch(b, gpus, uuids, gated, &out);
    must(buf_ok(&out));
    must(out.n > 0 || (!gpus && !b->has_gpus && !b->has_uuids && !b->has_gated));
    if (out.n) {
        must(json_parse(buf_view(&out), &a, &root, &e) && json_kind(root) == JSON_ARRAY);
        must(json_count(root) > 0 && json_count(root) <= 6);
    }
    buf_done(&out);
}

static void binding(struct span text) {
    AUTO(arena_done) struct arena a = arena_new(ARENA);
    const struct json *root = NULL;
    struct err e = {0};
    struct binding b = {.node = SPAN("untouched")};
    if (!json_parse(text, &a, &root, &e)) {
        return;
    }
    if (!binding_decode(root, &b, &e)) {
        must(e.code != ERR_NONE && span_is(b.node, "untouched"));
        return;
    }
    must(b.has_metadata || (!b.has_annotations && !b.name.n && !b.uid.n && !b.ns.n));
    must(b.has_annotations || (!b.has_gpus && !b.has_uuids));
    patch(&b, NULL, "", false);
    patch(&b, "any", "", true);
    patch(&b, "2,3", "GPU-a,GPU-b", true);
    patch(&b, "2,3", "", false);
}

static void same(const struct ledger *x, const struct ledger *y) {
    must(x->n == y->n);
    for (unsigned i = 0; i < x->n; i++) {
        const struct ledger_entry *p = &x->entry[i];
        const struct ledger_entry *q = &y->entry[i];
        must(span_eq(p->ns, q->ns) && span_eq(p->name, q->name) && span_eq(p->uid, q->uid));
        must(span_eq(p->set, q->set) && p->gpus == q->gpus && p->at == q->at);
    }
}

static void ledger(struct span text) {
    AUTO(arena_done) struct arena a = arena_new(ARENA);
    static struct ledger first;
    static struct ledger second;
    struct err e = {0};
    first.n = LEDGER_MAX + 1;
    if (!ledger_decode(text, &a, &first, &e)) {
        must(e.code != ERR_NONE && first.n == LEDGER_MAX + 1);
        return;
    }
    must(first.n <= LEDGER_MAX);
    struct buf out = buf_new(TEXT);
    ledger_encode(&first, &out);
    must(buf_ok(&out));
    /* Escapes may make it longer than what came. */
    if (out.n <= LEDGER_TEXT_MAX) {
        must(ledger_decode(buf_view(&out), &a, &second, &e));
        same(&first, &second);
    }
    unsigned before = first.n;
    ledger_expire(&first, INT64_C(1795000000));
    must(first.n <= before);
    if (first.n) {
        struct ledger_entry again = first.entry[0];
        must(ledger_put(&first, &again, &e));
    }
    buf_done(&out);
}

static void lease(struct span text) {
    AUTO(arena_done) struct arena a = arena_new(ARENA);
    static struct ledger_lease got;
    struct err e = {0};
    if (ledger_lease_decode(text, &a, &got, &e)) {
        must(got.ledger.n <= LEDGER_MAX && got.resource_version.p);
    } else {
        must(e.code != ERR_NONE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = {(const char *)data, size};
    binding(text);
    ledger(text);
    lease(text);
    return 0;
}
