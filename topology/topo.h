/* THE data: the GPUs of one node and the wires between them. Everything else in topology/ fills a
 * struct topo (annotation, nvidia-smi text, synthetic machine) or reads one (health, sets,
 * picture). Plain values: copied freely, no pointers inside, no ownership, no thread rule.
 *
 * Words (wire, healthy, down against absent, unknown) are those of README, "Words". */
#ifndef TPGUARD_TOPOLOGY_TOPO_H
#define TPGUARD_TOPOLOGY_TOPO_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/gpuset.h"

/* What connects two GPUs, as `nvidia-smi topo -m` names it. SOC (drivers up to 384) is read as SYS.
 */
enum wire_kind {
    WIRE_UNKNOWN = 0, /* cannot be told: never read as "no NVLink" */
    WIRE_SELF,
    WIRE_NVLINK, /* `lanes` links, direct or through NVSwitch */
    WIRE_PIX,    /* at most one PCIe bridge */
    WIRE_PXB,    /* several PCIe bridges, no host bridge */
    WIRE_PHB,    /* a PCIe host bridge */
    WIRE_NODE,   /* host bridges of one NUMA node */
    WIRE_SYS,    /* across sockets */
    WIRE_KIND_COUNT
};

struct wire {
    uint8_t kind;  /* enum wire_kind */
    uint8_t lanes; /* NVLink links up, 1..LANES_MAX; 0 for every other kind */
};

/* Links per GPU: 18 up to Blackwell, 36 in NVML 13 (nvml.h 13.3.29, NVML_NVLINK_MAX_LINKS). */
#define LANES_MAX 36

/* Expected lanes of a pair: 0 = no NVLink was ever fitted or seen (absent), 1..LANES_MAX, or not
 * known. */
#define EXPECTED_UNKNOWN 255

enum tri { TRI_UNKNOWN = 0, TRI_NO, TRI_YES };

/* NVSwitch fabric of one GPU (nvmlDeviceGetGpuFabricInfo): bridge and PCIe systems have none. */
enum fabric_state {
    FABRIC_UNKNOWN = 0,
    FABRIC_NONE,        /* not applicable: no NVSwitch */
    FABRIC_NOT_STARTED, /* Fabric Manager is down */
    FABRIC_IN_PROGRESS,
    FABRIC_COMPLETED, /* the only state in which NVSwitch links carry traffic */
    FABRIC_FAILED,    /* completed with an error status, or unhealthy */
    FABRIC_STATE_COUNT
};

/* What `nvidia-smi nvlink --status` said about one GPU's own links. */
enum links_state {
    LINKS_UNKNOWN = 0,  /* not asked, cut text, query failed */
    LINKS_LISTED,       /* on / listed count */
    LINKS_ALL_INACTIVE, /* "all links are inActive": no bridge fitted, or a fault; only the product
                           can tell */
    LINKS_NONE,         /* the GPU has no NVLink */
    LINKS_STATE_COUNT
};

struct gpu_links {
    uint8_t state;  /* enum links_state */
    uint8_t on;     /* links that showed a speed; 0 unless LISTED */
    uint8_t listed; /* links that showed a line; 0 unless LISTED */
    uint32_t mbps;  /* speed per link in thousandths of GB/s as printed (26562 = 26.562 GB/s); 0
                       unknown */
};

#define GPU_UUID_MAX    64
#define GPU_PRODUCT_MAX 64
#define GPU_PCI_MAX     24
#define GPU_FAULT_MAX   64

struct gpu {
    uint16_t index;                /* NVML index; unique in the node, ascending, may have gaps */
    char uuid[GPU_UUID_MAX];       /* "GPU-..."; "" unknown */
    char product[GPU_PRODUCT_MAX]; /* NVML name, e.g. "NVIDIA H100 NVL"; "" unknown */
    char pci[GPU_PCI_MAX];         /* "00000000:CA:00.0"; "" unknown */
    uint32_t memory_mib;           /* 0 unknown */
    int16_t numa;                  /* -1 unknown */
    uint8_t mig;                   /* enum tri */
    uint8_t fabric;                /* enum fabric_state */
    struct gpu_links links;
    char fault[GPU_FAULT_MAX]; /* why this GPU is not to be used ("Xid 79: fell off the bus"); ""
                                  none known */
};

#define GPU_INDEX_MAX   1023
#define TOPO_SOURCE_MAX 32
#define TOPO_DRIVER_MAX 32

struct topo {
    int64_t observed_at;          /* Unix seconds; 0 unknown */
    char source[TOPO_SOURCE_MAX]; /* "nvml", "nvidia-smi", "synthetic", "manual"; "" unknown */
    char driver[TOPO_DRIVER_MAX]; /* "550.163.01"; "" unknown */
    bool nvswitch;                /* the NVLinks go through NVSwitch */
    uint8_t n;                    /* GPUs, 1..GPU_MAX; positions 0..n-1 in ascending NVML index */
    struct gpu gpu[GPU_MAX];
    struct wire wire[GPU_MAX][GPU_MAX]; /* [i][j]: what GPU i says of j; directions may disagree */
    uint8_t expected[GPU_MAX]
                    [GPU_MAX]; /* lanes this pair should have; symmetric; EXPECTED_UNKNOWN */
};

/* An empty topo with n GPUs at indices 0..n-1: all wires UNKNOWN but the diagonal (SELF), all
 * expectations unknown but the diagonal (0), numa -1. n is cut to GPU_MAX. */
void topo_init(struct topo *t, unsigned n);

/* Both directions at once; nothing happens on the diagonal or outside the n GPUs. NVLink with 0 or
 * more than LANES_MAX lanes is no fact: WIRE_UNKNOWN; expectations above LANES_MAX are unknown. */
void topo_set_wire(struct topo *t, unsigned a, unsigned b, enum wire_kind kind, unsigned lanes);
void topo_set_expected(struct topo *t, unsigned a, unsigned b, unsigned lanes);

/* Position of the GPU with this NVML index or UUID; -1 when there is none. */
int topo_find_index(const struct topo *t, unsigned index);
int topo_find_uuid(const struct topo *t, const char *uuid, unsigned len);

/* "X", "NV12", "PIX", ... into out (at least 8 bytes); "?" for unknown. Returns out. */
const char *wire_word(struct wire w, char out[static 8]);
/* The reverse; false when the word is none. "?" and "Unknown" are WIRE_UNKNOWN, "SOC" is WIRE_SYS.
 */
bool wire_parse(const char *word, unsigned len, struct wire *out);

const char *wire_kind_name(enum wire_kind k);
const char *fabric_name(enum fabric_state f); /* "none", "completed", ... ; reverse below */
bool fabric_parse(const char *word, unsigned len, enum fabric_state *out);

/* The same data without the unused rows, for keeping thousands of nodes in memory: topo_packed_size
 * bytes. pack and unpack are exact inverses. packed must be aligned for uint64_t. */
unsigned topo_packed_size(const struct topo *t);
void topo_pack(const struct topo *t, void *packed);
void topo_unpack(const void *packed, struct topo *t);

/* "0,1" (NVML indices) of the positions in s; for messages. */
struct buf;
void topo_set_text(const struct topo *t, struct gpuset s, struct buf *out);

#endif
