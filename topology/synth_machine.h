/* The machine behind a synthetic line while it is being built: as it left the factory, then what
 * happened to it. For synth.c alone. */
#ifndef TPGUARD_TOPOLOGY_SYNTH_MACHINE_H
#define TPGUARD_TOPOLOGY_SYNTH_MACHINE_H

#include "topology/product.h"
#include "topology/topo.h"

struct machine {
    const struct product *product;
    unsigned n;
    unsigned sockets;
    struct topo topo;
};

/* From product, n and sockets: every bridge fitted, every link up. */
void machine_build(struct machine *m);
/* Never fitted; nothing on products without bridges. */
void machine_remove_bridges(struct machine *m);
/* Lanes now, 0 being PCIe; and the same with the expectation. */
void machine_set_pair(struct machine *m, unsigned a, unsigned b, unsigned lanes);
void machine_fit_pair(struct machine *m, unsigned a, unsigned b, unsigned lanes);
/* What lies under a pair without NVLink. */
enum wire_kind machine_pcie_level(const struct machine *m, unsigned a, unsigned b);
/* The links as `nvidia-smi nvlink --status` would list them, from the wires as they are. */
void machine_derive_links(struct machine *m);

#endif
