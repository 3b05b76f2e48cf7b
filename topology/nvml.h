/* What the NVIDIA driver said about this node, answer by answer, and the pure step from there to a
 * struct topo. The answers are plain values with a stated bound; nothing is concluded from them
 * before facts_build, so a report of a strange machine can be replayed as a table of numbers.
 *
 * Every answer comes with its return code: NVML's own (0 done, 3 not supported, 15 GPU is lost,
 * ...) or RC_NOT_ASKED, where the library lacks the call (an old driver) or an earlier answer made
 * it pointless. The value beside a code other than 0 is 0 and means nothing. */
#ifndef TPGUARD_TOPOLOGY_NVML_H
#define TPGUARD_TOPOLOGY_NVML_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/err.h"
#include "topology/topo.h"

#define RC_NOT_ASKED (-1)

/* A PCI address; the function is left out (always 0 for a GPU). */
struct raw_pci {
    uint32_t domain;
    uint32_t bus;
    uint32_t device;
};

struct raw_link {
    int16_t state_rc;  /* nvmlDeviceGetNvLinkState, else the field of the same meaning */
    int16_t remote_rc; /* nvmlDeviceGetNvLinkRemotePciInfo_v2 */
    int16_t type_rc;   /* nvmlDeviceGetNvLinkRemoteDeviceType, driver 470 and later */
    uint8_t active;    /* 0 or 1 */
    uint8_t type;      /* enum raw_remote */
    struct raw_pci remote;
};

enum raw_remote { REMOTE_GPU = 0, REMOTE_IBMNPU = 1, REMOTE_SWITCH = 2, REMOTE_UNKNOWN = 255 };

/* Fields of nvmlDeviceGetFieldValues that are asked for, in this order. */
enum raw_field {
    FIELD_SPEED_MBPS = 0, /* MB/s of one link */
    FIELD_SWITCH_LINKS,   /* links to NVSwitch */
    FIELD_C2C_LINKS,
    FIELD_CRC_ERRORS, /* data CRC errors, replays and recoveries over all links; only ever grow */
    FIELD_REPLAYS,
    FIELD_RECOVERIES,
    FIELD_RECOVERY_ACTION, /* 0 none 1 reset 2 reboot 3 drain peers 4 drain and reset */
    RAW_FIELD_COUNT
};

struct raw_value {
    int16_t rc;
    uint64_t value;
};

struct raw_fabric {
    int16_t rc;
    uint8_t version; /* of the struct that was filled: 1, 2 or 3; 0 none */
    uint8_t state;   /* 0 not supported 1 not started 2 in progress 3 completed */
    int32_t status;  /* an NVML code; meant for state 3 */
    uint32_t clique;
    uint8_t cluster[16];
    uint32_t health; /* mask; 0 before version 2 */
    uint8_t summary; /* 0 no word 1 healthy 2 unhealthy 3 limited; 0 before version 3 */
};

struct raw_gpu {
    int16_t handle_rc; /* not 0: nothing else was asked */
    int16_t lost_rc;   /* the first "is lost" (15) or "reset required" (16) of any call; else 0 */
    int16_t pci_rc;
    int16_t memory_rc;
    int16_t numa_rc;
    int16_t mig_rc;
    int16_t processes_rc;
    char uuid[GPU_UUID_MAX]; /* "" not told */
    char name[GPU_PRODUCT_MAX];
    struct raw_pci pci;
    uint64_t memory_bytes;
    int16_t numa; /* CPU node with the nearest memory; -1 none named */
    uint8_t mig;  /* 0 or 1 */
    uint8_t n_links;
    struct raw_link link[LANES_MAX]; /* 0..n_links-1: up to the last link number that the driver
                                        calls neither invalid nor not supported; link 0 is always
                                        kept */
    struct raw_fabric fabric;
    struct raw_value field[RAW_FIELD_COUNT];
};

/* What one GPU says of another. */
struct raw_pair {
    int16_t level_rc; /* nvmlDeviceGetTopologyCommonAncestor */
    int16_t p2p_rc;   /* nvmlDeviceGetP2PStatus, NVLink */
    uint8_t level;    /* 0 one board 10 PIX 20 PXB 30 PHB 40 NODE 50 SYS */
    uint8_t p2p;      /* 0 ok 1 chipset 2 GPU 3 bridge 4 switched off 5 not supported 6 unknown */
};

/* A program that computes on a GPU. The number is the host's, whatever PID namespace the reader is
 * in: there it is nobody, or somebody else. Where the driver does not tell it: 0. */
struct gpu_process {
    uint32_t pid;
    uint8_t gpu;           /* position in raw_facts.gpu, which is the position in the topo */
    uint64_t memory_bytes; /* 0 not told */
};

#define RAW_PROCESS_MAX 256

struct raw_facts {
    char driver[TOPO_DRIVER_MAX];
    uint8_t n;           /* GPUs by ascending NVML index, which is the position */
    bool more_gpus;      /* the node has more than GPU_MAX: the rest was not asked about */
    bool more_processes; /* more than fit, or a GPU did not list its own; every GPU whose list came
                            or was too long for us has one process at least */
    uint16_t n_processes;
    struct raw_gpu gpu[GPU_MAX];
    struct raw_pair pair[GPU_MAX][GPU_MAX]; /* diagonal unused */
    struct gpu_process process[RAW_PROCESS_MAX];
};

/* Brings facts that came out of another process within the bounds stated above: counts cut, texts
 * ended and freed of bytes that are not printable ASCII. Always succeeds. */
void facts_tame(struct raw_facts *f);

/* The wiring that the facts show, source "nvml", expectations from the product table; observed_at
 * stays 0. ERR_UNKNOWN when there is no GPU, or more of them than fit. What cannot be told is
 * unknown in *out, GPU by GPU and wire by wire; a lost GPU has a fault and no NVLink. Facts must be
 * tame. */
NODISCARD bool facts_build(const struct raw_facts *f, struct topo *out, struct err *e);

/* "GPU is lost", ... ; for messages. */
const char *nvml_code_name(int rc);

/* What an Xid means, for the few that concern links or a whole GPU: "NVLink error"; NULL for the
 * others, most of which are faults of a program. */
const char *nvml_xid_name(uint32_t xid);

#endif
