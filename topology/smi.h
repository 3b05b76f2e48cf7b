/* Readers of nvidia-smi text: `nvidia-smi topo -m` and `nvidia-smi nvlink --status`, as drivers 384
 * to 595 print them and as people paste them (escape codes, NIC columns, empty affinity cells,
 * spaces for tabs, indents, a shell prompt before, no legend). Pure: text in, facts out.
 *
 * A failed, empty or cut text is ERR_UNKNOWN ("topology unknown"), never "no NVLink". Garbage is
 * ERR_INPUT. */
#ifndef TPGUARD_TOPOLOGY_SMI_H
#define TPGUARD_TOPOLOGY_SMI_H

#include "topology/err.h"
#include "topology/span.h"
#include "topology/topo.h"

#define SMI_TEXT_MAX (256 * 1024)

/* The matrix: n, indices, wires. Everything else of *out is at its unknown value (topo_init). */
NODISCARD bool smi_read_topo(struct span text, struct topo *out, struct err *e);

struct smi_links {
    uint8_t n;       /* GPUs that the text names, in ascending index */
    bool none;       /* "No NVLink devices found.": no GPU of the node has NVLink; n is 0 */
    bool names_only; /* GPU lines and not one word about links (`nvidia-smi -L`): good for names */
    bool cut;        /* the text ends inside the line of a further GPU */
    struct {
        uint16_t index;
        char uuid[GPU_UUID_MAX];
        char product[GPU_PRODUCT_MAX];
        struct gpu_links links; /* state UNKNOWN when this GPU's part is visibly cut; on, listed and
                                   mbps then say what is printed */
        bool incomplete;        /* a gap in the link numbers, fewer than the product or its peers
                                   list, an error line: the verdict on it is unknown */
    } gpu[GPU_MAX];
};
NODISCARD bool smi_read_nvlink(struct span text, struct smi_links *out, struct err *e);

/* Which of the two kinds of text is in there? Both may be, one behind the other. */
bool smi_has_topo(struct span text);
bool smi_has_nvlink(struct span text);

/* Puts the link facts into the matrix facts (by NVML index), then derives what only both together
 * tell: product, nvswitch, NVLink wires whose links are all inactive or fewer than the matrix says,
 * expected lanes. The link text may cover some of the GPUs only; a GPU in it that the matrix does
 * not have is an ERR_INPUT (two machines). links may be NULL. */
NODISCARD bool smi_build(struct topo *t, const struct smi_links *links, struct err *e);

/* Both steps from raw texts; links text may be empty. observed_at is the caller's clock (0
 * unknown). */
NODISCARD bool smi_read(struct span topo_text, struct span nvlink_text, int64_t observed_at,
                        struct topo *out, struct err *e);

/* Expected lanes from the product table, for pairs whose expectation is unknown: what every reader
 * does at the end. */
void smi_expect(struct topo *t);

#endif
