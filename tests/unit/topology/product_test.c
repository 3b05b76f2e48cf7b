#include "topology/product.h"

#include <ctype.h>

#include "tests/tap.h"
#include "topology/topo.h"

static void by_name(void) {
    static const struct {
        const char *name;
        const char *shown; /* NULL: not known */
    } rows[] = {
        {"", NULL},
        {"NVIDIA", NULL},
        {"GeForce GT 710", NULL},
        {"NVIDIA A1000", NULL},
        {"NVIDIA H100", NULL},
        {"H100 80GB HBM", NULL},
        {"NVIDIA RTX A4000", NULL},
        {"AMD Instinct MI300X", NULL},
        {"NVIDIA H100 NVL", "H100 NVL"},
        {"NVIDIA-H100-NVL", "H100 NVL"},
        {"NVIDIA-H100-NVL-SHARED", "H100 NVL"},
        {"NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", "A100 SXM"},
        {"nvidia h100 nvl", "H100 NVL"},
        {"NVIDIA H100 PCIe", "H100 PCIe"},
        {"NVIDIA H100 80GB HBM3", "H100 SXM"},
        {"NVIDIA H200", "H200"},
        {"NVIDIA H200 NVL", "H200 NVL"},
        {"NVIDIA H20", "H20"},
        {"NVIDIA H800", "H800"},
        {"NVIDIA GH200 480GB", "GH200"},
        {"NVIDIA B200", "B200"},
        {"NVIDIA GB200", "GB200"},
        {"NVIDIA B300 SXM6 AC", "B300"},
        {"NVIDIA A100-SXM4-40GB", "A100 SXM 40GB"},
        {"A100-SXM-80GB", "A100 SXM"},
        {"NVIDIA A100 80GB PCIe", "A100 PCIe"},
        {"NVIDIA A100-PCIE-40GB", "A100 PCIe 40GB"},
        {"NVIDIA A10", "A10"},
        {"NVIDIA A10G", "A10G"},
        {"NVIDIA A30", "A30"},
        {"NVIDIA A40", "A40"},
        {"NVIDIA RTX A6000", "RTX A6000"},
        {"NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"},
        {"Quadro RTX 6000", "Quadro RTX 6000"},
        {"NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX PRO 6000"},
        {"NVIDIA GeForce RTX 3090", "RTX 3090"},
        {"NVIDIA L4", "L4"},
        {"NVIDIA L40", "L40"},
        {"NVIDIA L40S", "L40S"},
        {"Tesla V100-SXM2-16GB", "V100 SXM2"},
        {"Tesla V100-SXM2-32GB", "V100 SXM2 32GB"},
        {"Tesla V100-SXM3-32GB", "V100 SXM3"},
        {"Tesla V100-PCIE-32GB", "V100 PCIe 32GB"},
        {"Tesla P100-PCIE-16GB", "P100 PCIe"},
        {"Tesla T4", "T4"},
        {"Tesla K80", "K80"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct product *p = product_find(span_of(rows[i].name));
        is_str(p ? p->shown : NULL, rows[i].shown, rows[i].name[0] ? rows[i].name : "no name");
    }
    ok(product_find((struct span){NULL, 0}) == NULL, "no text at all is no product");
}

static bool is_sane(const struct product *p) {
    bool none = p->build == NVLINK_NONE;
    bool lanes = p->lanes_pair <= p->links_listed && p->links_on <= p->links_listed &&
                 p->links_listed <= LANES_MAX && p->lanes_mesh * 3 <= LANES_MAX;
    bool empty = !p->nvlink_gen && !p->lanes_pair && !p->lanes_mesh && !p->links_listed &&
                 !p->link_mbps && !p->bandwidth_gbs;
    return lanes && none == empty && p->memory_mib && p->hbm_gbs && p->pcie_gen >= 3;
}

static void every_row(void) {
    unsigned n = 0;
    const struct product *rows = product_table(&n);
    ok(n > 40, "the table has %u rows", n);
    for (unsigned i = 0; i < n; i++) {
        const struct product *p = &rows[i];
        ok(product_find(span_of(p->match)) == p, "%s is not hidden by a row before it", p->match);
        ok(product_by_synth(span_of(p->synth)) == p, "%s finds it too", p->synth);
        ok(is_sane(p), "its numbers agree with each other");
        ok(!strpbrk(p->synth, " =,:"), "its word can stand in a line of words");
    }
}

/* What a link carries without coding overhead, by NVLink generation, GB/s per direction. */
static void bandwidth(void) {
    static const unsigned per_link[] = {0, 20, 25, 25, 25, 50};
    unsigned n = 0;
    unsigned bad = 0;
    const struct product *rows = product_table(&n);
    for (unsigned i = 0; i < n; i++) {
        const struct product *p = &rows[i];
        bool slow = p->link_mbps == 14062; /* GA102: a quarter of the lanes' width */
        unsigned want = slow ? 56 : p->links_on * per_link[p->nvlink_gen];
        bad += p->links_on && p->bandwidth_gbs != want;
    }
    is_int(bad, 0, "bandwidth is links times what one link carries");
}

static void by_word(void) {
    ok(product_by_synth(SPAN("h100-sxm")) == product_by_synth(SPAN("H100-SXM")), "any case");
    ok(product_by_synth(SPAN("H200")) == product_by_synth(SPAN("H200-SXM")), "or the NVML name");
    ok(!product_by_synth(SPAN("")) && !product_by_synth(SPAN("H100")) &&
           !product_by_synth(SPAN("H100-SXM5")) && !product_by_synth(SPAN("xH100-SXM")),
       "whole words only");
}

static void facts_that_matter(void) {
    const struct product *nvl = product_by_synth(SPAN("H100-NVL"));
    ok(nvl && nvl->build == NVLINK_BRIDGE && nvl->lanes_pair == 12 && nvl->links_on == 12 &&
           nvl->links_listed == 18,
       "a bridged H100 NVL has 12 of 18 links on");
    const struct product *sxm = product_by_synth(SPAN("H100-SXM"));
    ok(sxm && sxm->build == NVLINK_SWITCH && sxm->lanes_pair == 18 && sxm->lanes_mesh == 6,
       "an H100 SXM shows NV18 behind NVSwitch and NV6 on a board of four");
    const struct product *cube = product_by_synth(SPAN("V100-SXM2"));
    ok(cube && cube->build == NVLINK_MESH && cube->lanes_pair == 0,
       "the lanes of a V100 pair vary");
    const struct product *pcie = product_find(SPAN("NVIDIA L40S"));
    ok(pcie && pcie->build == NVLINK_NONE, "an L40S has no NVLink");
}

int main(void) {
    by_name();
    every_row();
    bandwidth();
    by_word();
    facts_that_matter();
    return tap_done();
}
