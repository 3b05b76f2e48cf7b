/* What an all-reduce costs on a wire, from measured tables (cost_table.inc: NVIDIA's own
 * measurements published by ai-dynamo/aiconfigurator @095f58a51, Apache-2.0, vLLM kernels in CUDA
 * graphs, one curve per fabric and GPU count). Integers only: times in hundredths of a microsecond
 * (10 ns), bytes as uint64_t. Between measured sizes log-log interpolation in fixed point. */
#ifndef TPGUARD_TOPOLOGY_COST_H
#define TPGUARD_TOPOLOGY_COST_H

#include <stdbool.h>
#include <stdint.h>

enum cost_fabric {
    COST_NVLINK5 = 0, /* b200_sxm */
    COST_NVLINK4,     /* h100_sxm */
    COST_NVLINK3,     /* a100_sxm */
    COST_PCIE5,       /* rtx_pro_6000_server, peer access works */
    COST_PCIE4,       /* l40s */
    COST_FABRIC_COUNT
};

const char *cost_fabric_name(enum cost_fabric f); /* "NVLink 4", "PCIe 5 (with peer access)" */

/* Time of one all-reduce of `bytes` over n GPUs (2, 4 or 8; other counts take the next larger
 * curve, more than 8 that of 8: a lower bound), in 10 ns units. bytes 0 or n < 2: 0. Below 256
 * bytes: as 256. Beyond 1 GiB: scaled from the last point. */
uint64_t cost_allreduce(enum cost_fabric f, unsigned n, uint64_t bytes);

struct cost_ask {
    unsigned layers;      /* transformer layers */
    unsigned hidden;      /* hidden size, elements */
    unsigned tp;          /* GPUs in the group */
    unsigned dtype_bytes; /* of the activations: 2 */
};
/* All-reduces per forward step: two per layer (Shoeybi et al., arXiv 1909.08053); none when tp < 2.
 */
unsigned cost_allreduces(const struct cost_ask *a);
/* Communication of one forward step over `tokens` tokens (decode: the batch; prefill: the chunk),
 * microseconds, rounded. Numbers too large for the arithmetic give the largest number. */
uint64_t cost_step_us(enum cost_fabric f, const struct cost_ask *a, uint64_t tokens);

#endif
