#include "topology/baseline.h"

#include <string.h>

#include "topology/baseline_inner.h"

/* ---- which GPU is which ---- */

static bool same_text(const char *a, const char *b) {
    return a[0] && strcmp(a, b) == 0;
}

static bool may_be_same_product(const struct gpu *now, const struct gpu *old) {
    return !now->product[0] || !old->product[0] || strcmp(now->product, old->product) == 0;
}

static bool same_slot(const struct gpu *now, const struct gpu *old) {
    return same_text(now->pci, old->pci) && may_be_same_product(now, old);
}

static bool is_nameless(const struct gpu *g) {
    return !g->uuid[0] && !g->pci[0];
}

/* How sure a match is: the surer ones choose first. */
static bool matches(const struct gpu *now, const struct gpu *old, unsigned turn) {
    return turn == 0   ? same_text(now->uuid, old->uuid)
           : turn == 1 ? same_slot(now, old)
                       : now->index == old->index && (is_nameless(now) || is_nameless(old)) &&
                             may_be_same_product(now, old);
}

void baseline_match(const struct topo *now, const struct topo *before, int8_t map[GPU_MAX]) {
    bool taken[GPU_MAX] = {false};
    memset(map, -1, GPU_MAX);
    for (unsigned turn = 0; before && turn < 3; turn++) {
        for (unsigned i = 0; i < now->n; i++) {
            for (unsigned k = 0; map[i] < 0 && k < before->n; k++) {
                if (!taken[k] && matches(&now->gpu[i], &before->gpu[k], turn)) {
                    map[i] = (int8_t)k;
                    taken[k] = true;
                }
            }
        }
    }
}

/* A GPU off the bus does not tell who it is. */
static void name_lost(struct topo *out, const struct topo *before, const int8_t map[GPU_MAX]) {
    for (unsigned i = 0; i < out->n; i++) {
        struct gpu *g = &out->gpu[i];
        if (map[i] < 0) {
            continue;
        }
        const struct gpu *old = &before->gpu[map[i]];
        if (!g->uuid[0]) {
            memcpy(g->uuid, old->uuid, sizeof g->uuid);
        }
        if (!g->pci[0]) {
            memcpy(g->pci, old->pci, sizeof g->pci);
        }
        if (!g->product[0]) {
            memcpy(g->product, old->product, sizeof g->product);
        }
        g->memory_mib = g->memory_mib ? g->memory_mib : old->memory_mib;
        g->numa = g->numa >= 0 ? g->numa : old->numa;
    }
}

/* ---- one pair ---- */

static bool is_pcie(struct wire w) {
    return w.kind >= WIRE_PIX && w.kind < WIRE_KIND_COUNT;
}

struct shown baseline_shown(const struct topo *t, unsigned a, unsigned b) {
    struct wire ab = t->wire[a][b];
    struct wire ba = t->wire[b][a];
    bool nv_ab = ab.kind == WIRE_NVLINK && ab.lanes;
    bool nv_ba = ba.kind == WIRE_NVLINK && ba.lanes;
    if ((!nv_ab && !is_pcie(ab)) || (!nv_ba && !is_pcie(ba))) {
        return (struct shown){SHOWN_UNKNOWN, 0};
    }
    if (nv_ab != nv_ba || (nv_ab && ab.lanes != ba.lanes)) {
        return (struct shown){SHOWN_ASYMMETRIC, 0};
    }
    return (struct shown){SHOWN_LANES, nv_ab ? ab.lanes : 0};
}

static uint8_t more_lanes(uint8_t a, uint8_t b) {
    if (a == EXPECTED_UNKNOWN || b == EXPECTED_UNKNOWN) {
        return a == EXPECTED_UNKNOWN ? b : a;
    }
    return a > b ? a : b;
}

/* One pair through one call. */
struct look {
    struct shown now;
    struct shown old; /* UNKNOWN where nothing was published */
    uint8_t expected; /* by the table and by what was published; may be EXPECTED_UNKNOWN */
    uint8_t kind;     /* of the wire now */
    uint8_t old_kind;
    int64_t at;
};

static bool is_short(const struct look *l, uint8_t lanes) {
    return l->expected != EXPECTED_UNKNOWN && lanes < l->expected;
}

/* What was published is where the count goes on; else the present is the start. */
static void seed(struct baseline_pair *p, const struct look *l) {
    memset(p, 0, sizeof *p);
    const struct shown *from = l->old.kind == SHOWN_UNKNOWN ? &l->now : &l->old;
    p->lanes = p->trusted = from->lanes;
    p->since = l->at;
    p->lost_at = from->kind == SHOWN_ASYMMETRIC || is_short(l, from->lanes) ? l->at : 0;
    p->below = (uint8_t)(l->old.kind == SHOWN_LANES && !l->old.lanes ? l->old_kind : WIRE_UNKNOWN);
    p->seen = true;
}

static void lose(struct baseline_pair *p, int64_t at) {
    p->lost_at = at;
    p->flaps = (uint16_t)(p->flaps == UINT16_MAX ? UINT16_MAX : p->flaps + 1);
}

static bool is_quiet(struct baseline_pair *p, uint32_t quiet_s, int64_t at) {
    if (at < p->since) {
        p->since = at; /* the clock was set back: wait in full */
    }
    return at - p->since >= (int64_t)quiet_s;
}

static void follow(struct baseline_pair *p, const struct look *l, uint32_t quiet_s) {
    uint8_t lanes = l->now.lanes;
    if (lanes < p->lanes) {
        lose(p, l->at);
    } else if (l->now.kind == SHOWN_ASYMMETRIC) {
        p->lost_at = l->at;
    }
    if (lanes != p->lanes) {
        p->lanes = lanes;
        p->since = l->at;
    }
    if (lanes <= p->trusted || !p->lost_at || is_quiet(p, quiet_s, l->at)) {
        p->trusted = lanes;
    }
    p->held = lanes > p->trusted;
    if (l->now.kind == SHOWN_LANES && lanes == 0) {
        p->below = l->kind;
    }
}

static void publish(const struct baseline_pair *p, unsigned a, unsigned b, struct topo *out) {
    if (p->held && p->trusted) {
        topo_set_wire(out, a, b, WIRE_NVLINK, p->trusted);
    } else if (p->held) {
        topo_set_wire(out, a, b, p->below == WIRE_UNKNOWN ? WIRE_SYS : (enum wire_kind)p->below, 0);
    }
}

/* ---- all pairs ---- */

struct pass {
    const struct topo *before;
    int8_t map[GPU_MAX];
    uint32_t quiet_s;
    int64_t at;
};

static struct look look_at(const struct pass *s, const struct topo *now, unsigned a, unsigned b) {
    struct look l = {.now = baseline_shown(now, a, b),
                     .expected = more_lanes(now->expected[a][b], now->expected[b][a]),
                     .kind = now->wire[a][b].kind,
                     .at = s->at};
    if (s->map[a] >= 0 && s->map[b] >= 0) {
        unsigned x = (unsigned)s->map[a];
        unsigned y = (unsigned)s->map[b];
        uint8_t old = more_lanes(s->before->expected[x][y], s->before->expected[y][x]);
        l.old = baseline_shown(s->before, x, y);
        l.old_kind = s->before->wire[x][y].kind;
        l.expected = more_lanes(l.expected, old);
    }
    return l;
}

static void pass_pair(const struct pass *s, struct baseline_memory *m, unsigned a, unsigned b,
                      struct topo *out) {
    struct look l = look_at(s, out, a, b);
    struct baseline_pair *p = &m->pair[a][b];
    if (l.now.kind == SHOWN_UNKNOWN) {
        if (p->seen && p->held) {
            p->since = s->at;
        }
    } else {
        if (!p->seen) {
            seed(p, &l);
        }
        follow(p, &l, s->quiet_s);
        publish(p, a, b, out);
        l.expected = l.now.lanes ? more_lanes(l.expected, l.now.lanes) : l.expected;
    }
    topo_set_expected(out, a, b, l.expected);
}

/* Another GPU at a position starts anew. */
static void fit_memory(struct baseline_memory *m, const struct topo *t) {
    for (unsigned i = 0; i < GPU_MAX; i++) {
        const char *uuid = i < t->n ? t->gpu[i].uuid : "";
        if (i < m->n && i < t->n && strcmp(m->uuid[i], uuid) == 0) {
            continue;
        }
        for (unsigned k = 0; k < GPU_MAX; k++) {
            memset(&m->pair[i][k], 0, sizeof m->pair[i][k]);
            memset(&m->pair[k][i], 0, sizeof m->pair[k][i]);
        }
        memset(m->uuid[i], 0, sizeof m->uuid[i]);
        memcpy(m->uuid[i], uuid, strnlen(uuid, GPU_UUID_MAX - 1));
    }
    m->n = t->n;
}

void baseline_apply(const struct topo *now_read, const struct topo *before,
                    const struct baseline_rules *rules, struct baseline_memory *m, int64_t now,
                    struct topo *out) {
    struct topo t = *now_read;
    struct pass s = {.before = rules->reset ? NULL : before, .quiet_s = rules->quiet_s, .at = now};
    if (rules->reset) {
        memset(m, 0, sizeof *m);
    }
    baseline_match(&t, s.before, s.map);
    if (s.before) {
        name_lost(&t, s.before, s.map);
    }
    fit_memory(m, &t);
    for (unsigned a = 0; a < t.n; a++) {
        for (unsigned b = a + 1; b < t.n; b++) {
            pass_pair(&s, m, a, b, &t);
        }
    }
    *out = t;
}

int64_t baseline_next_s(const struct baseline_memory *m, const struct baseline_rules *rules,
                        int64_t now) {
    int64_t next = -1;
    for (unsigned a = 0; a < m->n; a++) {
        for (unsigned b = a + 1; b < m->n; b++) {
            const struct baseline_pair *p = &m->pair[a][b];
            int64_t left = p->since + (int64_t)rules->quiet_s - now;
            left = left < 0 ? 0 : left;
            if (p->held && (next < 0 || left < next)) {
                next = left;
            }
        }
    }
    return next;
}
