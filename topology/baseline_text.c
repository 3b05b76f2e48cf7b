/* The baseline in words: what is held down, and what changed. */
#include <string.h>

#include "topology/annotation.h"
#include "topology/baseline.h"
#include "topology/baseline_inner.h"
#include "topology/health.h"

#define CHANGES_MOST 16

void baseline_note(const struct baseline_memory *m, const struct topo *t,
                   const struct baseline_rules *rules, int64_t now, struct buf *out) {
    const char *between = "";
    for (unsigned a = 0; a < t->n && a < m->n; a++) {
        for (unsigned b = a + 1; b < t->n && b < m->n; b++) {
            const struct baseline_pair *p = &m->pair[a][b];
            if (!p->held) {
                continue;
            }
            int64_t up = now > p->since ? now - p->since : 0;
            int64_t left = (int64_t)rules->quiet_s - up;
            buf_fmt(out, "%sGPUs %u-%u: %u lanes are up again since %lld s", between,
                    t->gpu[a].index, t->gpu[b].index, p->lanes, (long long)up);
            if (p->flaps) {
                buf_fmt(out, ", after %u %s", p->flaps, p->flaps == 1 ? "loss" : "losses");
            }
            buf_fmt(out, ": not trusted for another %lld s", (long long)(left > 0 ? left : 0));
            between = "; ";
        }
    }
}

bool baseline_same(const struct topo *a, const struct topo *b) {
    struct topo t = *a;
    struct buf text[2] = {buf_new(ANNOTATION_MAX), buf_new(ANNOTATION_MAX)};
    t.observed_at = 0;
    annotation_encode(&t, &text[0]);
    t = *b;
    t.observed_at = 0;
    annotation_encode(&t, &text[1]);
    bool same =
        buf_ok(&text[0]) && buf_ok(&text[1]) && span_eq(buf_view(&text[0]), buf_view(&text[1]));
    buf_done(&text[0]);
    buf_done(&text[1]);
    return same;
}

/* ---- changes ---- */

struct changes {
    const struct topo *before;
    const struct topo *after;
    struct health old;
    struct health new;
    int8_t map[GPU_MAX];
    struct buf *out;
    unsigned n;
};

/* Room for one more? Counts in any case. */
static bool say_one(struct changes *c) {
    if (c->n++ >= CHANGES_MOST) {
        return false;
    }
    buf_str(c->out, c->n > 1 ? "; " : "");
    return true;
}

static const char *gpu_name(const struct gpu *g) {
    return g->uuid[0] ? g->uuid : g->pci[0] ? g->pci : "without a name";
}

static void compare_fault(struct changes *c, const struct gpu *new, const struct gpu *old) {
    if (strcmp(new->fault, old->fault) == 0 || !say_one(c)) {
        return;
    }
    if (new->fault[0]) {
        buf_fmt(c->out, "GPU %u: %s", new->index, new->fault);
    } else {
        buf_fmt(c->out, "GPU %u: no fault any more (was: %s)", new->index, old->fault);
    }
}

static void compare_gpu(struct changes *c, unsigned i) {
    const struct gpu *new = &c->after->gpu[i];
    if (c->map[i] < 0) {
        if (say_one(c)) {
            buf_fmt(c->out, "GPU %u (%s) is new", new->index, gpu_name(new));
        }
        return;
    }
    const struct gpu *old = &c->before->gpu[c->map[i]];
    compare_fault(c, new, old);
    if ((new->mig == TRI_YES) != (old->mig == TRI_YES) && say_one(c)) {
        buf_fmt(c->out, "GPU %u: MIG is %s", new->index, new->mig == TRI_YES ? "on" : "off");
    }
    if (new->fabric != old->fabric && say_one(c)) {
        buf_fmt(c->out, "GPU %u: fabric %s -> %s", new->index,
                fabric_name((enum fabric_state)old->fabric),
                fabric_name((enum fabric_state) new->fabric));
    }
}

static void compare_gone(struct changes *c) {
    bool kept[GPU_MAX] = {false};
    for (unsigned i = 0; i < c->after->n; i++) {
        if (c->map[i] >= 0) {
            kept[c->map[i]] = true;
        }
    }
    for (unsigned k = 0; k < c->before->n; k++) {
        const struct gpu *old = &c->before->gpu[k];
        if (!kept[k] && say_one(c)) {
            buf_fmt(c->out, "GPU %u (%s) is gone", old->index, gpu_name(old));
        }
    }
}

/* A disagreement in numbers, any other state as lanes of lanes. */
static void put_lanes(const struct changes *c, unsigned a, unsigned b) {
    const struct topo *t = c->after;
    unsigned ab = t->wire[a][b].lanes;
    unsigned ba = t->wire[b][a].lanes;
    unsigned expected = t->expected[a][b];
    if (c->new.pair[a][b] == PAIR_ASYMMETRIC) {
        buf_fmt(c->out, " (%u lanes one way, %u the other)", ab, ba);
    } else if (expected != EXPECTED_UNKNOWN && expected > 0 && c->new.pair[a][b] != PAIR_UNKNOWN) {
        buf_fmt(c->out, " (%u of %u lanes)", ab, expected);
    }
}

static void compare_pair(struct changes *c, unsigned a, unsigned b) {
    if (c->map[a] < 0 || c->map[b] < 0) {
        return;
    }
    unsigned x = (unsigned)c->map[a];
    unsigned y = (unsigned)c->map[b];
    enum pair_state old = (enum pair_state)c->old.pair[x][y];
    enum pair_state new = (enum pair_state)c->new.pair[a][b];
    bool lanes = new == PAIR_DEGRADED && c->before->wire[x][y].lanes != c->after->wire[a][b].lanes;
    if ((old == new && !lanes) || !say_one(c)) {
        return;
    }
    buf_fmt(c->out, "GPUs %u-%u: %s -> %s", c->after->gpu[a].index, c->after->gpu[b].index,
            pair_state_name(old), pair_state_name(new));
    put_lanes(c, a, b);
}

unsigned baseline_changes(const struct topo *before, const struct topo *after, struct buf *out) {
    if (!before) {
        return 0;
    }
    struct changes c = {.before = before, .after = after, .out = out};
    health_judge(before, NULL, &c.old);
    health_judge(after, NULL, &c.new);
    baseline_match(after, before, c.map);
    compare_gone(&c);
    for (unsigned i = 0; i < after->n; i++) {
        compare_gpu(&c, i);
    }
    for (unsigned a = 0; a < after->n; a++) {
        for (unsigned b = a + 1; b < after->n; b++) {
            compare_pair(&c, a, b);
        }
    }
    if (c.n > CHANGES_MOST) {
        buf_fmt(out, "; and %u more", c.n - CHANGES_MOST);
    }
    return c.n;
}
