/* The product table: what NVLink a GPU model can have, so that "down" can be told from "never
 * fitted" on the first look, before a baseline exists. One row per product family, matched by NVML
 * name. Sources: NVIDIA data sheets and captured nvidia-smi texts, listed row by row in product.c.
 */
#ifndef TPGUARD_TOPOLOGY_PRODUCT_H
#define TPGUARD_TOPOLOGY_PRODUCT_H

#include <stdint.h>

#include "topology/span.h"

enum nvlink_build {
    NVLINK_NONE = 0, /* the product has no NVLink */
    NVLINK_BRIDGE,   /* links between two (or four) GPUs are optional: no bridge is no fault */
    NVLINK_MESH,     /* soldered board without a switch (4-GPU boards, V100 cube) */
    NVLINK_SWITCH,   /* NVSwitch: every pair has all lanes */
    NVLINK_BUILD_COUNT
};

/* 0 in a number means "not known, or it varies": no expectation may be derived from it. */
struct product {
    const char *match;  /* part of the NVML name, most specific rows first */
    const char *shown;  /* short name for people: "H100 NVL" */
    const char *synth;  /* word in a synthetic machine: "H100-NVL" */
    uint8_t nvlink_gen; /* 0 none, else NVLink generation */
    enum nvlink_build build;
    uint8_t lanes_pair;     /* lanes a healthy pair shows in topo -m; 0 where they vary (cube mesh).
                               Never alone a reason to call a pair degraded: see lanes_mesh */
    uint8_t lanes_mesh;     /* the same on boards (or bridges) of four GPUs, where the links are
                               shared out among three peers; 0 no such board is known */
    uint8_t links_on;       /* links on when healthy, of ... */
    uint8_t links_listed;   /* ... links listed (12 of 18 on H100 NVL: normal) */
    uint32_t link_mbps;     /* printed speed per link, thousandths of GB/s */
    uint32_t memory_mib;    /* as NVML reports it, about */
    uint32_t bandwidth_gbs; /* NVLink payload GB/s per direction and GPU when healthy */
    uint32_t hbm_gbs;       /* memory bandwidth, GB/s */
    uint8_t pcie_gen;       /* of the card: 3, 4, 5 */
};

/* The row for an NVML (or GFD: "-" for " ") product name, in any case of letters; match is compared
 * as whole words, so "A10" is no A100. NULL when the product is not known. */
const struct product *product_find(struct span name);
/* The row whose synth word, or whose match, is the whole word ("H200-SXM", "h200"); NULL when none.
 */
const struct product *product_by_synth(struct span word);
/* All rows, for --help of synthetic machines; *n their count. */
const struct product *product_table(unsigned *n);

#endif
