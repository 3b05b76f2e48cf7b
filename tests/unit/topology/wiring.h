/* Machines for the tests of topology/: wiring out of a line of text or a small generator, and an
 * independent picture of the healthy pairs as plain bit masks, for oracles. */
#ifndef TPGUARD_TESTS_WIRING_H
#define TPGUARD_TESTS_WIRING_H

#include <stdint.h>
#include <stdlib.h>

#include "topology/fit.h"
#include "topology/health.h"
#include "topology/topo.h"

struct machine {
    struct topo topo;
    struct health health;
};

static inline void machine_judge(struct machine *m) {
    health_judge(&m->topo, NULL, &m->health);
}

/* n GPUs, every pair on PCIe. */
static inline void machine_pcie(struct machine *m, unsigned n) {
    topo_init(&m->topo, n);
    for (unsigned a = 0; a < n; a++) {
        for (unsigned b = a + 1; b < n; b++) {
            topo_set_wire(&m->topo, a, b, WIRE_NODE, 0);
        }
    }
    machine_judge(m);
}

static inline void machine_link(struct machine *m, unsigned a, unsigned b, unsigned lanes) {
    topo_set_wire(&m->topo, a, b, WIRE_NVLINK, lanes);
}

/* n GPUs in islands of `size` neighbours, all linked inside. */
static inline void machine_islands(struct machine *m, unsigned n, unsigned size, unsigned lanes) {
    machine_pcie(m, n);
    for (unsigned a = 0; a < n; a++) {
        for (unsigned b = a + 1; b < n && b / size == a / size; b++) {
            machine_link(m, a, b, lanes);
        }
    }
    machine_judge(m);
}

/* The DGX-1V hybrid cube mesh: two fully linked quads, each GPU linked to its twin in the other. */
static inline void machine_cube(struct machine *m) {
    static const uint8_t quad[6][3] = {{0, 1, 1}, {0, 2, 1}, {0, 3, 2},
                                       {1, 2, 2}, {1, 3, 1}, {2, 3, 2}};
    machine_pcie(m, 8);
    for (unsigned i = 0; i < 6; i++) {
        machine_link(m, quad[i][0], quad[i][1], quad[i][2]);
        machine_link(m, quad[i][0] + 4U, quad[i][1] + 4U, quad[i][2]);
    }
    for (unsigned i = 0; i < 4; i++) {
        machine_link(m, i, i + 4, i == 0 || i == 1 ? 2 : 1);
    }
    machine_judge(m);
}

/* xorshift64*: the same machines on every run. */
struct dice {
    uint64_t state;
};
static inline unsigned dice_roll(struct dice *d, unsigned sides) {
    d->state ^= d->state >> 12;
    d->state ^= d->state << 25;
    d->state ^= d->state >> 27;
    return (unsigned)((d->state * 0x2545F4914F6CDD1DU) >> 33) % sides;
}

/* Each pair is linked with probability percent / 100, by 1 to 3 lanes; now and then a GPU is
 * faulty. */
static inline void machine_random(struct machine *m, struct dice *d, unsigned n, unsigned percent) {
    machine_pcie(m, n);
    for (unsigned a = 0; a < n; a++) {
        for (unsigned b = a + 1; b < n; b++) {
            if (dice_roll(d, 100) < percent) {
                machine_link(m, a, b, 1 + dice_roll(d, 3));
            }
        }
        if (dice_roll(d, 12) == 0) {
            m->topo.gpu[a].fault[0] = 'x';
        }
    }
    machine_judge(m);
}

static inline struct gpuset set_of(uint32_t mask) {
    return (struct gpuset){{mask, 0}};
}
static inline uint32_t mask_of(struct gpuset s) {
    return (uint32_t)s.w[0];
}
static inline unsigned bits(uint32_t mask) {
    return (unsigned)__builtin_popcount(mask);
}

/* Straight from the wires, for up to 16 GPUs: no code of the searches under test. */
static inline bool linked(const struct machine *m, unsigned a, unsigned b) {
    return m->topo.wire[a][b].kind == WIRE_NVLINK && !m->topo.gpu[a].fault[0] &&
           !m->topo.gpu[b].fault[0];
}
static inline bool all_linked(const struct machine *m, uint32_t mask) {
    for (unsigned a = 0; a < m->topo.n; a++) {
        for (unsigned b = a + 1; b < m->topo.n; b++) {
            if ((mask >> a & 1) && (mask >> b & 1) && !linked(m, a, b)) {
                return false;
            }
        }
    }
    return true;
}

/* The most disjoint k-cliques in mask: every clique with the lowest GPU, or without that GPU. */
static inline unsigned pack_slowly(const struct machine *m, uint32_t mask, unsigned k) {
    if (bits(mask) < k) {
        return 0;
    }
    uint32_t low = mask & (~mask + 1);
    unsigned best = pack_slowly(m, mask & ~low, k);
    uint32_t others = mask & ~low;
    uint32_t sub = others;
    do {
        if (bits(sub) + 1 == k && all_linked(m, sub | low)) {
            unsigned n = 1 + pack_slowly(m, others & ~sub, k);
            best = n > best ? n : best;
        }
        sub = (sub - 1) & others;
    } while (sub != others);
    return best;
}

/* Does exactly this set, in the order asked, form the groups? With the fewest lanes inside them. */
static inline bool forms_groups(const struct machine *m, uint32_t set, const struct fit_ask *ask,
                                unsigned *lanes) {
    unsigned sorted[16];
    unsigned n = 0;
    for (unsigned v = 0; v < m->topo.n; v++) {
        if (set >> v & 1) {
            sorted[n++] = v;
        }
    }
    *lanes = 99;
    for (unsigned i = 0; i < ask->tp * ask->groups; i++) {
        for (unsigned j = i + 1; j < ask->tp * ask->groups && j / ask->tp == i / ask->tp; j++) {
            unsigned a = sorted[ask->n_order ? ask->order[i] : i];
            unsigned b = sorted[ask->n_order ? ask->order[j] : j];
            if (!linked(m, a, b)) {
                return false;
            }
            *lanes = m->topo.wire[a][b].lanes < *lanes ? m->topo.wire[a][b].lanes : *lanes;
        }
    }
    *lanes = ask->tp == 1 ? 0 : *lanes;
    return true;
}

static inline void shuffled(struct dice *d, uint8_t *order, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        unsigned j = dice_roll(d, i + 1);
        order[i] = order[j];
        order[j] = (uint8_t)i;
    }
}

#endif
