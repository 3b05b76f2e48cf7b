#include "topology/product.h"

#include <stdbool.h>
#include <stddef.h>

/* Where a row is from, by the letter at its end:
 *   T  captured nvidia-smi text shows the lanes and links
 *   D  data sheet: links = NVLink GB/s over the GB/s of one link; no capture seen
 * Memory is about what NVML reports. A printed speed nobody captured is 0.
 *
 * Rows are tried from top to bottom, so a longer name stands before a shorter one inside it. */
/* clang-format off */
#define BRIDGE NVLINK_BRIDGE
#define MESH   NVLINK_MESH
#define SWITCH NVLINK_SWITCH
#define PCIE_ONLY(name, synth, mib, hbm, pcie)                                                    \
    {name, name, synth, 0, NVLINK_NONE, 0, 0, 0, 0, 0, mib, 0, hbm, pcie}

static const struct product table[] = {
    /* match, shown, synth,
     * gen, build, lanes of a pair, on a mesh, links on, listed, speed, MiB, GB/s, HBM GB/s, PCIe */

    /* Hopper and Blackwell behind NVSwitch; H100 and H200 also on 4-GPU boards without (NV6). */
    {"GB300", "GB300", "GB300",
     5, SWITCH, 18, 0, 18, 18, 53125, 284208, 900, 8000, 5}, /* D */
    {"GB200", "GB200", "GB200",
     5, SWITCH, 18, 0, 18, 18, 53125, 189471, 900, 8000, 5}, /* T */
    {"B300", "B300", "B300",
     5, SWITCH, 18, 0, 18, 18, 53125, 275040, 900, 8000, 5}, /* D */
    {"B200", "B200", "B200",
     5, SWITCH, 18, 0, 18, 18, 53125, 183359, 900, 7700, 5}, /* T */
    {"H200 NVL", "H200 NVL", "H200-NVL",
     4, BRIDGE, 18, 6, 18, 18, 26562, 143771, 450, 4800, 5}, /* D */
    {"H200", "H200", "H200-SXM",
     4, SWITCH, 18, 6, 18, 18, 26562, 143771, 450, 4800, 5}, /* T */
    {"H100 NVL", "H100 NVL", "H100-NVL",
     4, BRIDGE, 12, 0, 12, 18, 26562, 95830, 300, 3900, 5}, /* T */
    {"H100 PCIe", "H100 PCIe", "H100-PCIe",
     4, BRIDGE, 12, 0, 12, 18, 26562, 81559, 300, 2000, 5}, /* T */
    {"H100 80GB HBM3", "H100 SXM", "H100-SXM",
     4, SWITCH, 18, 6, 18, 18, 26562, 81559, 450, 3350, 5}, /* T */
    {"H800 PCIe", "H800 PCIe", "H800-PCIe",
     4, BRIDGE, 0, 0, 0, 0, 0, 81559, 200, 2000, 5}, /* D */
    {"H800", "H800", "H800-SXM",
     4, SWITCH, 8, 0, 8, 8, 26562, 81559, 200, 3350, 5}, /* D */
    {"H20 3e", "H20-3e", "H20-3e",
     4, SWITCH, 18, 0, 18, 18, 26562, 143771, 450, 4800, 5}, /* D */
    {"H20", "H20", "H20",
     4, SWITCH, 18, 0, 18, 18, 26562, 97871, 450, 4000, 5}, /* D */

    /* GH200 stands alone, in twos or in fours: how many links lead to a peer varies. */
    {"GH200", "GH200", "GH200",
     4, MESH, 0, 0, 0, 0, 26562, 97871, 450, 4000, 5}, /* D */

    /* Ampere. */
    {"A100 SXM4 80GB", "A100 SXM", "A100-SXM",
     3, SWITCH, 12, 4, 12, 12, 25000, 81920, 300, 2040, 4}, /* T */
    {"A100 SXM 80GB", "A100 SXM", "A100-SXM-80GB",
     3, SWITCH, 12, 4, 12, 12, 25000, 81920, 300, 2040, 4}, /* T */
    {"A100 SXM4 40GB", "A100 SXM 40GB", "A100-SXM-40GB",
     3, SWITCH, 12, 4, 12, 12, 25000, 40960, 300, 1560, 4}, /* T */
    {"A100 SXM 64GB", "A100 SXM 64GB", "A100-SXM-64GB",
     3, SWITCH, 12, 4, 12, 12, 25000, 65536, 300, 1640, 4}, /* D */
    {"A100 80GB PCIe", "A100 PCIe", "A100-PCIe",
     3, BRIDGE, 12, 0, 12, 12, 25000, 81920, 300, 1940, 4}, /* T */
    {"A100 PCIE 80GB", "A100 PCIe", "A100-PCIe-80GB",
     3, BRIDGE, 12, 0, 12, 12, 25000, 81920, 300, 1940, 4}, /* T */
    {"A100 PCIE 40GB", "A100 PCIe 40GB", "A100-PCIe-40GB",
     3, BRIDGE, 12, 0, 12, 12, 25000, 40960, 300, 1560, 4}, /* T */
    {"A800 SXM4 80GB", "A800 SXM", "A800-SXM",
     3, SWITCH, 8, 0, 8, 8, 25000, 81920, 200, 2040, 4}, /* D */
    {"A800 80GB PCIe", "A800 PCIe", "A800-PCIe",
     3, BRIDGE, 0, 0, 0, 0, 25000, 81920, 200, 1940, 4}, /* D */
    {"A30", "A30", "A30",
     3, BRIDGE, 4, 0, 4, 4, 25000, 24576, 100, 933, 4}, /* D */
    {"A40", "A40", "A40",
     3, BRIDGE, 4, 0, 4, 4, 14062, 46068, 56, 696, 4}, /* D */
    {"RTX A6000", "RTX A6000", "RTX-A6000",
     3, BRIDGE, 4, 0, 4, 4, 14062, 49140, 56, 768, 4}, /* T */
    {"RTX A5500", "RTX A5500", "RTX-A5500",
     3, BRIDGE, 4, 0, 4, 4, 14062, 24564, 56, 768, 4}, /* D */
    {"RTX A5000", "RTX A5000", "RTX-A5000",
     3, BRIDGE, 4, 0, 4, 4, 14062, 24564, 56, 768, 4}, /* D */
    {"RTX 3090", "RTX 3090", "RTX-3090",
     3, BRIDGE, 4, 0, 4, 4, 14062, 24576, 56, 936, 4}, /* T */

    /* Volta, Turing, Pascal. V100-SXM2: NV1 and NV2 on the cube mesh, NV2 on 4-GPU boards. */
    {"V100 SXM3 32GB", "V100 SXM3", "V100-SXM3",
     2, SWITCH, 6, 0, 6, 6, 25781, 32510, 150, 900, 3}, /* T */
    {"V100 SXM2 32GB", "V100 SXM2 32GB", "V100-SXM2-32GB",
     2, MESH, 0, 2, 6, 6, 25781, 32510, 150, 900, 3}, /* T */
    {"V100 SXM2 16GB", "V100 SXM2", "V100-SXM2",
     2, MESH, 0, 2, 6, 6, 25781, 16160, 150, 900, 3}, /* T */
    {"Quadro GV100", "Quadro GV100", "GV100",
     2, BRIDGE, 0, 0, 0, 0, 25781, 32508, 100, 870, 3}, /* D */
    {"Quadro RTX 8000", "Quadro RTX 8000", "RTX-8000",
     2, BRIDGE, 2, 0, 2, 2, 25781, 48601, 50, 672, 3}, /* T */
    {"Quadro RTX 6000", "Quadro RTX 6000", "RTX-6000",
     2, BRIDGE, 2, 0, 2, 2, 25781, 24220, 50, 672, 3}, /* T */
    {"TITAN RTX", "TITAN RTX", "TITAN-RTX",
     2, BRIDGE, 2, 0, 2, 2, 25781, 24220, 50, 672, 3}, /* D */
    {"RTX 2080 Ti", "RTX 2080 Ti", "RTX-2080-Ti",
     2, BRIDGE, 2, 0, 2, 2, 25781, 11264, 50, 616, 3}, /* D */
    {"P100 SXM2 16GB", "P100 SXM2", "P100-SXM2",
     1, MESH, 0, 0, 0, 0, 0, 16280, 80, 732, 3}, /* D */

    /* No NVLink in the data sheet: name, synth, MiB, HBM GB/s, PCIe. */
    PCIE_ONLY("RTX PRO 6000", "RTX-PRO-6000", 97887, 1792, 5),
    PCIE_ONLY("RTX PRO 5000", "RTX-PRO-5000", 48935, 1344, 5),
    PCIE_ONLY("RTX PRO 4500", "RTX-PRO-4500", 32623, 896, 5),
    PCIE_ONLY("RTX PRO 4000", "RTX-PRO-4000", 24467, 672, 5),
    PCIE_ONLY("RTX 5090", "RTX-5090", 32607, 1792, 5),
    PCIE_ONLY("RTX 6000 Ada", "RTX-6000-Ada", 49140, 960, 4),
    PCIE_ONLY("RTX 5000 Ada", "RTX-5000-Ada", 32760, 576, 4),
    PCIE_ONLY("RTX 4090", "RTX-4090", 24564, 1008, 4),
    PCIE_ONLY("L40S", "L40S", 46068, 864, 4),
    PCIE_ONLY("L40", "L40", 46068, 864, 4),
    PCIE_ONLY("L20", "L20", 46068, 864, 4),
    PCIE_ONLY("L4", "L4", 23034, 300, 4),
    PCIE_ONLY("L2", "L2", 24570, 300, 4),
    PCIE_ONLY("A10", "A10", 23028, 600, 4),
    PCIE_ONLY("A10G", "A10G", 23028, 600, 4),
    PCIE_ONLY("A16", "A16", 15356, 200, 4),
    PCIE_ONLY("A2", "A2", 15356, 200, 4),
    PCIE_ONLY("T4", "T4", 15360, 300, 3),
    PCIE_ONLY("V100S PCIe", "V100S-PCIe", 32768, 1134, 3),
    PCIE_ONLY("V100 PCIe 32GB", "V100-PCIe-32GB", 32768, 900, 3),
    PCIE_ONLY("V100 PCIe", "V100-PCIe", 16384, 900, 3),
    PCIE_ONLY("P100 PCIe", "P100-PCIe", 16384, 732, 3),
    PCIE_ONLY("P40", "P40", 23040, 346, 3),
    PCIE_ONLY("P4", "P4", 7680, 192, 3),
    PCIE_ONLY("K80", "K80", 11441, 240, 3),
};
/* clang-format on */

/* GPU Feature Discovery writes the NVML name with "-" for " ", NVML itself uses both. */
static char plain(char c) {
    return c == '-' ? ' ' : span_lower(c);
}

static bool is_word_char(char c) {
    return (c >= '0' && c <= '9') || (span_lower(c) >= 'a' && span_lower(c) <= 'z');
}

static bool stands_at(struct span name, size_t at, struct span match) {
    if (match.n > name.n - at || (at > 0 && is_word_char(name.p[at - 1]))) {
        return false;
    }
    for (size_t i = 0; i < match.n; i++) {
        if (plain(name.p[at + i]) != plain(match.p[i])) {
            return false;
        }
    }
    size_t end = at + match.n;
    return end == name.n || !is_word_char(name.p[end]);
}

static bool has_words(struct span name, struct span match) {
    for (size_t at = 0; at < name.n; at++) {
        if (stands_at(name, at, match)) {
            return true;
        }
    }
    return false;
}

const struct product *product_table(unsigned *n) {
    *n = sizeof table / sizeof *table;
    return table;
}

const struct product *product_find(struct span name) {
    unsigned n = 0;
    const struct product *rows = product_table(&n);
    for (unsigned i = 0; i < n; i++) {
        if (has_words(name, span_of(rows[i].match))) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool is_same(struct span word, const char *name) {
    struct span s = span_of(name);
    return word.n == s.n && stands_at(word, 0, s);
}

const struct product *product_by_synth(struct span word) {
    unsigned n = 0;
    const struct product *rows = product_table(&n);
    for (unsigned i = 0; i < n; i++) {
        if (is_same(word, rows[i].synth) || is_same(word, rows[i].match)) {
            return &rows[i];
        }
    }
    return NULL;
}
