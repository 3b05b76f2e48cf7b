/* From what a pod is to what it asks of a node. */
#include "webhook/core/node.h"

/* Counts beyond this cannot be met by any node; cut here, they stay impossible and fit the fields.
 */
#define COUNT_CAP 65535U

static uint16_t capped(uint64_t n) {
    return (uint16_t)(n > COUNT_CAP ? COUNT_CAP : n);
}

static bool is_foreign(const struct workload *w) {
    return w->mig || w->shared || w->other_gpus || w->claims;
}

/* Who names GPUs that cannot be told one by one ("all": monitors do) and has no TP group takes none
 * of them for itself. */
static bool takes_nothing(const struct workload *w) {
    bool group = w->tp.known && w->tp.n > 1 && w->scope != SCOPE_NONE;
    return w->gpus == 0 && w->pin.kind != PIN_NODE && (w->pin.kind == PIN_NONE || !group);
}

/* GPUs this pod will see: what it asks for, else what it names. */
static uint32_t gpus_here(const struct workload *w) {
    if (w->pin.kind == PIN_NODE) {
        return w->pin.n;
    }
    return w->gpus;
}

/* The TP group's part in this pod; 0 = cannot be told. */
static uint32_t tp_here(const struct workload *w, const struct policy *policy, uint32_t here) {
    uint32_t seen = w->visible_known && w->n_order ? w->n_order : here;
    if (w->scope == SCOPE_NONE || (w->tp.known && w->tp.n <= 1)) {
        return 1;
    }
    if (!w->tp.known || w->scope == SCOPE_UNKNOWN) {
        if (policy->unknown_tp == UNKNOWN_ALLOW) {
            return 0;
        }
        return seen ? seen : 1;
    }
    if (w->scope == SCOPE_MULTI) {
        uint32_t part = w->in_pod.known && w->in_pod.n ? w->in_pod.n : seen;
        part = part && part < w->tp.n ? part : w->tp.n;
        return part;
    }
    return w->tp.n;
}

static uint32_t groups_of(const struct workload *w, uint32_t tp, uint32_t here) {
    uint32_t used = here;
    if (tp > 1 && (!w->tp.known || w->scope == SCOPE_UNKNOWN)) {
        return 1;
    }
    if (tp > 1 && w->in_pod.known) {
        used = w->in_pod.n;
    }
    if (here && used > here) {
        used = here;
    }
    return used / tp ? used / tp : 1;
}

/* Device order inside the chosen GPUs, when it says more than "the first ones in order". */
static void take_order(const struct workload *w, struct shape *s) {
    unsigned want = (unsigned)s->tp * s->groups;
    unsigned total = want + s->extra;
    if (s->tp < 2 || !w->visible_known || w->n_order < want || want > GPU_MAX) {
        return;
    }
    bool plain = true;
    for (unsigned i = 0; i < want; i++) {
        if (w->order[i] >= total) {
            return;
        }
        plain = plain && w->order[i] == i;
    }
    if (!plain) {
        memcpy(s->order, w->order, want);
        s->n_order = (uint8_t)want;
    }
}

void shape_of(const struct workload *w, const struct policy *policy, struct shape *out) {
    *out = (struct shape){.gpus = w->gpus, .tp = 1, .groups = 1};
    if (!w->gpu_pod || is_foreign(w) || takes_nothing(w)) {
        out->any = true;
        return;
    }
    uint32_t here = gpus_here(w);
    uint32_t tp = tp_here(w, policy, here);
    out->pinned = (w->pin.kind == PIN_NODE && w->pin.n) || (w->pin.kind == PIN_ALL && tp > 1);
    if (out->pinned) {
        out->pin = w->pin;
    }
    if (tp == 0) {
        out->any = !out->pinned;
        tp = 1;
    }
    uint32_t groups = groups_of(w, tp, here);
    uint64_t used = (uint64_t)tp * groups;
    out->tp = capped(tp);
    out->groups = capped(groups);
    out->extra = capped(here > used ? here - used : 0);
    take_order(w, out);
}

struct pen {
    unsigned char *at;
};

static void put(struct pen *p, const void *bytes, size_t n) {
    memcpy(p->at, bytes, n);
    p->at += n;
}

/* Longest: 12 + GPU_MAX + 2 + PIN_MAX * (3 + GPU_UUID_MAX). */
_Static_assert(12 + GPU_MAX + 2 + PIN_MAX * (3 + GPU_UUID_MAX) <= SHAPE_KEY_MAX,
               "a key always fits");

unsigned shape_key(const struct shape *s, unsigned char out[static SHAPE_KEY_MAX]) {
    struct pen p = {out};
    unsigned char flags = (unsigned char)((s->pinned ? 1U : 0U) | (s->any ? 2U : 0U));
    unsigned char order = s->n_order > GPU_MAX ? GPU_MAX : s->n_order;
    put(&p, &s->gpus, sizeof s->gpus);
    put(&p, &s->tp, sizeof s->tp);
    put(&p, &s->groups, sizeof s->groups);
    put(&p, &s->extra, sizeof s->extra);
    put(&p, &flags, 1);
    put(&p, &order, 1);
    put(&p, s->order, order);
    unsigned char pins = s->pin.n > PIN_MAX ? PIN_MAX : s->pin.n;
    if (s->pinned) {
        put(&p, &s->pin.kind, 1);
        put(&p, &pins, 1);
    }
    for (unsigned i = 0; s->pinned && i < pins; i++) {
        unsigned char len = (unsigned char)strnlen(s->pin.gpu[i].uuid, GPU_UUID_MAX - 1);
        put(&p, &s->pin.gpu[i].index, sizeof s->pin.gpu[i].index);
        put(&p, &len, 1);
        put(&p, s->pin.gpu[i].uuid, len);
    }
    return (unsigned)(p.at - out);
}
