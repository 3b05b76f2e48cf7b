#include "tests/unit/cluster/fixture.h"
#include "webhook/cluster/occupancy.h"

static struct topo machine;

struct grip_of {
    _Alignas(struct grip) char bytes[sizeof(struct grip) + 8 * sizeof(struct pin_entry)];
};

/* "0", "1", or the UUID; words parted by spaces. */
static const struct grip *grip(struct grip_of *store, const char *words) {
    struct grip *g = (struct grip *)(void *)store;
    struct span rest = span_of(words);
    memset(store, 0, sizeof *store);
    while (rest.n) {
        struct span w = span_cut(&rest, ' ');
        uint32_t index = 0;
        struct buf uuid = BUF_OVER(g->gpu[g->n].uuid);
        if (span_u32(w, GPU_INDEX_MAX, &index)) {
            g->gpu[g->n++].index = (int16_t)index;
        } else {
            g->gpu[g->n++].index = -1;
            buf_span(&uuid, w);
        }
    }
    return g;
}

/* "busy 2,3 used 2 pending 1,1" */
static const char *shown(const struct occupancy *o) {
    static char text[256];
    struct buf b = BUF_OVER(text);
    buf_str(&b, "busy ");
    topo_set_text(&machine, o->busy, &b);
    buf_fmt(&b, " used %u pending ", o->used);
    for (unsigned i = 0; i < o->pending.n; i++) {
        buf_fmt(&b, "%s%u", i ? "," : "", (unsigned)o->pending.size[i]);
    }
    return text;
}

/* One pod of a row; kind '-' ends. */
struct row_pod {
    char kind; /* c count, n named, a all */
    uint32_t gpus;
    const char *named;
    const char *report; /* NULL none */
};
struct row {
    const char *what;
    bool blind; /* the wiring is not known */
    uint32_t offered;
    struct row_pod pod[3];
    unsigned n;
    const char *want;
};

static struct occupancy run(const struct row *r) {
    static const char *const names[] = {"llm/a", "llm/b", "llm/c"};
    const struct topo *t = r->blind ? NULL : &machine;
    struct occupancy o = occupancy_new();
    for (unsigned i = 0; i < r->n; i++) {
        const struct row_pod *p = &r->pod[i];
        struct grip_of named;
        struct grip_of report;
        struct claim c = {.who = span_of(names[i]), .gpus = p->gpus};
        c.kind = p->kind == 'n' ? CLAIM_NAMED : p->kind == 'a' ? CLAIM_ALL : CLAIM_COUNT;
        c.named = grip(&named, p->named ? p->named : "");
        c.report = p->report ? grip(&report, p->report) : NULL;
        occupancy_add(&o, t, r->offered, &c);
    }
    occupancy_end(&o, t, r->offered);
    return o;
}

#define U(i) "GPU-00000000-0000-4000-8000-00000000000" #i

static const struct row rows[] = {
    {"an empty node has all free", false, 4, {{0}}, 0, "busy  used 0 pending "},
    {"a pod that nobody describes holds any",
     false,
     4,
     {{'c', 2, NULL, NULL}},
     1,
     "busy  used 2 pending 2"},
    {"two of them are two unknowns",
     false,
     4,
     {{'c', 1, NULL, NULL}, {'c', 1, NULL, NULL}},
     2,
     "busy  used 2 pending 1,1"},
    {"a report says which", false, 4, {{'c', 2, NULL, "2 3"}}, 1, "busy 2,3 used 2 pending "},
    {"a report may speak in UUIDs", false, 4, {{'c', 1, NULL, U(1)}}, 1, "busy 1 used 1 pending "},
    {"a report wins over a pin", false, 4, {{'n', 2, "0 1", "2 3"}}, 1, "busy 2,3 used 2 pending "},
    {"a report of fewer GPUs than asked leaves the rest unknown",
     false,
     4,
     {{'c', 4, NULL, "0"}},
     1,
     "busy 0 used 4 pending 3"},
    {"an empty report says nothing", false, 4, {{'c', 2, NULL, ""}}, 1, "busy  used 2 pending 2"},
    {"a report of a GPU that is not there may mean any",
     false,
     4,
     {{'c', 1, NULL, "9"}},
     1,
     "busy  used 1 pending 1"},
    {"a report of MIG slices takes no whole GPU",
     false,
     4,
     {{'c', 0, NULL, "MIG-1 MIG-2"}},
     1,
     "busy  used 0 pending "},
    {"a pin without asking holds its GPUs",
     false,
     4,
     {{'n', 0, "0 1", NULL}},
     1,
     "busy 0,1 used 2 pending "},
    {"a pin by the beginning of a UUID",
     false,
     4,
     {{'n', 0, U(3), NULL}},
     1,
     "busy 3 used 1 pending "},
    {"a beginning that several share holds all of them",
     false,
     4,
     {{'n', 0, "GPU-0000", NULL}},
     1,
     "busy 0,1,2,3 used 4 pending "},
    {"two pins on one GPU count once",
     false,
     4,
     {{'n', 0, "0", NULL}, {'n', 0, "0 1", NULL}},
     2,
     "busy 0,1 used 2 pending "},
    {"a pin on a GPU that is not there holds nothing",
     false,
     4,
     {{'n', 0, "7", NULL}},
     1,
     "busy  used 0 pending "},
    {"a pin that asked for more than it names",
     false,
     4,
     {{'n', 2, "0", NULL}},
     1,
     "busy 0 used 2 pending 1"},
    {"all means all", false, 4, {{'a', 0, NULL, NULL}}, 1, "busy 0,1,2,3 used 4 pending "},
    {"pins count beside pods that asked",
     false,
     4,
     {{'c', 1, NULL, NULL}, {'n', 0, "2", NULL}},
     2,
     "busy 2 used 2 pending 1"},
    {"a GPU that the kubelet hides may be any", false, 3, {{0}}, 0, "busy  used 0 pending 1"},
    {"without wiring only counts are known",
     true,
     4,
     {{'c', 2, NULL, "2 3"}, {'n', 0, "0", NULL}},
     2,
     "busy  used 3 pending 2,1"},
    {"... and all is what the kubelet offers",
     true,
     4,
     {{'a', 0, NULL, NULL}},
     1,
     "busy  used 4 pending 4"},
};

static void table(void) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct occupancy o = run(&rows[i]);
        is_str(shown(&o), rows[i].want, rows[i].what);
    }
}

static void owners(void) {
    static const struct row r = {"", false, 4, {{'c', 2, NULL, "0 1"}, {'n', 0, "1 2", NULL}},
                                 2,  ""};
    struct occupancy o = run(&r);
    ok(span_is(o.owner[0], "llm/a") && span_is(o.owner[1], "llm/a") && span_is(o.owner[2], "llm/b"),
       "every busy GPU has an owner, the first one stays");
    ok(o.owner[3].n == 0, "a free GPU has none");
}

static void nameless(void) {
    struct topo t = machine;
    memset(t.gpu[2].uuid, 0, sizeof t.gpu[2].uuid);
    struct grip_of store;
    struct claim c = {.kind = CLAIM_NAMED, .named = grip(&store, "GPU-ffff 9")};
    struct occupancy o = occupancy_new();
    occupancy_add(&o, &t, 4, &c);
    occupancy_end(&o, &t, 4);
    is_str(shown(&o), "busy  used 1 pending 1",
           "a UUID may be any GPU where the node's own UUIDs are not all known");
}

static void many(void) {
    struct occupancy o = occupancy_new();
    struct claim c = {.gpus = 1000000};
    for (unsigned i = 0; i < 200; i++) {
        occupancy_add(&o, &machine, 4, &c);
    }
    occupancy_end(&o, &machine, 0);
    ok(o.used == 200000000 && o.pending.n == GPU_MAX, "absurd counts stay inside their bounds");
}

int main(void) {
    struct err e = {0};
    if (!synth_read(SPAN("4xH100-NVL"), &machine, &e)) {
        bail("machine", &e);
    }
    table();
    owners();
    nameless();
    many();
    return tap_done();
}
