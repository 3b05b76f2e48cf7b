/* What holds for every node, on many small random machines. */
#include "tests/tap.h"
#include "tests/unit/core/machine.h"

#define ROUNDS 3000

static uint32_t state;

/* A fixed sequence (Numerical Recipes' constants): a failure can be repeated. */
static unsigned draw(unsigned below) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8) % below;
}

struct scene {
    struct topo topo;
    struct gpuset busy;
    struct gpuset cordoned;
    struct fit_pending pending;
    struct policy policy;
    struct shape shape;
};

static void draw_pair(struct topo *t, unsigned a, unsigned b) {
    topo_set_expected(t, a, b, 12);
    switch (draw(8)) {
    case 0:
        topo_set_wire(t, a, b, WIRE_SYS, 0);
        break;
    case 1:
        topo_set_wire(t, a, b, WIRE_NVLINK, 8);
        break;
    case 2:
        topo_set_wire(t, a, b, WIRE_SYS, 0);
        topo_set_expected(t, a, b, 0);
        break;
    case 3:
        if (draw(3) == 0) {
            topo_set_wire(t, a, b, WIRE_UNKNOWN, 0);
            topo_set_expected(t, a, b, EXPECTED_UNKNOWN);
            break;
        }
        topo_set_wire(t, a, b, WIRE_NVLINK, 12);
        break;
    default:
        topo_set_wire(t, a, b, WIRE_NVLINK, 12);
        break;
    }
}

static void draw_scene(struct scene *s) {
    memset(s, 0, sizeof *s);
    unsigned n = 2 + draw(6);
    topo_init(&s->topo, n);
    for (unsigned a = 0; a < n; a++) {
        s->topo.gpu[a].mig = draw(12) ? TRI_NO : TRI_YES;
        s->topo.gpu[a].fabric = FABRIC_NONE;
        if (draw(12) == 0) {
            memcpy(s->topo.gpu[a].fault, "ECC", 4);
        }
        for (unsigned b = a + 1; b < n; b++) {
            draw_pair(&s->topo, a, b);
        }
        s->busy = draw(3) ? s->busy : gpuset_with(s->busy, a);
        s->cordoned = draw(10) ? s->cordoned : gpuset_with(s->cordoned, a);
    }
    s->policy = policy_default();
    s->policy.allocation = draw(2) ? ALLOC_PLUGIN : ALLOC_EXACT;
    s->policy.allow_degraded = draw(2);
    unsigned k = 1 + draw(4);
    s->shape = k == 1 ? shape_singles(1 + draw(3)) : shape_tp(k, 1);
    if (k > 1 && draw(3) == 0) {
        s->shape.extra = (uint16_t)draw(3);
        s->shape.gpus += s->shape.extra;
    }
    s->pending.n = draw(3) ? 0 : 1;
    s->pending.size[0] = (unsigned char)(1 + draw(2));
}

static void answer(const struct scene *s, struct node_answer *out) {
    static struct health health;
    struct health_rules rules = {.cordoned = s->cordoned,
                                 .allow_degraded = s->policy.allow_degraded};
    health_judge(&s->topo, &rules, &health);
    unsigned waiting = s->pending.n ? s->pending.size[0] : 0;
    struct node_view view = {.name = SPAN("n"),
                             .topo_state = NODE_TOPO_OK,
                             .schedulable = true,
                             .gpus = s->topo.n,
                             .topo = &s->topo,
                             .health = &health,
                             .busy = s->busy,
                             .used = gpuset_count(s->busy) + waiting,
                             .pending = s->pending};
    decide_node(&view, &s->shape, &s->policy, 0, out);
}

/* GPU i of the new machine is GPU p[i] of the old. */
static void relabel(const struct scene *from, struct scene *to, const unsigned *p) {
    *to = *from;
    to->busy = to->cordoned = gpuset_none();
    for (unsigned i = 0; i < from->topo.n; i++) {
        uint16_t index = to->topo.gpu[i].index;
        to->topo.gpu[i] = from->topo.gpu[p[i]];
        to->topo.gpu[i].index = index;
        to->busy = gpuset_has(from->busy, p[i]) ? gpuset_with(to->busy, i) : to->busy;
        to->cordoned =
            gpuset_has(from->cordoned, p[i]) ? gpuset_with(to->cordoned, i) : to->cordoned;
        for (unsigned j = 0; j < from->topo.n; j++) {
            to->topo.wire[i][j] = from->topo.wire[p[i]][p[j]];
            to->topo.expected[i][j] = from->topo.expected[p[i]][p[j]];
        }
    }
}

static void shuffle(unsigned *p, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        p[i] = i;
    }
    for (unsigned i = n; i > 1; i--) {
        unsigned j = draw(i);
        unsigned keep = p[i - 1];
        p[i - 1] = p[j];
        p[j] = keep;
    }
}

static unsigned bad_score, bad_twice, bad_relabel, bad_free, bad_set, fitted;

static void one_round(void) {
    static struct scene s, other;
    struct node_answer a, b;
    unsigned p[GPU_MAX];
    draw_scene(&s);
    answer(&s, &a);
    answer(&s, &b);
    bool fits = a.code == REASON_NONE;
    fitted += fits;
    bad_score += fits != (a.score > 0) || a.score > 10 || (fits && !a.ever);
    bad_twice += memcmp(&a, &b, sizeof a) != 0;
    bad_set += fits && a.has_set && !gpuset_empty(gpuset_and(a.set, s.busy));
    unsigned freed = gpuset_next(s.busy, 0);
    if (freed < GPU_MAX) {
        other = s;
        other.busy = gpuset_without(s.busy, freed);
        answer(&other, &b);
        bad_free += fits && b.code != REASON_NONE;
    }
    if (s.shape.extra) {
        return; /* groups take the first devices in order: numbering matters */
    }
    shuffle(p, s.topo.n);
    relabel(&s, &other, p);
    answer(&other, &b);
    bad_relabel += a.code != b.code || a.ever != b.ever;
}

int main(void) {
    state = 20261124;
    for (unsigned i = 0; i < ROUNDS; i++) {
        one_round();
    }
    ok(fitted > ROUNDS / 20 && fitted < ROUNDS, "some of %u scenes fit: %u", ROUNDS, fitted);
    is_int(bad_score, 0, "a score above 0 is given exactly to what fits, and what fits ever could");
    is_int(bad_twice, 0, "the same question gives the same bytes");
    is_int(bad_set, 0, "no GPU in use is ever named");
    is_int(bad_relabel, 0, "numbering the GPUs otherwise changes no reason");
    is_int(bad_free, 0, "freeing a GPU never turns fit into busy");
    return tap_done();
}
