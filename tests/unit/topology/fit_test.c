#include "topology/fit.h"

#include "tests/tap.h"
#include "topology/buf.h"
#include "wiring.h"

static struct machine m;

static struct gpuset all(void) {
    return m.health.all;
}

static bool best(uint32_t free, unsigned k, struct fit *f) {
    bool exact = false;
    bool got = fit_best(&m.health, FIT_NOW, &m.topo, set_of(free), k, f, &exact);
    ok(exact, "the search for %u in %#x is complete", k, free);
    return got;
}

static void machine_worked_example(void) {
    machine_pcie(&m, 4);
    machine_link(&m, 2, 3, 12);
    topo_set_expected(&m.topo, 0, 1, 12);
    topo_set_expected(&m.topo, 2, 3, 12);
    machine_judge(&m);
}

static void refusals(void) {
    struct fit f = {.left2 = 77};
    machine_worked_example();
    ok(!best(0, 2, &f), "nothing free, nothing found");
    ok(!best(0xF, 0, &f), "a set of none is none");
    ok(!best(0xF, 5, &f), "more than there are");
    ok(!best(0xF, 3, &f), "no set of three");
    ok(!best(0x3, 2, &f), "a pair that is down is no set");
    ok(!best(0x7, 2, &f), "half a bridged pair is no set");
    is_int(f.left2, 77, "a refusal leaves the output alone");
    ok(!fit_best(&m.health, FIT_NOW, &m.topo, set_of(0xFFF0), 1, &f, NULL),
       "GPUs that do not exist are not free");
    machine_pcie(&m, 0);
    ok(!best(0xF, 1, &f), "a node without GPUs");
    is_int(fit_largest(&m.health, FIT_NOW, all()), 0, "and its largest set");
}

static void worked_example(void) {
    struct fit f;
    machine_worked_example();
    ok(best(0xF, 2, &f) && mask_of(f.set) == 0xC, "TP=2 gets the healthy pair 2-3");
    is_int(f.min_lanes, 12, "with its lanes");
    ok(best(0xF, 1, &f) && mask_of(f.set) == 0x1, "TP=1 goes to stranded GPU 0 first");
    is_int(f.left2, 1, "and the pair survives");
    ok(best(0xE, 1, &f) && mask_of(f.set) == 0x2, "then to GPU 1");
    ok(best(0xC, 1, &f) && mask_of(f.set) == 0x4 && f.left2 == 0, "then the pair is broken");
    is_int(mask_of(fit_stranded(&m.health, all())), 0x3, "0 and 1 are stranded");
    is_int(mask_of(fit_stranded(&m.health, set_of(0x7))), 0x7, "2 too while 3 is busy");
    ok(fit_best(&m.health, FIT_EVER, &m.topo, all(), 2, &f, NULL) && mask_of(f.set) == 0x3 &&
           f.min_lanes == 12,
       "repaired, the pair 0-1 would do, with the lanes it should have");
    is_int(fit_count(&m.health, FIT_NOW, all(), 2), 1, "one pair now");
    is_int(fit_count(&m.health, FIT_EVER, all(), 2), 2, "two pairs when repaired");
    is_int(fit_count(&m.health, FIT_NOW, all(), 1), 4, "four single GPUs");
    is_int(fit_count(&m.health, FIT_NOW, all(), 0), 0, "sets of none are not counted");
}

static void blocked_gpus(void) {
    struct fit f;
    struct health_rules rules = {.cordoned = gpuset_one(2)};
    machine_islands(&m, 4, 2, 12);
    m.topo.gpu[0].fault[0] = 'x';
    health_judge(&m.topo, &rules, &m.health);
    ok(!best(0xF, 2, &f), "a faulty and a cordoned GPU leave no pair");
    ok(best(0xF, 1, &f) && mask_of(f.set) == 0x2, "the faulty GPU is not handed out at all");
    ok(best(0x4, 1, &f) && mask_of(f.set) == 0x4, "the cordoned one is, alone");
    is_int(mask_of(fit_stranded(&m.health, all())), 0xE, "the faulty GPU is not stranded");
}

static void cube_mesh(void) {
    struct fit f;
    struct gpuset sets[16];
    machine_cube(&m);
    is_int(fit_largest(&m.health, FIT_NOW, all()), 4, "the cube mesh has sets of four");
    ok(best(0xFF, 4, &f) && mask_of(f.set) == 0x0F && f.left4 == 1, "the first quad");
    ok(best(0xFE, 4, &f) && mask_of(f.set) == 0xF0, "the other one when a GPU is missing");
    ok(!best(0x7E, 4, &f), "none when both quads miss a GPU, although six are connected");
    ok(!best(0xFF, 5, &f), "no set of five");
    ok(best(0xFF, 2, &f) && f.left4 == 1 && f.left2 == 3 && f.min_lanes == 2,
       "a pair leaves one quad whole and takes double lanes");
    is_int(fit_sets(&m.health, FIT_NOW, all(), sets, 16), 6, "two quads and four rungs");
    ok(mask_of(sets[0]) == 0x0F && mask_of(sets[1]) == 0xF0 && mask_of(sets[2]) == 0x11,
       "largest first, then in order");
    is_int(fit_sets(&m.health, FIT_NOW, all(), sets, 2), 2, "no more than asked for");
    ok(mask_of(sets[0]) == 0x0F && mask_of(sets[1]) == 0xF0, "and then the largest");
    is_int(fit_sets(&m.health, FIT_NOW, all(), sets, 0), 0, "none asked for, none given");
}

static void bridged_pairs(void) {
    struct fit f;
    machine_islands(&m, 8, 2, 4);
    ok(!best(0x0F, 4, &f), "two bridged pairs are not a set of four");
    ok(best(0xFF, 2, &f) && mask_of(f.set) == 0x03 && f.left2 == 3, "a pair leaves three");
    ok(best(0xFD, 1, &f) && mask_of(f.set) == 0x01, "a single takes what is broken already");
    ok(best(0xFF, 1, &f) && mask_of(f.set) == 0x01 && f.left2 == 3, "or else breaks one");
}

static void large_machines(void) {
    struct fit f;
    bool exact = false;
    static const unsigned sizes[] = {1, 2, 3, 4, 8, 16, 36, 72};
    machine_islands(&m, 72, 72, 18);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned k = sizes[i];
        exact = false;
        ok(fit_best(&m.health, FIT_NOW, &m.topo, all(), k, &f, &exact) && exact &&
               gpuset_eq(f.set, gpuset_first(k)) && f.left8 == (72 - k) / 8,
           "72 linked GPUs give a set of %u at once", k);
    }
    is_int(fit_largest(&m.health, FIT_NOW, all()), 72, "all 72 are one set");
    machine_islands(&m, 72, 36, 18);
    ok(fit_best(&m.health, FIT_NOW, &m.topo, all(), 6, &f, &exact) && exact && f.left8 == 7,
       "two islands of 36: which six does not matter, and it knows");
    machine_islands(&m, 72, 9, 18);
    ok(fit_best(&m.health, FIT_NOW, &m.topo, all(), 2, &f, &exact) && exact && f.left8 == 7,
       "eight islands of nine lose one set of eight");
    machine_islands(&m, 72, 2, 4);
    ok(fit_best(&m.health, FIT_NOW, &m.topo, all(), 2, &f, &exact) && exact && f.left2 == 35,
       "36 bridged pairs");
    ok(!fit_best(&m.health, FIT_NOW, &m.topo, all(), 4, &f, &exact) && exact,
       "36 bridged pairs have no set of four");
    struct gpuset sets[GPU_MAX];
    is_int(fit_sets(&m.health, FIT_NOW, all(), sets, GPU_MAX), 36, "and are 36 sets");
}

/* Nothing real is wired like this; the searches must still end, and say when they gave up. */
static void hostile_wiring(void) {
    struct dice d = {42};
    struct fit f;
    struct gpuset sets[8];
    for (unsigned percent = 50; percent <= 95; percent += 15) {
        bool exact = false;
        machine_random(&m, &d, 72, percent);
        bool got = fit_best(&m.health, FIT_NOW, &m.topo, all(), 8, &f, &exact);
        ok(got ? fit_check(&m.health, FIT_NOW, f.set, &(struct fit_ask){.tp = 8, .groups = 1}, NULL,
                           NULL)
               : !exact || fit_largest(&m.health, FIT_NOW, all()) < 8,
           "72 GPUs wired at random, %u %%: a set or the word that it is not sure", percent);
        unsigned n = fit_sets(&m.health, FIT_NOW, all(), sets, 8);
        ok(n == 8 && gpuset_count(sets[0]) >= gpuset_count(sets[7]), "and some of its sets");
        bool left = fit_groups(&m.health, FIT_NOW, &m.topo, all(),
                               &(struct fit_ask){.tp = 4, .groups = 4, .extra = 2}, &f, &exact);
        ok(left || !exact, "and four groups of four");
    }
}

struct oracle {
    bool found;
    uint32_t set;
    unsigned score[4]; /* left8, left4, left2, min_lanes */
};

static unsigned fewest_lanes(uint32_t mask) {
    unsigned fewest = 99;
    for (unsigned a = 0; a < m.topo.n; a++) {
        for (unsigned b = a + 1; b < m.topo.n; b++) {
            bool in = (mask >> a & 1) && (mask >> b & 1);
            unsigned lanes = m.topo.wire[a][b].lanes;
            fewest = in && lanes < fewest ? lanes : fewest;
        }
    }
    return fewest == 99 ? 0 : fewest;
}

static bool comes_first(uint32_t a, uint32_t b) {
    uint32_t diff = a ^ b;
    return (a & (diff & (~diff + 1))) != 0;
}

static void oracle_offer(struct oracle *o, uint32_t free, uint32_t set, unsigned lanes) {
    uint32_t rest = free & ~set;
    struct oracle x = {
        true,
        set,
        {pack_slowly(&m, rest, 8), pack_slowly(&m, rest, 4), pack_slowly(&m, rest, 2), lanes}};
    int better = o->found ? 0 : 1;
    for (unsigned i = 0; i < 4 && !better; i++) {
        better = (x.score[i] > o->score[i]) - (x.score[i] < o->score[i]);
    }
    if (better > 0 || (better == 0 && comes_first(set, o->set))) {
        *o = x;
    }
}

static bool is_stranded(uint32_t free, unsigned v) {
    for (unsigned u = 0; u < m.topo.n; u++) {
        if (u != v && (free >> u & 1) && linked(&m, u, v)) {
            return false;
        }
    }
    return true;
}

/* A stranded GPU costs nothing, so it wins or ties every score; only the tie needs the rule. */
static struct oracle oracle_best(uint32_t free, unsigned k) {
    struct oracle o = {0};
    for (uint32_t set = 1; set < 1U << m.topo.n; set++) {
        if ((set & ~free) == 0 && bits(set) == k && all_linked(&m, set)) {
            oracle_offer(&o, free, set, fewest_lanes(set));
        }
    }
    for (unsigned v = m.topo.n; k == 1 && v-- > 0;) {
        if ((free >> v & 1) && is_stranded(free, v)) {
            o.set = 1U << v;
        }
    }
    return o;
}

static bool same_as_oracle(bool got, const struct fit *f, const struct oracle *o) {
    return got == o->found && (!got || (mask_of(f->set) == o->set && f->left8 == o->score[0] &&
                                        f->left4 == o->score[1] && f->left2 == o->score[2] &&
                                        f->min_lanes == o->score[3] && f->exact));
}

static uint32_t usable_mask(void) {
    return mask_of(m.health.usable);
}

static void best_equals_oracle(void) {
    struct dice d = {7};
    unsigned bad = 0;
    unsigned runs = 0;
    for (unsigned round = 0; round < 400; round++) {
        unsigned n = 2 + dice_roll(&d, 7);
        machine_random(&m, &d, n, 20 + dice_roll(&d, 75));
        uint32_t free = dice_roll(&d, 1U << n) | (round % 2 ? (1U << n) - 1 : 0);
        for (unsigned k = 1; k <= n; k++, runs++) {
            struct fit f;
            struct oracle o = oracle_best(free & usable_mask(), k);
            bool exact = false;
            bool got = fit_best(&m.health, FIT_NOW, &m.topo, set_of(free), k, &f, &exact);
            bad += !same_as_oracle(got, &f, &o) || !exact;
        }
    }
    is_int(bad, 0, "the best set is the one that trying all sets finds");
    ok(runs > 1000, "on %u questions", runs);
}

static void counts_equal_oracle(void) {
    struct dice d = {11};
    unsigned bad = 0;
    for (unsigned round = 0; round < 300; round++) {
        unsigned n = 1 + dice_roll(&d, 8);
        struct gpuset sets[GPU_MAX];
        machine_random(&m, &d, n, 20 + dice_roll(&d, 75));
        uint32_t free = dice_roll(&d, 1U << n);
        uint32_t pool = free & usable_mask();
        unsigned maximal = 0;
        unsigned largest = 0;
        for (uint32_t set = 1; set < 1U << n; set++) {
            bool clique = (set & ~pool) == 0 && bits(set) > 1 && all_linked(&m, set);
            bool alone = clique;
            for (unsigned v = 0; v < n && alone; v++) {
                alone = (set >> v & 1) || !(pool >> v & 1) || !all_linked(&m, set | 1U << v);
            }
            maximal += alone;
            largest = clique && bits(set) > largest ? bits(set) : largest;
        }
        bad += fit_sets(&m.health, FIT_NOW, set_of(free), sets, GPU_MAX) != maximal;
        bad += fit_largest(&m.health, FIT_NOW, set_of(free)) != largest;
        for (unsigned k = 1; k <= n; k++) {
            bad += fit_count(&m.health, FIT_NOW, set_of(free), k) != pack_slowly(&m, pool, k);
        }
    }
    is_int(bad, 0, "maximal sets, largest set and disjoint sets are what trying all gives");
}

/* Other numbers for the same GPUs: new[i] is the position that GPU i had before. */
static void relabelled(struct machine *out, const struct machine *in, const unsigned *old) {
    *out = *in;
    for (unsigned i = 0; i < in->topo.n; i++) {
        out->topo.gpu[i] = in->topo.gpu[old[i]];
        for (unsigned j = 0; j < in->topo.n; j++) {
            out->topo.wire[i][j] = in->topo.wire[old[i]][old[j]];
        }
    }
    machine_judge(out);
}

static void relabelling_keeps_quality(void) {
    static struct machine other;
    struct dice d = {13};
    unsigned bad = 0;
    for (unsigned round = 0; round < 300; round++) {
        unsigned n = 2 + dice_roll(&d, 9);
        unsigned old[16];
        machine_random(&m, &d, n, 20 + dice_roll(&d, 75));
        for (unsigned i = 0; i < n; i++) {
            unsigned j = dice_roll(&d, i + 1);
            old[i] = old[j];
            old[j] = i;
        }
        relabelled(&other, &m, old);
        for (unsigned k = 1; k <= n; k++) {
            struct fit a = {.exact = false};
            struct fit b = {.exact = false};
            bool got = fit_best(&m.health, FIT_NOW, &m.topo, all(), k, &a, NULL);
            bad += got != fit_best(&other.health, FIT_NOW, &other.topo, all(), k, &b, NULL);
            bad += a.left8 != b.left8 || a.left4 != b.left4 || a.left2 != b.left2 ||
                   a.min_lanes != b.min_lanes;
        }
    }
    is_int(bad, 0, "the order of the GPUs changes which set is best, never how good it is");
}

static void more_free_never_hurts(void) {
    struct dice d = {17};
    unsigned bad = 0;
    for (unsigned round = 0; round < 300; round++) {
        unsigned n = 2 + dice_roll(&d, 11);
        machine_random(&m, &d, n, 20 + dice_roll(&d, 75));
        uint32_t free = dice_roll(&d, 1U << n);
        uint32_t more = free | 1U << dice_roll(&d, n);
        for (unsigned k = 1; k <= n; k++) {
            struct fit f;
            struct fit_ask ask = {.tp = 2, .groups = k};
            bad += fit_best(&m.health, FIT_NOW, &m.topo, set_of(free), k, &f, NULL) &&
                   !fit_best(&m.health, FIT_NOW, &m.topo, set_of(more), k, &f, NULL);
            bad += fit_groups(&m.health, FIT_NOW, &m.topo, set_of(free), &ask, &f, NULL) &&
                   !fit_groups(&m.health, FIT_NOW, &m.topo, set_of(more), &ask, &f, NULL);
        }
    }
    is_int(bad, 0, "one more free GPU never takes an answer away");
}

int main(void) {
    refusals();
    worked_example();
    blocked_gpus();
    cube_mesh();
    bridged_pairs();
    large_machines();
    hostile_wiring();
    best_equals_oracle();
    counts_equal_oracle();
    relabelling_keeps_quality();
    more_free_never_hurts();
    return tap_done();
}
