/* A stand-in for NVIDIA's libnvidia-ml.so.1: the same names and layouts, the machine out of a
 * scenario file (tests/nvml/scenario.h). What it answers for links that are down and for lost GPUs
 * is what drivers were seen to answer. One thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/nvml/scenario.h"

/* Each exported name is looked up through a function of ours, so that a scenario can take it away:
 * dlsym hands out what that function returns. */
#define EXPORT(member, symbol, args)                                                               \
    static int do_##symbol args;                                                                   \
    int symbol args __attribute__((ifunc("find_" #symbol)));
NVML_CALLS(EXPORT)

static struct {
    bool started;
    bool wrong; /* the file as it is now; what was read before still stands */
    struct stat seen;
    struct scenario s;
    struct scenario fresh;
    unsigned next_xid;
    unsigned long long watched[STAND_GPU_MAX];
    char device[STAND_GPU_MAX]; /* their addresses are the handles */
} here;

/* ---- the scenario, as it is now ---- */

static bool same_file(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* true: there is a scenario. */
static bool refresh(void) {
    const char *path = getenv(SCENARIO_ENV);
    struct stat now;
    if (!path || stat(path, &now) != 0) {
        return false;
    }
    if (!same_file(&now, &here.seen)) {
        here.seen = now;
        here.wrong = !scenario_read(path, &here.fresh);
        if (here.wrong) {
            return false;
        }
        here.s = here.fresh;
        here.next_xid = 0;
    }
    return !here.wrong;
}

static bool is_absent(const char *name) {
    (void)refresh();
    for (unsigned i = 0; i < here.s.n_calls; i++) {
        if (here.s.call[i].fault == FAULT_ABSENT && strcmp(here.s.call[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

#define FIND(member, symbol, args)                                                                 \
    static __typeof__(do_##symbol) *find_##symbol(void) {                                          \
        return is_absent(#symbol) ? NULL : do_##symbol;                                            \
    }
NVML_CALLS(FIND)

static int suffer(const struct stand_call *c) {
    if (c->fault == FAULT_HANG) {
        for (;;) {
            (void)pause();
        }
    }
    if (c->fault == FAULT_CRASH) {
        abort();
    }
    return c->fault == FAULT_FAIL ? c->rc : NVML_SUCCESS;
}

/* What the scenario has against this call; 0 nothing. gpu -1: a call without one. */
static int enter(const char *name, int gpu) {
    if (!here.started) {
        return NVML_UNINITIALIZED;
    }
    (void)refresh();
    for (unsigned i = 0; i < here.s.n_calls; i++) {
        const struct stand_call *c = &here.s.call[i];
        if (strcmp(c->name, name) == 0 && (c->gpu < 0 || c->gpu == gpu)) {
            int rc = suffer(c);
            if (rc) {
                return rc;
            }
        }
    }
    return gpu >= 0 && here.s.gpu[gpu].lost ? NVML_GPU_IS_LOST : NVML_SUCCESS;
}

/* The index behind a handle. */
static int find(nvml_device d, struct stand_gpu **out) {
    for (unsigned i = 0; i < here.s.n; i++) {
        if (d == &here.device[i]) {
            *out = &here.s.gpu[i];
            return (int)i;
        }
    }
    return -1;
}

/* The start of each call about a GPU. */
#define ENTER(symbol)                                                                              \
    struct stand_gpu *g = NULL;                                                                    \
    int at = find(d, &g);                                                                          \
    int rc_ = at < 0 ? NVML_INVALID_ARGUMENT : enter(#symbol, at);                                 \
    if (rc_) {                                                                                     \
        return rc_;                                                                                \
    }

static int put(char *out, unsigned cap, const char *text) {
    size_t n = strlen(text);
    if (n >= cap) {
        return NVML_INSUFFICIENT_SIZE;
    }
    memcpy(out, text, n + 1);
    return NVML_SUCCESS;
}

/* ---- the library ---- */

static int do_nvmlInit_v2(void) {
    if (!getenv(SCENARIO_ENV)) {
        return NVML_DRIVER_NOT_LOADED;
    }
    if (!refresh()) {
        return NVML_UNKNOWN;
    }
    here.started = true;
    int rc = enter("nvmlInit_v2", -1);
    here.started = rc == NVML_SUCCESS;
    return rc;
}

static int do_nvmlShutdown(void) {
    int rc = enter("nvmlShutdown", -1);
    here.started = false;
    return rc;
}

static int do_nvmlSystemGetDriverVersion(char *out, unsigned cap) {
    int rc = enter("nvmlSystemGetDriverVersion", -1);
    return rc ? rc : put(out, cap, here.s.driver);
}

static int do_nvmlDeviceGetCount_v2(unsigned *out) {
    int rc = enter("nvmlDeviceGetCount_v2", -1);
    *out = rc ? *out : here.s.n;
    return rc;
}

static int do_nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml_device *out) {
    if (index >= here.s.n) {
        return NVML_INVALID_ARGUMENT;
    }
    int rc = enter("nvmlDeviceGetHandleByIndex_v2", (int)index);
    *out = rc ? *out : &here.device[index];
    return rc;
}

/* ---- one GPU ---- */

static int do_nvmlDeviceGetUUID(nvml_device d, char *out, unsigned cap) {
    ENTER(nvmlDeviceGetUUID)
    return put(out, cap, g->uuid);
}

static int do_nvmlDeviceGetName(nvml_device d, char *out, unsigned cap) {
    ENTER(nvmlDeviceGetName)
    return put(out, cap, here.s.product);
}

static void put_pci(unsigned bus, struct nvml_pci *out) {
    memset(out, 0, sizeof *out);
    out->bus = bus;
    (void)snprintf(out->bus_id, sizeof out->bus_id, "00000000:%02X:00.0", bus & 0xffU);
    (void)snprintf(out->bus_id_legacy, sizeof out->bus_id_legacy, "0000:%02X:00.0", bus & 0xffU);
}

static int do_nvmlDeviceGetPciInfo_v3(nvml_device d, struct nvml_pci *out) {
    ENTER(nvmlDeviceGetPciInfo_v3)
    put_pci(g->bus, out);
    return NVML_SUCCESS;
}

static int do_nvmlDeviceGetMemoryInfo(nvml_device d, struct nvml_memory *out) {
    ENTER(nvmlDeviceGetMemoryInfo)
    unsigned long long total = (unsigned long long)here.s.memory_mib << 20;
    *out = (struct nvml_memory){total, total, 0};
    return NVML_SUCCESS;
}

static int do_nvmlDeviceGetMemoryAffinity(nvml_device d, unsigned n, unsigned long *out,
                                          unsigned scope) {
    ENTER(nvmlDeviceGetMemoryAffinity)
    const unsigned word = 8 * sizeof *out;
    if (g->numa / word >= n || scope > 1) {
        return NVML_INVALID_ARGUMENT;
    }
    memset(out, 0, n * sizeof *out);
    out[g->numa / word] = 1UL << (g->numa % word);
    return NVML_SUCCESS;
}

static int do_nvmlDeviceGetMigMode(nvml_device d, unsigned *mode, unsigned *pending) {
    ENTER(nvmlDeviceGetMigMode)
    *mode = *pending = g->mig;
    return NVML_SUCCESS;
}

/* ---- links ---- */

static int do_nvmlDeviceGetNvLinkState(nvml_device d, unsigned link, int *up) {
    ENTER(nvmlDeviceGetNvLinkState)
    if (link >= here.s.links) {
        return here.s.links ? NVML_INVALID_ARGUMENT : NVML_NOT_SUPPORTED;
    }
    *up = g->link[link].up;
    return NVML_SUCCESS;
}

/* Whether a link's other end is told. */
static int reach(const struct stand_gpu *g, unsigned link) {
    if (link >= here.s.links) {
        return here.s.links ? NVML_INVALID_ARGUMENT : NVML_NOT_SUPPORTED;
    }
    bool told = g->link[link].up || (here.s.remember && g->link[link].peer != -2);
    return told ? NVML_SUCCESS : NVML_NOT_SUPPORTED;
}

static int do_nvmlDeviceGetNvLinkRemotePciInfo_v2(nvml_device d, unsigned link,
                                                  struct nvml_pci *out) {
    ENTER(nvmlDeviceGetNvLinkRemotePciInfo_v2)
    int rc = reach(g, link);
    if (rc == NVML_SUCCESS) {
        int peer = g->link[link].peer;
        put_pci(peer < 0 ? 0xf8U : here.s.gpu[peer].bus, out);
    }
    return rc;
}

static int do_nvmlDeviceGetNvLinkRemoteDeviceType(nvml_device d, unsigned link, int *type) {
    ENTER(nvmlDeviceGetNvLinkRemoteDeviceType)
    int rc = reach(g, link);
    if (rc == NVML_SUCCESS) {
        const struct stand_link *k = &g->link[link];
        *type = !k->up ? REMOTE_UNKNOWN : k->peer < 0 ? REMOTE_SWITCH : REMOTE_GPU;
    }
    return rc;
}

static unsigned count_switch_links(const struct stand_gpu *g) {
    unsigned n = 0;
    for (unsigned k = 0; k < here.s.links; k++) {
        n += g->link[k].peer == -1 && g->link[k].up;
    }
    return n;
}

static int field(const struct stand_gpu *g, struct nvml_field_value *v) {
    v->value_type = NVML_ULLONG;
    switch (v->field_id) {
    case NVML_FI_SPEED_COMMON:
        v->value_type = NVML_UINT;
        v->value.ui = here.s.speed;
        return here.s.links ? NVML_SUCCESS : NVML_NOT_SUPPORTED;
    case NVML_FI_SWITCH_LINKS:
        v->value_type = NVML_UINT;
        v->value.ui = count_switch_links(g);
        return here.s.links ? NVML_SUCCESS : NVML_NOT_SUPPORTED;
    case NVML_FI_CRC_DATA_TOTAL:
        v->value.ull = g->errors[0];
        return NVML_SUCCESS;
    case NVML_FI_REPLAY_TOTAL:
        v->value.ull = g->errors[1];
        return NVML_SUCCESS;
    case NVML_FI_RECOVERY_TOTAL:
        v->value.ull = g->errors[2];
        return NVML_SUCCESS;
    case NVML_FI_RECOVERY_ACTION:
        v->value_type = NVML_UINT;
        v->value.ui = g->action;
        return NVML_SUCCESS;
    default:
        return NVML_NOT_SUPPORTED;
    }
}

static int do_nvmlDeviceGetFieldValues(nvml_device d, int n, struct nvml_field_value *v) {
    ENTER(nvmlDeviceGetFieldValues)
    for (int i = 0; i < n; i++) {
        v[i].rc = field(g, &v[i]);
    }
    return NVML_SUCCESS;
}

/* ---- fabric, pairs ---- */

static int do_nvmlDeviceGetGpuFabricInfo(nvml_device d, struct nvml_fabric_v1 *out) {
    ENTER(nvmlDeviceGetGpuFabricInfo)
    *out = (struct nvml_fabric_v1){
        .status = g->fabric.status, .clique = g->fabric.clique, .state = g->fabric.state};
    return NVML_SUCCESS;
}

/* A caller of version 2 has no room behind its 36 bytes. */
static int do_nvmlDeviceGetGpuFabricInfoV(nvml_device d, struct nvml_fabric *out) {
    ENTER(nvmlDeviceGetGpuFabricInfoV)
    if (out->version != NVML_FABRIC_V2 && out->version != NVML_FABRIC_V3) {
        return NVML_ARGUMENT_VERSION_MISMATCH;
    }
    struct nvml_fabric f = {.version = out->version,
                            .status = g->fabric.status,
                            .clique = g->fabric.clique,
                            .state = g->fabric.state,
                            .health = g->fabric.health,
                            .summary = g->fabric.summary};
    memcpy(out, &f, out->version == NVML_FABRIC_V2 ? 36 : sizeof f);
    return NVML_SUCCESS;
}

static int do_nvmlDeviceGetTopologyCommonAncestor(nvml_device d, nvml_device other, int *level) {
    ENTER(nvmlDeviceGetTopologyCommonAncestor)
    struct stand_gpu *peer = NULL;
    int b = find(other, &peer);
    *level = b < 0 ? 0 : g->level[b];
    return b < 0 ? NVML_INVALID_ARGUMENT : NVML_SUCCESS;
}

static int do_nvmlDeviceGetP2PStatus(nvml_device d, nvml_device other, int cap, int *status) {
    ENTER(nvmlDeviceGetP2PStatus)
    struct stand_gpu *peer = NULL;
    int b = find(other, &peer);
    if (b < 0 || cap != NVML_P2P_NVLINK) {
        return NVML_INVALID_ARGUMENT;
    }
    bool linked = count_switch_links(g) && count_switch_links(peer);
    for (unsigned k = 0; k < here.s.links; k++) {
        linked = linked || (g->link[k].peer == b && g->link[k].up);
    }
    *status = g->p2p[b] ? g->p2p[b] : linked ? 0 : 5;
    return NVML_SUCCESS;
}

static int do_nvmlDeviceGetComputeRunningProcesses_v3(nvml_device d, unsigned *n,
                                                      struct nvml_process *out) {
    ENTER(nvmlDeviceGetComputeRunningProcesses_v3)
    unsigned have = 0;
    for (unsigned i = 0; i < here.s.n_processes; i++) {
        const struct stand_pair *p = &here.s.process[i];
        if (p->gpu == (unsigned)at) {
            if (have < *n) {
                out[have] = (struct nvml_process){p->a, (unsigned long long)p->b << 20, UINT32_MAX,
                                                  UINT32_MAX};
            }
            have++;
        }
    }
    int rc = have > *n ? NVML_INSUFFICIENT_SIZE : NVML_SUCCESS;
    *n = have;
    return rc;
}

/* ---- events ---- */

static int do_nvmlEventSetCreate(nvml_event_set *set) {
    int rc = enter("nvmlEventSetCreate", -1);
    *set = rc ? *set : &here;
    return rc;
}

static int do_nvmlDeviceRegisterEvents(nvml_device d, unsigned long long mask, nvml_event_set set) {
    ENTER(nvmlDeviceRegisterEvents)
    here.watched[at] = set == (void *)&here ? mask : 0;
    return NVML_SUCCESS;
}

static bool take_xid(struct nvml_event *out) {
    while (here.next_xid < here.s.n_xids) {
        const struct stand_pair *x = &here.s.xid[here.next_xid++];
        if (here.watched[x->gpu] & NVML_EVENT_XID) {
            *out = (struct nvml_event){
                .device = &here.device[x->gpu], .type = NVML_EVENT_XID, .data = x->a};
            return true;
        }
    }
    return false;
}

static int do_nvmlEventSetWait_v2(nvml_event_set set, struct nvml_event *out, unsigned ms) {
    (void)set;
    for (unsigned waited = 0;; waited += 10) {
        int rc = enter("nvmlEventSetWait_v2", -1);
        if (rc) {
            return rc;
        }
        if (take_xid(out)) {
            return NVML_SUCCESS;
        }
        if (waited >= ms) {
            return NVML_TIMEOUT;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

static int do_nvmlEventSetFree(nvml_event_set set) {
    (void)set;
    return enter("nvmlEventSetFree", -1);
}
