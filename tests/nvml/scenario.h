/* The machine that the stand-in libnvidia-ml.so.1 plays: a text file, one fact a line, named by the
 * environment variable TPGUARD_NVML_SCENARIO and read again whenever it changes (replace it with
 * mv: a half-written file is a wrong one). Lines, I A B being GPU indices, "all" for every GPU:
 *
 *   driver 550.163.01            gpus 4 NVIDIA H100 NVL        memory 95830   (MiB)
 *                                gpus 0 -                      a driver without a GPU
 *   links 18                     link numbers of a GPU (0: no NVLink)
 *   speed 26562                  MB/s of a link
 *   bus I ca [NUMA]              PCI bus, hexadecimal; 10 + 8 * I by default
 *   uuid I TEXT                  GPU-0000000I-... by default
 *   bridge A B LANES             the next free link numbers of both
 *   switch LANES                 of every GPU to NVSwitch
 *   down A B [COUNT]             the last COUNT links of the pair (all), seen from both
 *   blind A B [COUNT]            ... seen from A only
 *   unswitch I COUNT             links of I to the switch that are down
 *   remember                     links that are down still name their other end
 *   level A B NODE               PIX PXB PHB NODE SYS; NODE by default
 *   fabric I STATE [STATUS [CLIQUE [HEALTH [SUMMARY]]]]   none not-started in-progress completed
 *   mig I         lost I         process I PID MIB          xid I NUMBER (an event, on each read)
 *   errors I CRC REPLAYS RECOVERIES        action I NUMBER (recovery action)   p2p A B STATUS
 *   fail CALL I RC               hang CALL I         crash CALL I       absent CALL
 *
 * CALL is a symbol of the library; calls without a GPU take "all". A wrong file makes nvmlInit_v2
 * fail with NVML_UNKNOWN and says why on standard error. */
#ifndef TPGUARD_TESTS_NVML_SCENARIO_H
#define TPGUARD_TESTS_NVML_SCENARIO_H

#include "topology/nvml.h"
#include "topology/nvml_abi.h"

#define SCENARIO_ENV      "TPGUARD_NVML_SCENARIO"
#define STAND_GPU_MAX     GPU_MAX
#define STAND_LIST_MAX    64
#define STAND_PROCESS_MAX 1024

struct stand_link {
    int16_t peer; /* GPU; -1 the switch; -2 nothing */
    bool up;
};

struct stand_gpu {
    char uuid[GPU_UUID_MAX];
    unsigned bus;
    unsigned numa;
    bool mig;
    bool lost;
    struct stand_link link[LANES_MAX];
    unsigned used; /* link numbers given away */
    struct raw_fabric fabric;
    uint64_t errors[3];
    unsigned action;
    uint8_t level[STAND_GPU_MAX];
    uint8_t p2p[STAND_GPU_MAX];
};

enum stand_fault { FAULT_FAIL = 1, FAULT_HANG, FAULT_CRASH, FAULT_ABSENT };
struct stand_call {
    char name[64];
    int gpu; /* -1 all */
    enum stand_fault fault;
    int rc;
};

struct stand_pair {
    unsigned gpu;
    unsigned a;
    unsigned b;
};

struct scenario {
    char driver[80];
    char product[96];
    unsigned n;
    unsigned memory_mib;
    unsigned links;
    unsigned speed;
    bool remember;
    struct stand_gpu gpu[STAND_GPU_MAX];
    unsigned n_calls;
    struct stand_call call[STAND_LIST_MAX];
    unsigned n_processes;
    struct stand_pair process[STAND_PROCESS_MAX]; /* a PID, b MiB */
    unsigned n_xids;
    struct stand_pair xid[STAND_LIST_MAX]; /* a number */
};

/* Reads the file; false after a word on standard error, *out then untouched. */
bool scenario_read(const char *path, struct scenario *out);

#endif
