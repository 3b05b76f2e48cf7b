/* Shared by the two halves of baseline: which GPU of an earlier topology is which now, and what one
 * pair shows. */
#ifndef TPGUARD_TOPOLOGY_BASELINE_INNER_H
#define TPGUARD_TOPOLOGY_BASELINE_INNER_H

#include "topology/baseline.h"

/* map[i]: position in before of the GPU at position i of now; -1 it was not there. */
void baseline_match(const struct topo *now, const struct topo *before, int8_t map[GPU_MAX]);

enum shown_kind { SHOWN_UNKNOWN = 0, SHOWN_ASYMMETRIC, SHOWN_LANES };
struct shown {
    enum shown_kind kind;
    uint8_t lanes; /* both ways; 0 PCIe */
};
struct shown baseline_shown(const struct topo *t, unsigned a, unsigned b);

#endif
