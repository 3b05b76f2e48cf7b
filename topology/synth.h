/* A machine in one line, for tests, demos, benchmarks and `tpguard topology --synthetic`:
 *
 *   4xH100-NVL                     two bridges, 0-1 and 2-3, healthy
 *   4xH100-NVL down=0-1            the bridge 0-1 is down (12 lanes expected, 0 up)
 *   4xH100-NVL bridges=0-1         only one bridge was ever fitted (none: no bridge at all)
 *   4xH100-NVL lanes=0-1:8         8 of 12 lanes
 *   4xH100-NVL asym=2-3:12/8       GPU 2 says 12, GPU 3 says 8
 *   8xH100-SXM fabric=in-progress mig=3 fault=5 cpu=2 unknown=1-2 driver=550.163.01
 *   8xV100-SXM2                    the hybrid cube mesh
 *   72xGB200
 *
 * COUNTxPRODUCT, then key=value words in any order, each at most once but down, lanes, asym,
 * unknown, fault, mig (lists "0-1,2-3" or repeated). Product words: `tpguard topology --products`.
 */
#ifndef TPGUARD_TOPOLOGY_SYNTH_H
#define TPGUARD_TOPOLOGY_SYNTH_H

#include "topology/err.h"
#include "topology/span.h"
#include "topology/topo.h"

#define SYNTH_MAX 1024

NODISCARD bool synth_read(struct span line, struct topo *out, struct err *e);

#endif
