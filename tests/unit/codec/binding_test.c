/* Binding and reservations as the API server sends and keeps them. */
#include "tests/unit/codec/fixture.h"
#include "webhook/codec/binding.h"
#include "webhook/codec/ledger.h"

static struct arena arena;

/* ---- Binding ---- */

struct binding_row {
    const char *what;
    const char *text;
    bool good;
    const char *node;
    const char *path; /* of the error */
};
static const struct binding_row binding_rows[] = {
    {"a list", "[]", false, "", ""},
    {"no target", "{'metadata':{'name':'a'}}", false, "", "target"},
    {"a target without a name", "{'target':{'kind':'Node'}}", false, "", "target.name"},
    {"a name that is a number", "{'target':{'name':7}}", false, "", "target.name"},
    {"a uid that is a list", "{'metadata':{'uid':[]},'target':{'name':'n'}}", false, "",
     "metadata.uid"},
    {"another kind of target", "{'target':{'kind':'Rack','name':'n1'}}", true, "", ""},
    {"the usual one",
     "{'metadata':{'name':'a','namespace':'x','uid':'u'},'target':{'kind':'Node','name':'n1'}}",
     true, "n1", ""},
    {"no kind of target", "{'target':{'name':'n1'}}", true, "n1", ""},
};

static void bindings(void) {
    for (size_t i = 0; i < sizeof binding_rows / sizeof binding_rows[0]; i++) {
        const struct binding_row *r = &binding_rows[i];
        struct binding b = {0};
        struct err e = {0};
        arena_reset(&arena);
        bool done = binding_decode(parsed(&arena, r->text), &b, &e);
        if (r->good) {
            ok(done && span_is(b.node, r->node), "%s", r->what);
        } else {
            refused(&e, done, ERR_INPUT, r->path, r->what);
        }
    }
}

struct patch_row {
    const char *what;
    const char *text;
    const char *gpus;
    const char *uuids;
    bool gated;
    const char *want; /* ' for " */
};
#define ADD(k, v) "{'op':'add','path':'/metadata/annotations/tpguard.io~1" k "','value':'" v "'}"
#define DEL(k)    "{'op':'remove','path':'/metadata/annotations/tpguard.io~1" k "'}"
#define NOTES     "{'op':'add','path':'/metadata/annotations','value':{}}"
#define LABELS    "{'op':'add','path':'/metadata/labels','value':{}}"
#define BOUND     "{'op':'add','path':'/metadata/labels/tpguard.io~1gated','value':'bound'}"
static const struct patch_row patch_rows[] = {
    {"parents that are missing are made", "{'target':{'name':'n'}}", "2,3", "", true,
     "[{'op':'add','path':'/metadata','value':{}}," NOTES "," ADD("gpus", "2,3") "," LABELS
                                                                                 "," BOUND "]"},
    {"the usual one", "{'metadata':{},'target':{'name':'n'}}", "2,3", "GPU-a,GPU-b", true,
     "[" NOTES "," ADD("gpus", "2,3") "," ADD("gpu-uuids", "GPU-a,GPU-b") "," LABELS "," BOUND "]"},
    {"what the Binding claims of its own is overwritten",
     "{'metadata':{'annotations':{'tpguard.io/gpus':'0','tpguard.io/"
     "gpu-uuids':'x'}},'target':{'name':'n'}}",
     "2,3", "", true, "[" ADD("gpus", "2,3") "," DEL("gpu-uuids") "," LABELS "," BOUND "]"},
    {"labels of its own stay", "{'metadata':{'labels':{'a':'b'}},'target':{'name':'n'}}", "0", "",
     true, "[" NOTES "," ADD("gpus", "0") "," BOUND "]"},
    {"a forged label goes where nothing is reserved",
     "{'metadata':{'labels':{'tpguard.io/gated':'bound'}},'target':{'name':'n'}}", NULL, "", true,
     "[{'op':'remove','path':'/metadata/labels/tpguard.io~1gated'}]"},
    {"... or removed where nothing is reserved",
     "{'metadata':{'annotations':{'tpguard.io/gpus':'0','tpguard.io/"
     "gpu-uuids':'x'}},'target':{'name':'n'}}",
     NULL, "", true, "[" DEL("gpus") "," DEL("gpu-uuids") "]"},
    {"nothing to say", "{'metadata':{'annotations':{'x':'y'}},'target':{'name':'n'}}", NULL, "",
     true, ""},
    {"outside enforce the set alone", "{'metadata':{'annotations':{}},'target':{'name':'n'}}", "0",
     "", false, "[" ADD("gpus", "0") "]"},
};

static void patches(void) {
    for (size_t i = 0; i < sizeof patch_rows / sizeof patch_rows[0]; i++) {
        const struct patch_row *r = &patch_rows[i];
        struct binding b = {0};
        struct err e = {0};
        struct buf out = buf_new(4096);
        arena_reset(&arena);
        bool done = binding_decode(parsed(&arena, r->text), &b, &e);
        binding_patch(&b, r->gpus, r->uuids, r->gated, &out);
        ok(done && span_eq(buf_view(&out), quoted(&arena, r->want)), "%s: %s", r->what,
           buf_cstr(&out));
        buf_done(&out);
    }
}

/* ---- reservations ---- */

static const struct {
    const char *what;
    const char *text;
    const char *path;
} bad_ledgers[] = {
    {"no JSON", "x", ""},
    {"no version", "{'pods':[]}", "version"},
    {"a later version", "{'version':2,'pods':[]}", "version"},
    {"pods that are none", "{'version':1,'pods':{}}", "pods"},
    {"a pod that is a word", "{'version':1,'pods':['a']}", "pods[0]"},
    {"no uid", "{'version':1,'pods':[{'namespace':'a','name':'b','at':1}]}", "pods[0].uid"},
    {"a time before all times",
     "{'version':1,'pods':[{'namespace':'a','name':'b','uid':'c','at':-1}]}", "pods[0].at"},
};

static void ledgers(void) {
    static struct ledger l;
    struct err e = {0};
    for (size_t i = 0; i < sizeof bad_ledgers / sizeof bad_ledgers[0]; i++) {
        arena_reset(&arena);
        l.n = 77;
        bool done = ledger_decode(quoted(&arena, bad_ledgers[i].text), &arena, &l, &e);
        ok(!done && l.n == 77 && strcmp(e.path, bad_ledgers[i].path) == 0, "%s (%s: %s)",
           bad_ledgers[i].what, e.path, e.msg);
    }
    arena_reset(&arena);
    ok(ledger_decode((struct span){0}, &arena, &l, &e) && l.n == 0, "no text: no reservations");
    l = (struct ledger){.n = 2};
    l.entry[0] = (struct ledger_entry){.ns = SPAN("llm"),
                                       .name = SPAN("chat-0"),
                                       .uid = SPAN("7f8e"),
                                       .gpus = 2,
                                       .set = SPAN("2,3"),
                                       .at = 1795000000};
    l.entry[1] = (struct ledger_entry){.ns = SPAN("a"), .name = SPAN("b\"c"), .uid = SPAN("d")};
    struct buf text = buf_new(4096);
    static struct ledger back;
    ledger_encode(&l, &text);
    bool done = ledger_decode(buf_view(&text), &arena, &back, &e);
    ok(done && back.n == 2 && back.entry[0].gpus == 2 && span_is(back.entry[0].set, "2,3") &&
           back.entry[0].at == 1795000000 && span_is(back.entry[1].name, "b\"c"),
       "what is written is read back");
    buf_done(&text);
}

static void leases(void) {
    static struct ledger_lease lease;
    struct err e = {0};
    arena_reset(&arena);
    ok(!ledger_lease_decode(quoted(&arena, "{'metadata':{}}"), &arena, &lease, &e),
       "a Lease without a version is none");
    ok(ledger_lease_decode(quoted(&arena, "{'metadata':{'resourceVersion':'12'}}"), &arena, &lease,
                           &e) &&
           lease.ledger.n == 0 && span_is(lease.resource_version, "12"),
       "a Lease without reservations");
    const char *foul = "{'metadata':{'resourceVersion':'12','annotations':{"
                       "'tpguard.io/reservations':'{}'}}}";
    bool done = ledger_lease_decode(quoted(&arena, foul), &arena, &lease, &e);
    refused(&e, done, ERR_INPUT, "metadata.annotations['tpguard.io/reservations'].version",
            "reservations that are none");
}

int main(void) {
    arena = arena_new(FIXTURE_CAP);
    bindings();
    patches();
    ledgers();
    leases();
    arena_done(&arena);
    return tap_done();
}
