#include "topology/synth_machine.h"

#include <stdio.h>

enum wire_kind machine_pcie_level(const struct machine *m, unsigned a, unsigned b) {
    return a * m->sockets / m->n == b * m->sockets / m->n ? WIRE_NODE : WIRE_SYS;
}

/* NVIDIA DGX-1 with V100: two quads, each GPU linked to its own quad and to its twin in the other.
 */
static unsigned cube_lanes(unsigned a, unsigned b) {
    static const unsigned char lanes[8][8] = {
        {0, 1, 1, 2, 2, 0, 0, 0}, {1, 0, 2, 1, 0, 2, 0, 0}, {1, 2, 0, 2, 0, 0, 1, 0},
        {2, 1, 2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 1, 1, 2}, {0, 2, 0, 0, 1, 0, 2, 1},
        {0, 0, 1, 0, 1, 2, 0, 2}, {0, 0, 0, 1, 2, 1, 2, 0},
    };
    return lanes[a][b];
}

/* Lanes between two GPUs as the machine left the factory; bridges join neighbours. */
static unsigned factory_lanes(const struct machine *m, unsigned a, unsigned b) {
    const struct product *p = m->product;
    switch (p->build) {
    case NVLINK_SWITCH:
        return p->lanes_pair;
    case NVLINK_BRIDGE:
        return a / 2 == b / 2 ? p->lanes_pair : 0;
    case NVLINK_MESH:
        return m->n > 4 ? cube_lanes(a, b) : p->lanes_mesh;
    case NVLINK_NONE:
    case NVLINK_BUILD_COUNT:
        break;
    }
    return 0;
}

void machine_set_pair(struct machine *m, unsigned a, unsigned b, unsigned lanes) {
    topo_set_wire(&m->topo, a, b, lanes ? WIRE_NVLINK : machine_pcie_level(m, a, b), lanes);
}

void machine_fit_pair(struct machine *m, unsigned a, unsigned b, unsigned lanes) {
    machine_set_pair(m, a, b, lanes);
    topo_set_expected(&m->topo, a, b, lanes);
}

static void build_gpu(struct machine *m, unsigned i) {
    struct gpu *g = &m->topo.gpu[i];
    (void)snprintf(g->uuid, sizeof g->uuid, "GPU-00000000-0000-4000-8000-%012x", i);
    (void)snprintf(g->product, sizeof g->product, "NVIDIA %s", m->product->match);
    (void)snprintf(g->pci, sizeof g->pci, "00000000:%02X:00.0", (i + 1) * 3);
    g->memory_mib = m->product->memory_mib;
    g->numa = (int16_t)(i * m->sockets / m->n);
    g->mig = TRI_NO;
    g->fabric = m->topo.nvswitch ? FABRIC_COMPLETED : FABRIC_NONE;
}

void machine_build(struct machine *m) {
    topo_init(&m->topo, m->n);
    (void)snprintf(m->topo.source, sizeof m->topo.source, "synthetic");
    m->topo.nvswitch = m->product->build == NVLINK_SWITCH;
    for (unsigned i = 0; i < m->n; i++) {
        build_gpu(m, i);
        for (unsigned j = i + 1; j < m->n; j++) {
            machine_fit_pair(m, i, j, factory_lanes(m, i, j));
        }
    }
}

/* Bridges that are named replace those that are there by default; "none" leaves all out. */
void machine_remove_bridges(struct machine *m) {
    for (unsigned i = 0; i < m->n && m->product->build == NVLINK_BRIDGE; i++) {
        for (unsigned j = i + 1; j < m->n; j++) {
            machine_fit_pair(m, i, j, 0);
        }
    }
}

void machine_derive_links(struct machine *m) {
    const struct product *p = m->product;
    for (unsigned i = 0; i < m->n; i++) {
        unsigned most = 0;
        unsigned sum = 0;
        for (unsigned j = 0; j < m->n; j++) {
            unsigned lanes = m->topo.wire[i][j].lanes;
            most = lanes > most ? lanes : most;
            sum += lanes;
        }
        unsigned on = m->topo.nvswitch ? most : sum;
        struct gpu_links *l = &m->topo.gpu[i].links;
        if (p->build == NVLINK_NONE) {
            l->state = LINKS_NONE;
        } else if (!on && m->n > 1) {
            l->state = LINKS_ALL_INACTIVE;
        } else if (on && on <= p->links_listed) {
            *l = (struct gpu_links){LINKS_LISTED, (uint8_t)on, p->links_listed, p->link_mbps};
        }
    }
}
