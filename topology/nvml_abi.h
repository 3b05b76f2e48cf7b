/* The part of NVIDIA's binary interface (libnvidia-ml.so.1) that is used here: codes, layouts,
 * numbers. Written down rather than included, because nothing of NVIDIA's is needed to build, and
 * one program has to work with every driver from 450 on. x86-64 and aarch64; the asserts hold the
 * layouts to what nvml.h 13.3 compiles to. */
#ifndef TPGUARD_TOPOLOGY_NVML_ABI_H
#define TPGUARD_TOPOLOGY_NVML_ABI_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum nvml_code {
    NVML_SUCCESS = 0,
    NVML_UNINITIALIZED = 1,
    NVML_INVALID_ARGUMENT = 2,
    NVML_NOT_SUPPORTED = 3,
    NVML_NO_PERMISSION = 4,
    NVML_NOT_FOUND = 6,
    NVML_INSUFFICIENT_SIZE = 7,
    NVML_DRIVER_NOT_LOADED = 9,
    NVML_TIMEOUT = 10,
    NVML_LIBRARY_NOT_FOUND = 12,
    NVML_FUNCTION_NOT_FOUND = 13,
    NVML_GPU_IS_LOST = 15,
    NVML_RESET_REQUIRED = 16,
    NVML_LIB_RM_VERSION_MISMATCH = 18,
    NVML_ARGUMENT_VERSION_MISMATCH = 25,
    NVML_UNKNOWN = 999
};

/* Opaque: a GPU, a set of events. */
typedef void *nvml_device;
typedef void *nvml_event_set;

struct nvml_pci {
    char bus_id_legacy[16];
    unsigned domain;
    unsigned bus;
    unsigned device;
    unsigned pci_device_id;
    unsigned pci_subsystem_id;
    char bus_id[32];
};
static_assert(sizeof(struct nvml_pci) == 68, "nvmlPciInfo_t");

struct nvml_memory {
    unsigned long long total;
    unsigned long long free;
    unsigned long long used;
};
static_assert(sizeof(struct nvml_memory) == 24, "nvmlMemory_t");

union nvml_value {
    double d;
    unsigned ui;
    unsigned long ul;
    unsigned long long ull;
    long long ll;
    int i;
    unsigned short us;
};

enum nvml_value_type {
    NVML_DOUBLE = 0,
    NVML_UINT = 1,
    NVML_ULONG = 2,
    NVML_ULLONG = 3,
    NVML_LLONG = 4,
    NVML_INT = 5,
    NVML_USHORT = 6
};

struct nvml_field_value {
    unsigned field_id;
    unsigned scope_id;
    long long timestamp;
    long long latency_us;
    int value_type;
    int rc;
    union nvml_value value;
};
static_assert(sizeof(struct nvml_field_value) == 40, "nvmlFieldValue_t");
static_assert(offsetof(struct nvml_field_value, value) == 32, "nvmlFieldValue_t");

#define NVML_FI_CRC_DATA_TOTAL  45
#define NVML_FI_REPLAY_TOTAL    52
#define NVML_FI_RECOVERY_TOTAL  59
#define NVML_FI_SPEED_COMMON    90
#define NVML_FI_SWITCH_LINKS    147
#define NVML_FI_LINK_STATE      165 /* scope: the link */
#define NVML_FI_C2C_LINKS       170
#define NVML_FI_RECOVERY_ACTION 230

struct nvml_event {
    nvml_device device;
    unsigned long long type;
    unsigned long long data; /* the Xid number */
    unsigned gpu_instance;
    unsigned compute_instance;
};
static_assert(sizeof(struct nvml_event) == 32, "nvmlEventData_t");

#define NVML_EVENT_XID             0x8ULL
#define NVML_EVENT_UNAVAILABLE     0x4000ULL
#define NVML_EVENT_RECOVERY_ACTION 0x8000ULL

/* Element of nvmlDeviceGetComputeRunningProcesses_v3 (and _v2). */
struct nvml_process {
    unsigned pid;
    unsigned long long memory; /* all ones: not available */
    unsigned gpu_instance;
    unsigned compute_instance;
};
static_assert(sizeof(struct nvml_process) == 24, "nvmlProcessInfo_v2_t");

struct nvml_fabric_v1 {
    unsigned char uuid[16];
    int status;
    unsigned clique;
    unsigned char state;
};
static_assert(sizeof(struct nvml_fabric_v1) == 28, "nvmlGpuFabricInfo_t");

/* Version 2 ends before summary: 36 bytes. */
struct nvml_fabric {
    unsigned version;
    unsigned char uuid[16];
    int status;
    unsigned clique;
    unsigned char state;
    unsigned health;
    unsigned char summary;
};
static_assert(sizeof(struct nvml_fabric) == 40, "nvmlGpuFabricInfo_v3_t");
static_assert(offsetof(struct nvml_fabric, summary) == 36, "nvmlGpuFabricInfo_v2_t");

#define NVML_FABRIC_V2 0x02000024U
#define NVML_FABRIC_V3 0x03000028U

#define NVML_P2P_NVLINK    2
#define NVML_AFFINITY_NODE 0

/* Every call that is looked up: member, symbol, arguments. All return an nvml_code. Only the first
 * three must be there. */
#define NVML_CALLS(X)                                                                              \
    X(init, nvmlInit_v2, (void))                                                                   \
    X(count, nvmlDeviceGetCount_v2, (unsigned *))                                                  \
    X(handle, nvmlDeviceGetHandleByIndex_v2, (unsigned, nvml_device *))                            \
    X(shutdown, nvmlShutdown, (void))                                                              \
    X(driver, nvmlSystemGetDriverVersion, (char *, unsigned))                                      \
    X(uuid, nvmlDeviceGetUUID, (nvml_device, char *, unsigned))                                    \
    X(name, nvmlDeviceGetName, (nvml_device, char *, unsigned))                                    \
    X(pci, nvmlDeviceGetPciInfo_v3, (nvml_device, struct nvml_pci *))                              \
    X(memory, nvmlDeviceGetMemoryInfo, (nvml_device, struct nvml_memory *))                        \
    X(numa, nvmlDeviceGetMemoryAffinity, (nvml_device, unsigned, unsigned long *, unsigned))       \
    X(mig, nvmlDeviceGetMigMode, (nvml_device, unsigned *, unsigned *))                            \
    X(link_state, nvmlDeviceGetNvLinkState, (nvml_device, unsigned, int *))                        \
    X(link_remote, nvmlDeviceGetNvLinkRemotePciInfo_v2,                                            \
      (nvml_device, unsigned, struct nvml_pci *))                                                  \
    X(link_type, nvmlDeviceGetNvLinkRemoteDeviceType, (nvml_device, unsigned, int *))              \
    X(fields, nvmlDeviceGetFieldValues, (nvml_device, int, struct nvml_field_value *))             \
    X(fabric, nvmlDeviceGetGpuFabricInfo, (nvml_device, struct nvml_fabric_v1 *))                  \
    X(fabric_v, nvmlDeviceGetGpuFabricInfoV, (nvml_device, struct nvml_fabric *))                  \
    X(level, nvmlDeviceGetTopologyCommonAncestor, (nvml_device, nvml_device, int *))               \
    X(p2p, nvmlDeviceGetP2PStatus, (nvml_device, nvml_device, int, int *))                         \
    X(processes, nvmlDeviceGetComputeRunningProcesses_v3,                                          \
      (nvml_device, unsigned *, struct nvml_process *))                                            \
    X(events_new, nvmlEventSetCreate, (nvml_event_set *))                                          \
    X(events_ask, nvmlDeviceRegisterEvents, (nvml_device, unsigned long long, nvml_event_set))     \
    X(events_wait, nvmlEventSetWait_v2, (nvml_event_set, struct nvml_event *, unsigned))           \
    X(events_free, nvmlEventSetFree, (nvml_event_set))

#endif
