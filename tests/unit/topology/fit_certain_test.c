#include "tests/tap.h"
#include "topology/fit.h"
#include "wiring.h"

static struct machine m;

static struct fit_pending pods(unsigned n, const unsigned char *sizes) {
    struct fit_pending p = {.n = n};
    for (unsigned i = 0; i < n; i++) {
        p.size[i] = sizes[i];
    }
    return p;
}

static bool certain(struct gpuset free, const char *sizes, unsigned tp, unsigned groups,
                    unsigned extra) {
    struct fit_pending p = {.n = 0};
    for (; *sizes; sizes++) {
        p.size[p.n++] = (unsigned char)(*sizes - '0');
    }
    struct fit_ask ask = {.tp = tp, .groups = groups, .extra = extra};
    return fit_certain(&m.health, free, &p, &ask);
}

static void refusals(void) {
    machine_islands(&m, 4, 4, 18);
    ok(!certain(m.health.all, "", 0, 1, 0), "a group of none is not certain");
    ok(!certain(m.health.all, "", 2, 0, 0), "nor are no groups");
    ok(!certain(m.health.all, "", 2, 0x80000001, 0), "nor a product that wraps around");
    ok(!certain(gpuset_none(), "", 1, 1, 0), "nor anything where nothing is free");
    ok(!certain(m.health.all, "9999", 1, 1, 0), "pods larger than the node leave nothing certain");
    ok(certain(m.health.all, "0", 4, 1, 0), "a pod without GPUs takes none");
}

static void worked_example(void) {
    machine_islands(&m, 4, 2, 12);
    topo_set_wire(&m.topo, 0, 1, WIRE_NODE, 0);
    machine_judge(&m);
    struct gpuset all = m.health.all;
    ok(certain(all, "", 2, 1, 0), "the pair 2-3 is free");
    ok(!certain(all, "1", 2, 1, 0), "an unreported single pod may sit on it");
    ok(!certain(all, "2", 2, 1, 0), "an unreported TP=2 pod certainly does");
    ok(certain(all, "111", 1, 1, 0), "a single pod has room behind three others");
    ok(!certain(all, "1111", 1, 1, 0), "but not behind four");
}

static void bridged_pairs(void) {
    machine_islands(&m, 8, 2, 12);
    struct gpuset all = m.health.all;
    ok(certain(all, "111", 2, 1, 0), "three single pods break three of four pairs");
    ok(!certain(all, "1111", 2, 1, 0), "four break all");
    ok(certain(all, "222", 2, 1, 0), "three TP=2 pods take a pair each");
    ok(certain(all, "221", 2, 1, 0), "in any mix");
    ok(!certain(all, "2211", 2, 1, 0), "of up to three pods");
    ok(!certain(all, "3", 2, 3, 0), "a pod of three may hurt three pairs");
    ok(certain(all, "3", 2, 1, 0), "but not four");
    ok(certain(all, "11", 2, 2, 0), "two broken pairs leave two in device order");
    ok(!certain(all, "111", 2, 2, 0), "three do not");
    ok(!certain(all, "", 4, 1, 0), "two pairs are no set of four");

    machine_islands(&m, 16, 2, 12);
    all = m.health.all;
    ok(certain(all, "222111", 2, 2, 0), "eight pairs, six of them hurt, leave two");
    ok(!certain(all, "222111", 2, 3, 0), "but not three");
    ok(certain(all, "222222", 2, 2, 0), "six taken leave two as well");
    ok(certain(all, "1111111", 2, 1, 0), "seven broken leave one");
    machine_islands(&m, 72, 2, 12);
    all = m.health.all;
    ok(certain(all, "222222221111", 2, 16, 0), "36 pairs, 20 GPUs taken, leave 16");
    ok(!certain(all, "1111111111111111111111", 2, 15, 0), "22 broken do not leave 15");
}

static void switched(void) {
    machine_islands(&m, 8, 8, 18);
    struct gpuset all = m.health.all;
    ok(certain(all, "1111", 4, 1, 0), "behind NVSwitch only the count matters");
    ok(!certain(all, "11111", 4, 1, 0), "and it is exact");
    ok(certain(all, "2", 2, 2, 2), "extras count too");
    ok(!certain(all, "21", 2, 2, 2), "exactly");
    m.topo.gpu[3].fault[0] = 'x';
    machine_judge(&m);
    ok(certain(all, "111", 4, 1, 0), "a faulty GPU is taken for nothing good: 7 - 3 = 4");
    ok(!certain(all, "1111", 4, 1, 0), "7 - 4 = 3");
    ok(certain(all, "1", 2, 2, 2), "seven good ones, one taken, six asked");

    machine_islands(&m, 72, 72, 18);
    all = m.health.all;
    ok(certain(all, "884444222211111", 4, 6, 0), "72 - 45 = 27: six groups of four");
    ok(!certain(all, "884444222211111", 4, 7, 0), "not seven");
    machine_islands(&m, 72, 36, 18);
    all = m.health.all;
    ok(certain(all, "888888", 4, 1, 0), "two islands of 36, 48 taken, leave four together");
    ok(certain(all, "8888888", 4, 1, 0), "56 taken leave 16, of which four are together");
}

static void cube_mesh(void) {
    machine_cube(&m);
    struct gpuset all = m.health.all;
    ok(certain(all, "1", 4, 1, 0), "one single pod leaves one quad");
    ok(!certain(all, "2", 4, 1, 0), "a TP=2 pod may take a rung and break both");
    ok(certain(all, "4", 4, 1, 0), "a TP=4 pod takes one quad");
    ok(certain(all, "41", 2, 1, 0), "and a TP=2 pod still fits behind it and a single one");
}

static void what_the_plugin_does_not_know(void) {
    static const uint8_t wires[][2] = {{0, 1}, {1, 2}, {2, 3}, {5, 6}, {5, 7}, {6, 7}};
    machine_pcie(&m, 8);
    for (unsigned i = 0; i < 6; i++) {
        machine_link(&m, wires[i][0], wires[i][1], 2);
    }
    machine_judge(&m);
    ok(certain(m.health.all, "3", 2, 2, 0), "a TP=3 pod gets 5-6-7, two pairs are left");
    machine_link(&m, 1, 4, 2);
    machine_link(&m, 2, 4, 2);
    m.topo.gpu[4].fault[0] = 'x';
    machine_judge(&m);
    ok(!certain(m.health.all, "3", 2, 2, 0), "it may get 1-2-4 when the plugin takes 4 for good");
}

static void woven_islands(void) {
    machine_pcie(&m, 6);
    machine_link(&m, 0, 3, 12);
    machine_link(&m, 1, 2, 12);
    machine_link(&m, 4, 5, 12);
    machine_judge(&m);
    ok(certain(m.health.all, "", 2, 2, 0), "0-3 and 4-5 are two groups in device order");
    ok(!certain(m.health.all, "1", 2, 2, 0), "a single pod on 4 leaves two that are not");
}

static bool certain_in_order(unsigned char pod, const struct fit_ask *ask) {
    struct fit_pending p = pods(1, &pod);
    return fit_certain(&m.health, m.health.all, &p, ask);
}

static void orders(void) {
    static const uint8_t last_two[] = {1, 2};
    static const uint8_t woven[] = {0, 2, 1, 3};
    static const uint8_t woven_last[] = {0, 1, 2, 4, 3, 5};
    struct fit_ask ask = {.tp = 2, .groups = 1, .extra = 1, .order = last_two, .n_order = 2};
    machine_islands(&m, 5, 2, 4);
    ok(!certain_in_order(1, &ask), "0-1 has no GPU before it once 2 is taken");
    ask = (struct fit_ask){.tp = 2, .groups = 2, .order = woven, .n_order = 4};
    machine_islands(&m, 6, 2, 4);
    machine_link(&m, 0, 2, 4);
    machine_link(&m, 1, 3, 4);
    machine_judge(&m);
    ok(certain_in_order(0, &ask), "0-2 and 1-3 are woven groups");
    ok(!certain_in_order(1, &ask), "three plain pairs are no help once 0 is taken");
    ask = (struct fit_ask){.tp = 2, .groups = 3, .order = woven_last, .n_order = 6};
    machine_islands(&m, 8, 4, 6);
    ok(!certain_in_order(2, &ask), "which of two equal islands is hurt can matter");
}

/* The game without any cleverness: all pods in all orders on all GPUs they may get. */
static bool has_room(uint32_t pool, const struct fit_ask *ask) {
    unsigned need = ask->tp * ask->groups + ask->extra;
    for (uint32_t set = 1; set < 1U << m.topo.n; set++) {
        unsigned lanes = 0;
        if ((set & ~pool) == 0 && bits(set) == need && forms_groups(&m, set, ask, &lanes)) {
            return true;
        }
    }
    return false;
}

static bool has_clique(uint32_t free, unsigned k) {
    for (uint32_t set = 1; set < 1U << m.topo.n; set++) {
        if ((set & ~free) == 0 && bits(set) == k && all_linked(&m, set)) {
            return true;
        }
    }
    return false;
}

/* What the device plugin takes for linked: it knows nothing of faults. */
static bool all_wired(uint32_t mask) {
    for (unsigned a = 0; a < m.topo.n; a++) {
        for (unsigned b = a + 1; b < m.topo.n; b++) {
            bool in = (mask >> a & 1) && (mask >> b & 1);
            if (in && m.topo.wire[a][b].kind != WIRE_NVLINK) {
                return false;
            }
        }
    }
    return true;
}

static bool adversary_loses(uint32_t free, struct fit_pending p, const struct fit_ask *ask) {
    if (p.n == 0) {
        return has_room(free & mask_of(m.health.usable), ask);
    }
    for (unsigned i = 0; i < p.n; i++) {
        struct fit_pending rest = p;
        unsigned size = p.size[i];
        rest.size[i] = rest.size[--rest.n];
        bool linked_only = size > 1 && has_clique(free, size);
        for (uint32_t set = 1; set < 1U << m.topo.n; set++) {
            bool may = (set & ~free) == 0 && bits(set) == size && (!linked_only || all_wired(set));
            if (may && !adversary_loses(free & ~set, rest, ask)) {
                return false;
            }
        }
    }
    return true;
}

static void equals_oracle(void) {
    struct dice d = {29};
    unsigned broken = 0;
    unsigned timid = 0;
    unsigned yes = 0;
    for (unsigned round = 0; round < 2000; round++) {
        unsigned n = 2 + dice_roll(&d, 5);
        if (round % 4 == 0) {
            machine_islands(&m, n, 1 + dice_roll(&d, 4), 4);
        } else {
            machine_random(&m, &d, n, 30 + dice_roll(&d, 70));
        }
        struct fit_ask ask = {.tp = 1 + dice_roll(&d, 3),
                              .groups = 1 + dice_roll(&d, 2),
                              .extra = dice_roll(&d, 4) == 0};
        uint8_t order[16];
        unsigned total = ask.tp * ask.groups + ask.extra;
        if (round % 5 == 0) {
            shuffled(&d, order, total);
            ask.order = order;
            ask.n_order = ask.tp * ask.groups;
        }
        uint32_t free = (1U << n) - 1;
        free &= ~(dice_roll(&d, 3) ? 0 : 1U << dice_roll(&d, n));
        unsigned char sizes[3];
        unsigned sum = 0;
        unsigned count = dice_roll(&d, 4);
        for (unsigned i = 0; i < count; i++) {
            sizes[i] = (unsigned char)(1 + dice_roll(&d, 3));
            sum += sizes[i];
        }
        struct fit_pending p = pods(count, sizes);
        bool want = sum <= bits(free) && adversary_loses(free, p, &ask);
        bool got = fit_certain(&m.health, set_of(free), &p, &ask);
        broken += got && !want;
        timid += !got && want;
        yes += got;
    }
    is_int(broken, 0, "what is certain, no placement can break");
    is_int(timid, 0, "what no placement can break is certain, on small nodes");
    ok(yes > 200, "%u of the questions were certain", yes);
}

/* On larger machines only soundness can be checked, against placements thrown at random. */
static void stands_random_placements(void) {
    struct dice d = {31};
    unsigned broken = 0;
    unsigned yes = 0;
    for (unsigned round = 0; round < 300; round++) {
        unsigned n = 8 + dice_roll(&d, 9);
        machine_random(&m, &d, n, 40 + dice_roll(&d, 60));
        unsigned char sizes[4] = {1, 1, 1, 1};
        struct fit_pending p = pods(1 + dice_roll(&d, 4), sizes);
        struct fit_ask ask = {
            .tp = 2 + dice_roll(&d, 2), .groups = 1 + dice_roll(&d, 2), .extra = dice_roll(&d, 2)};
        if (!fit_certain(&m.health, m.health.all, &p, &ask)) {
            continue;
        }
        yes++;
        for (unsigned try = 0; try < 50; try++) {
            struct gpuset free = m.health.all;
            struct fit f;
            for (unsigned i = 0; i < p.n;) {
                unsigned v = dice_roll(&d, n);
                i += gpuset_has(free, v);
                free = gpuset_without(free, v);
            }
            broken += !fit_groups(&m.health, FIT_NOW, &m.topo, free, &ask, &f, NULL);
        }
    }
    is_int(broken, 0, "no random placement breaks what is certain");
    ok(yes > 50, "%u of the questions were certain", yes);
}

int main(void) {
    refusals();
    worked_example();
    bridged_pairs();
    switched();
    cube_mesh();
    what_the_plugin_does_not_know();
    woven_islands();
    orders();
    equals_oracle();
    stands_random_placements();
    return tap_done();
}
