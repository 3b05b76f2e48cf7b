/* Calls about one GPU or a pair. */
#include <stdio.h>
#include <string.h>

#include "tests/nvml/standin.h"

/* ---- one GPU ---- */

int do_nvmlDeviceGetUUID(nvml_device d, char *out, unsigned cap) {
    ENTER(nvmlDeviceGetUUID)
    return stand_put(out, cap, g->uuid);
}

int do_nvmlDeviceGetName(nvml_device d, char *out, unsigned cap) {
    ENTER(nvmlDeviceGetName)
    return stand_put(out, cap, here.s.product);
}

static void put_pci(unsigned bus, struct nvml_pci *out) {
    memset(out, 0, sizeof *out);
    out->bus = bus;
    (void)snprintf(out->bus_id, sizeof out->bus_id, "00000000:%02X:00.0", bus & 0xffU);
    (void)snprintf(out->bus_id_legacy, sizeof out->bus_id_legacy, "0000:%02X:00.0", bus & 0xffU);
}

int do_nvmlDeviceGetPciInfo_v3(nvml_device d, struct nvml_pci *out) {
    ENTER(nvmlDeviceGetPciInfo_v3)
    put_pci(g->bus, out);
    return NVML_SUCCESS;
}

int do_nvmlDeviceGetMemoryInfo(nvml_device d, struct nvml_memory *out) {
    ENTER(nvmlDeviceGetMemoryInfo)
    unsigned long long total = (unsigned long long)here.s.memory_mib << 20;
    *out = (struct nvml_memory){total, total, 0};
    return NVML_SUCCESS;
}

int do_nvmlDeviceGetMemoryAffinity(nvml_device d, unsigned n, unsigned long *out, unsigned scope) {
    ENTER(nvmlDeviceGetMemoryAffinity)
    const unsigned word = 8 * sizeof *out;
    if (g->numa / word >= n || scope > 1) {
        return NVML_INVALID_ARGUMENT;
    }
    memset(out, 0, n * sizeof *out);
    out[g->numa / word] = 1UL << (g->numa % word);
    return NVML_SUCCESS;
}

int do_nvmlDeviceGetMigMode(nvml_device d, unsigned *mode, unsigned *pending) {
    ENTER(nvmlDeviceGetMigMode)
    *mode = *pending = g->mig;
    return NVML_SUCCESS;
}

/* ---- links ---- */

int do_nvmlDeviceGetNvLinkState(nvml_device d, unsigned link, int *up) {
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

int do_nvmlDeviceGetNvLinkRemotePciInfo_v2(nvml_device d, unsigned link, struct nvml_pci *out) {
    ENTER(nvmlDeviceGetNvLinkRemotePciInfo_v2)
    int rc = reach(g, link);
    if (rc == NVML_SUCCESS) {
        int peer = g->link[link].peer;
        put_pci(peer < 0 ? 0xf8U : here.s.gpu[peer].bus, out);
    }
    return rc;
}

int do_nvmlDeviceGetNvLinkRemoteDeviceType(nvml_device d, unsigned link, int *type) {
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
    case NVML_FI_LINK_STATE:
        if (v->scope_id >= here.s.links) {
            return here.s.links ? NVML_INVALID_ARGUMENT : NVML_NOT_SUPPORTED;
        }
        v->value_type = NVML_UINT;
        v->value.ui = g->link[v->scope_id].up;
        return NVML_SUCCESS;
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

int do_nvmlDeviceGetFieldValues(nvml_device d, int n, struct nvml_field_value *v) {
    ENTER(nvmlDeviceGetFieldValues)
    for (int i = 0; i < n; i++) {
        v[i].rc = field(g, &v[i]);
    }
    return NVML_SUCCESS;
}

/* ---- fabric, pairs ---- */

int do_nvmlDeviceGetGpuFabricInfo(nvml_device d, struct nvml_fabric_v1 *out) {
    ENTER(nvmlDeviceGetGpuFabricInfo)
    *out = (struct nvml_fabric_v1){
        .status = g->fabric.status, .clique = g->fabric.clique, .state = g->fabric.state};
    return NVML_SUCCESS;
}

/* A caller of version 2 has no room behind its 36 bytes. */
int do_nvmlDeviceGetGpuFabricInfoV(nvml_device d, struct nvml_fabric *out) {
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

int do_nvmlDeviceGetTopologyCommonAncestor(nvml_device d, nvml_device other, int *level) {
    ENTER(nvmlDeviceGetTopologyCommonAncestor)
    struct stand_gpu *peer = NULL;
    int b = stand_find(other, &peer);
    *level = b < 0 ? 0 : g->level[b];
    return b < 0 ? NVML_INVALID_ARGUMENT : NVML_SUCCESS;
}

int do_nvmlDeviceGetP2PStatus(nvml_device d, nvml_device other, int cap, int *status) {
    ENTER(nvmlDeviceGetP2PStatus)
    struct stand_gpu *peer = NULL;
    int b = stand_find(other, &peer);
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

int do_nvmlDeviceGetComputeRunningProcesses_v3(nvml_device d, unsigned *n,
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
