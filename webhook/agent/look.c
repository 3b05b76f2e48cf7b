#include "webhook/agent/look.h"

#include <stdlib.h>

#include "topology/annotation.h"
#include "webhook/codec/held.h"

#define BOOKS_ARENA_MAX ((size_t)64 * 1024 * 1024)
#define CHANGES_MAX     2048

struct look {
    struct look_ends ends;
    struct baseline_rules rules;
    struct baseline_memory memory;
    struct reading reading;
    struct topo shown; /* when has: what the topology text says */
    struct topo fresh;
    struct holdings holdings;
    struct buf topology;
    struct buf allocations;
    struct buf scratch;
    struct buf changes;
    struct buf held;
    struct arena arena; /* of the books */
    uint64_t books;     /* hash of the last ones */
    int16_t minor[GPU_MAX];
    bool minors_known; /* of the GPUs as they are shown */
    int64_t seen_at;
    int64_t blind_since; /* by the steady clock */
    bool blind;          /* the last reading failed */
    bool has;
    bool reset;
};

struct look *look_new(const struct look_ends *ends, const struct baseline_rules *rules) {
    struct look *l = calloc(1, sizeof *l);
    if (!l) {
        return NULL;
    }
    l->ends = *ends;
    l->rules = *rules;
    l->topology = buf_new(ANNOTATION_MAX);
    l->allocations = buf_new(HELD_TEXT_MAX);
    l->scratch = buf_new(ANNOTATION_MAX);
    l->changes = buf_new(CHANGES_MAX);
    l->held = buf_new(CHANGES_MAX);
    l->arena = arena_new(BOOKS_ARENA_MAX);
    return l;
}

void look_free(struct look *l) {
    if (!l) {
        return;
    }
    buf_done(&l->topology);
    buf_done(&l->allocations);
    buf_done(&l->scratch);
    buf_done(&l->changes);
    buf_done(&l->held);
    arena_done(&l->arena);
    free(l);
}

bool look_recall(struct look *l, struct span topology) {
    struct err e = {0};
    buf_reset(&l->topology);
    l->has = topology.n && annotation_decode(topology, &l->shown, &e);
    if (l->has) {
        buf_span(&l->topology, topology);
    }
    return l->has || !topology.n;
}

void look_forget(struct look *l) {
    l->has = false;
    l->reset = true;
    buf_reset(&l->topology);
}

/* ---- wiring ---- */

static int64_t steady(const struct look *l, int64_t now) {
    return l->ends.steady_s ? l->ends.steady_s(l->ends.ctx) : now;
}

/* The same GPUs, and nothing known of what connects them. */
static void blind(const struct topo *from, struct topo *out) {
    *out = *from;
    for (unsigned i = 0; i < out->n; i++) {
        out->gpu[i].links = (struct gpu_links){0};
        if (out->gpu[i].fabric != FABRIC_NONE) { /* none is what the machine is like */
            out->gpu[i].fabric = FABRIC_UNKNOWN;
        }
        for (unsigned j = 0; j < out->n; j++) {
            out->wire[i][j] = (struct wire){.kind = i == j ? WIRE_SELF : WIRE_UNKNOWN};
        }
    }
}

static bool encode(struct look *l, const struct topo *t) {
    buf_reset(&l->scratch);
    annotation_encode(t, &l->scratch);
    if (!buf_ok(&l->scratch)) {
        return false;
    }
    buf_reset(&l->topology);
    buf_span(&l->topology, buf_view(&l->scratch));
    return buf_ok(&l->topology);
}

/* l->fresh becomes what is shown, where it says something else. */
static bool show(struct look *l, int64_t now, struct err *e) {
    const struct topo *before = l->has ? &l->shown : NULL;
    struct baseline_rules rules = l->rules;
    rules.reset = rules.reset || l->reset;
    int64_t at = steady(l, now);
    baseline_apply(&l->fresh, before, &rules, &l->memory, at, &l->fresh);
    buf_reset(&l->changes);
    buf_reset(&l->held);
    baseline_note(&l->memory, &l->fresh, &l->rules, at, &l->held);
    if (before && !l->reset && baseline_same(before, &l->fresh)) {
        return true;
    }
    l->fresh.observed_at = now;
    if (!encode(l, &l->fresh)) {
        return err_set(e, ERR_TOO_LARGE, "the wiring does not fit into an annotation of %d KiB",
                       ANNOTATION_MAX / 1024);
    }
    (void)baseline_changes(before, &l->fresh, &l->changes);
    if (!l->changes.n) {
        buf_str(&l->changes, before ? "details" : "first report");
    }
    l->shown = l->fresh;
    l->minors_known = false;
    l->has = true;
    l->reset = false;
    return true;
}

static void went_blind(struct look *l, int64_t now) {
    struct err ignored = {0};
    l->seen_at = 0;
    buf_reset(&l->changes);
    int64_t at = steady(l, now);
    if (!l->blind) {
        l->blind_since = at;
        l->blind = true;
    }
    if (at - l->blind_since >= LOOK_BLIND_S && l->has) {
        blind(&l->shown, &l->fresh);
        (void)show(l, now, &ignored);
    }
}

bool look_wiring(struct look *l, int64_t now, struct err *e) {
    if (!l->ends.read(l->ends.ctx, now, &l->reading, e)) {
        went_blind(l, now);
        return false;
    }
    l->blind = false;
    l->fresh = l->reading.topo;
    if (!show(l, now, e)) {
        l->seen_at = 0;
        return false;
    }
    l->seen_at = now;
    return true;
}

/* ---- books ---- */

/* FNV-1a: of equality, not of secrets. */
static uint64_t hash_span(uint64_t h, struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    }
    return (h ^ 0xff) * UINT64_C(1099511628211);
}

static uint64_t hash_books(const struct held_list *held) {
    uint64_t h = UINT64_C(14695981039346656037);
    for (uint32_t i = 0; i < held->n; i++) {
        const struct held_pod *p = &held->pod[i];
        const struct span part[] = {p->ns, p->name, p->uid, p->container, p->resource};
        for (size_t k = 0; k < sizeof part / sizeof *part; k++) {
            h = hash_span(h, part[k]);
        }
        for (uint32_t k = 0; k < p->n; k++) {
            h = hash_span(h, p->id[k]);
        }
    }
    return h;
}

/* Programs on GPUs, with their pods where that can be told. While the driver does not answer, those
 * that it told of last: nobody has seen them end. */
static uint32_t gather(struct look *l, struct held_process *out) {
    const struct raw_facts *f = &l->reading.facts;
    uint32_t n = 0;
    if (!l->reading.from_nvml) {
        return 0;
    }
    for (; n < f->n_processes; n++) {
        const struct gpu_process *p = &f->process[n];
        out[n] = (struct held_process){.pid = p->pid, .gpu = p->gpu};
        if (l->ends.pod_of && p->pid) {
            (void)l->ends.pod_of(l->ends.ctx, p->pid, &l->arena, &out[n].uid);
        }
    }
    return n;
}

static const int16_t *minors(struct look *l) {
    if (l->ends.minors && !l->minors_known) {
        l->ends.minors(l->ends.ctx, &l->shown, l->minor);
        l->minors_known = true;
    }
    return l->ends.minors ? l->minor : NULL;
}

static bool settle(struct look *l, const struct look_books *b, struct err *e) {
    struct held_process process[RAW_PROCESS_MAX];
    const struct holders_in in = {.topo = &l->shown,
                                  .minor = minors(l),
                                  .held = &b->held,
                                  .process = process,
                                  .n_process = gather(l, process),
                                  .pod = b->pod,
                                  .n_pod = b->n_pod,
                                  .pods_complete = b->pods_complete};
    return holders_settle(&in, &l->holdings, e);
}

static bool write_down(struct look *l, int64_t now, struct err *e) {
    buf_reset(&l->scratch);
    if (!held_encode(&l->holdings, &l->shown, now, &l->scratch, e)) {
        return false;
    }
    if (!held_same(buf_view(&l->allocations), buf_view(&l->scratch))) {
        buf_reset(&l->allocations);
        buf_span(&l->allocations, buf_view(&l->scratch));
    }
    return true;
}

bool look_books(struct look *l, int64_t now, bool second, bool *again, struct err *e) {
    struct look_books b = {0};
    *again = false;
    if (!l->ends.books || !l->has) {
        return true;
    }
    arena_reset(&l->arena);
    if (!l->ends.books(l->ends.ctx, &l->arena, &b, e)) {
        return false;
    }
    uint64_t books = hash_books(&b.held);
    bool moved = books != l->books;
    if (moved && !second && l->reading.from_nvml && l->reading.facts.n_processes) {
        *again = true;
        return true;
    }
    l->books = books;
    return settle(l, &b, e) && write_down(l, now, e);
}

/* ---- what came of it ---- */

struct span look_topology(const struct look *l) {
    return l->has ? buf_view(&l->topology) : (struct span){0};
}
struct span look_allocations(const struct look *l) {
    return buf_view(&l->allocations);
}
int64_t look_seen_at(const struct look *l) {
    return l->seen_at;
}
const char *look_changes(const struct look *l) {
    return buf_cstr(&l->changes);
}
const char *look_held(const struct look *l) {
    return buf_cstr(&l->held);
}
int64_t look_next_s(const struct look *l, int64_t now) {
    return baseline_next_s(&l->memory, &l->rules, steady(l, now));
}
