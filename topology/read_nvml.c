/* NVML's answers. */
#include "topology/read_nvml.h"

#include <string.h>

/* ---- answers ---- */

/* Keeps the code within the type, and remembers that the GPU is gone. */
static int16_t note(struct raw_gpu *g, int rc) {
    int16_t kept = (int16_t)(rc < 0 || rc > NVML_UNKNOWN ? NVML_UNKNOWN : rc);
    if (!g->lost_rc && (kept == NVML_GPU_IS_LOST || kept == NVML_RESET_REQUIRED)) {
        g->lost_rc = kept;
    }
    return kept;
}

/* The driver ends its texts; a text without an end within the array is cut. */
static void keep_text(char *out, size_t cap, const char *text, size_t text_cap) {
    size_t n = strnlen(text, text_cap);
    n = n < cap ? n : cap - 1;
    memcpy(out, text, n);
    out[n] = 0;
}

static struct raw_pci keep_pci(const struct nvml_pci *p) {
    return (struct raw_pci){p->domain, p->bus, p->device};
}

static void ask_numa(const struct nvml *l, nvml_device d, struct raw_gpu *g) {
    /* The CPU node, not nvmlDeviceGetNumaNodeId: that is the number of the GPU's own memory. */
    unsigned long nodes[16] = {0};
    const unsigned word = 8 * sizeof nodes[0];
    g->numa_rc = note(g, l->numa(d, 16, nodes, NVML_AFFINITY_NODE));
    for (unsigned i = 0; g->numa_rc == NVML_SUCCESS && g->numa < 0 && i < 16 * word; i++) {
        g->numa = (nodes[i / word] >> (i % word)) & 1UL ? (int16_t)i : (int16_t)-1;
    }
}

static void ask_identity(const struct nvml *l, nvml_device d, struct raw_gpu *g) {
    char text[96] = {0};
    struct nvml_pci pci = {0};
    struct nvml_memory memory = {0};
    unsigned mode = 0;
    unsigned pending = 0;
    if (l->uuid && note(g, l->uuid(d, text, sizeof text)) == NVML_SUCCESS) {
        keep_text(g->uuid, sizeof g->uuid, text, sizeof text);
    }
    memset(text, 0, sizeof text);
    if (l->name && note(g, l->name(d, text, sizeof text)) == NVML_SUCCESS) {
        keep_text(g->name, sizeof g->name, text, sizeof text);
    }
    if (l->pci) {
        g->pci_rc = note(g, l->pci(d, &pci));
        g->pci = g->pci_rc == NVML_SUCCESS ? keep_pci(&pci) : g->pci;
    }
    if (l->memory) {
        g->memory_rc = note(g, l->memory(d, &memory));
        g->memory_bytes = g->memory_rc == NVML_SUCCESS ? memory.total : 0;
    }
    if (l->numa) {
        ask_numa(l, d, g);
    }
    if (l->mig) {
        g->mig_rc = note(g, l->mig(d, &mode, &pending));
        g->mig = g->mig_rc == NVML_SUCCESS && mode == 1;
    }
}

/* The second way to ask: the one that NCCL takes on Hopper and later. The first answer stands where
 * this one is none. */
static void ask_state_field(const struct nvml *l, nvml_device d, unsigned at, struct raw_gpu *g,
                            int *active) {
    struct nvml_field_value v;
    memset(&v, 0, sizeof v);
    v.field_id = NVML_FI_LINK_STATE;
    v.scope_id = at;
    v.rc = NVML_UNKNOWN;
    if (g->lost_rc || !l->fields || l->fields(d, 1, &v) != NVML_SUCCESS) {
        return;
    }
    if (v.rc == NVML_SUCCESS && v.value_type == NVML_UINT) {
        g->link[at].state_rc = NVML_SUCCESS;
        *active = v.value.ui == 1;
    } else if (v.rc == NVML_INVALID_ARGUMENT || v.rc == NVML_NOT_SUPPORTED) {
        g->link[at].state_rc = note(g, v.rc);
    }
}

static void ask_link(const struct nvml *l, nvml_device d, unsigned at, struct raw_gpu *g) {
    struct raw_link *k = &g->link[at];
    struct nvml_pci pci = {0};
    int active = 0;
    int type = REMOTE_UNKNOWN;
    k->state_rc = l->link_state ? note(g, l->link_state(d, at, &active)) : (int16_t)RC_NOT_ASKED;
    if (k->state_rc < NVML_SUCCESS || k->state_rc > NVML_NOT_SUPPORTED) {
        ask_state_field(l, d, at, g, &active);
    }
    k->active = k->state_rc == NVML_SUCCESS && active == 1;
    if (k->state_rc == NVML_INVALID_ARGUMENT || k->state_rc == NVML_NOT_SUPPORTED) {
        return;
    }
    if (l->link_remote) {
        k->remote_rc = note(g, l->link_remote(d, at, &pci));
        k->remote = k->remote_rc == NVML_SUCCESS ? keep_pci(&pci) : k->remote;
    }
    if (l->link_type) {
        k->type_rc = note(g, l->link_type(d, at, &type));
        bool known = k->type_rc == NVML_SUCCESS && type >= REMOTE_GPU && type <= REMOTE_SWITCH;
        k->type = (uint8_t)(known ? type : REMOTE_UNKNOWN);
    }
}

/* A link in the middle that is "not supported" does not end the row: link numbers have gaps on
 * boards that leave some unconnected. */
static void ask_links(const struct nvml *l, nvml_device d, struct raw_gpu *g) {
    unsigned told = 0;
    for (unsigned at = 0; at < LANES_MAX && !g->lost_rc; at++) {
        ask_link(l, d, at, g);
        if (g->link[at].state_rc == NVML_INVALID_ARGUMENT || g->link[at].state_rc == RC_NOT_ASKED) {
            break;
        }
        told = g->link[at].state_rc == NVML_NOT_SUPPORTED ? told : at + 1;
    }
    g->n_links = (uint8_t)(told ? told : 1);
}

static void keep_fabric(struct raw_gpu *g, const struct nvml_fabric *f, unsigned version) {
    struct raw_fabric *out = &g->fabric;
    out->version = (uint8_t)version;
    out->state = f->state;
    out->status = f->status;
    out->clique = f->clique;
    out->health = version >= 2 ? f->health : 0;
    out->summary = version >= 3 ? f->summary : 0;
    memcpy(out->cluster, f->uuid, sizeof out->cluster);
}

/* Newest struct first; a driver that does not know it says so, and takes an older one. */
static void ask_fabric(const struct nvml *l, nvml_device d, struct raw_gpu *g) {
    static const unsigned versions[] = {NVML_FABRIC_V3, NVML_FABRIC_V2};
    for (unsigned i = 0; l->fabric_v && i < 2; i++) {
        struct nvml_fabric f = {.version = versions[i]};
        g->fabric.rc = note(g, l->fabric_v(d, &f));
        if (g->fabric.rc == NVML_SUCCESS) {
            keep_fabric(g, &f, 3 - i);
        }
        if (g->fabric.rc != NVML_ARGUMENT_VERSION_MISMATCH) {
            return;
        }
    }
    if (l->fabric) {
        struct nvml_fabric_v1 old = {.status = 0};
        g->fabric.rc = note(g, l->fabric(d, &old));
        if (g->fabric.rc == NVML_SUCCESS) {
            struct nvml_fabric f = {.status = old.status, .clique = old.clique, .state = old.state};
            memcpy(f.uuid, old.uuid, sizeof f.uuid);
            keep_fabric(g, &f, 1);
        }
    }
}

static uint64_t field_number(const struct nvml_field_value *v, int16_t *rc) {
    switch (v->value_type) {
    case NVML_UINT:
        return v->value.ui;
    case NVML_ULONG:
        return v->value.ul;
    case NVML_ULLONG:
        return v->value.ull;
    case NVML_USHORT:
        return v->value.us;
    case NVML_INT:
        return v->value.i > 0 ? (uint64_t)v->value.i : 0;
    case NVML_LLONG:
        return v->value.ll > 0 ? (uint64_t)v->value.ll : 0;
    default:
        *rc = NVML_UNKNOWN;
        return 0;
    }
}

static void ask_fields(const struct nvml *l, nvml_device d, struct raw_gpu *g) {
    static const unsigned ids[RAW_FIELD_COUNT] = {[FIELD_SPEED_MBPS] = NVML_FI_SPEED_COMMON,
                                                  [FIELD_SWITCH_LINKS] = NVML_FI_SWITCH_LINKS,
                                                  [FIELD_C2C_LINKS] = NVML_FI_C2C_LINKS,
                                                  [FIELD_CRC_ERRORS] = NVML_FI_CRC_DATA_TOTAL,
                                                  [FIELD_REPLAYS] = NVML_FI_REPLAY_TOTAL,
                                                  [FIELD_RECOVERIES] = NVML_FI_RECOVERY_TOTAL,
                                                  [FIELD_RECOVERY_ACTION] =
                                                      NVML_FI_RECOVERY_ACTION};
    struct nvml_field_value v[RAW_FIELD_COUNT];
    memset(v, 0, sizeof v);
    for (unsigned i = 0; i < RAW_FIELD_COUNT; i++) {
        v[i].field_id = ids[i];
        v[i].rc = NVML_UNKNOWN; /* a driver that skips one leaves no zero that looks like success */
    }
    int16_t rc = note(g, l->fields(d, RAW_FIELD_COUNT, v));
    for (unsigned i = 0; i < RAW_FIELD_COUNT; i++) {
        g->field[i].rc = rc == NVML_SUCCESS ? note(g, v[i].rc) : rc;
        if (g->field[i].rc == NVML_SUCCESS) {
            g->field[i].value = field_number(&v[i], &g->field[i].rc);
        }
    }
}

static void ask_processes(const struct nvml *l, nvml_device d, unsigned gpu,
                          struct raw_facts *out) {
    struct nvml_process list[RAW_PROCESS_MAX];
    memset(list, 0, sizeof list);
    unsigned n = RAW_PROCESS_MAX;
    struct raw_gpu *g = &out->gpu[gpu];
    /* One place for each GPU that is still to be asked: it must not look idle for a crowd here. */
    unsigned room = RAW_PROCESS_MAX - (out->n - gpu - 1U);
    g->processes_rc = note(g, l->processes(d, &n, list));
    if (g->processes_rc == NVML_INSUFFICIENT_SIZE && out->n_processes < room) {
        out->process[out->n_processes++] = (struct gpu_process){.gpu = (uint8_t)gpu};
    }
    if (g->processes_rc != NVML_SUCCESS) {
        out->more_processes = out->more_processes || g->processes_rc != NVML_NOT_SUPPORTED;
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        if (i >= RAW_PROCESS_MAX || out->n_processes >= room) {
            out->more_processes = true;
            return;
        }
        bool told = list[i].memory != ~0ULL;
        out->process[out->n_processes++] =
            (struct gpu_process){list[i].pid, (uint8_t)gpu, told ? list[i].memory : 0};
    }
}

/* ---- everything ---- */

static void clear_gpu(struct raw_gpu *g) {
    memset(g, 0, sizeof *g);
    g->pci_rc = g->memory_rc = g->numa_rc = g->mig_rc = g->processes_rc = RC_NOT_ASKED;
    g->fabric.rc = RC_NOT_ASKED;
    g->numa = -1;
    g->n_links = 1;
    for (unsigned k = 0; k < LANES_MAX; k++) {
        g->link[k].state_rc = g->link[k].remote_rc = g->link[k].type_rc = RC_NOT_ASKED;
        g->link[k].type = REMOTE_UNKNOWN;
    }
    for (unsigned k = 0; k < RAW_FIELD_COUNT; k++) {
        g->field[k].rc = RC_NOT_ASKED;
    }
}

static void ask_gpu(struct nvml *l, const struct nvml_progress *p, unsigned at,
                    struct raw_facts *out) {
    struct raw_gpu *g = &out->gpu[at];
    clear_gpu(g);
    p->tell(p->ctx, at, "handle");
    l->device[at] = NULL;
    g->handle_rc = note(g, l->handle(at, &l->device[at]));
    nvml_device d = l->device[at];
    if (g->handle_rc != NVML_SUCCESS) {
        l->device[at] = NULL;
        return;
    }
    p->tell(p->ctx, at, "identity");
    ask_identity(l, d, g);
    p->tell(p->ctx, at, "links");
    ask_links(l, d, g);
    if (!g->lost_rc) {
        p->tell(p->ctx, at, "fabric");
        ask_fabric(l, d, g);
    }
    if (!g->lost_rc && l->fields) {
        p->tell(p->ctx, at, "fields");
        ask_fields(l, d, g);
    }
    if (!g->lost_rc && l->processes) {
        p->tell(p->ctx, at, "processes");
        ask_processes(l, d, at, out);
    }
}

static bool is_there(const struct nvml *l, const struct raw_facts *out, unsigned at) {
    return l->device[at] && !out->gpu[at].lost_rc;
}

static bool is_loss(int rc) {
    return rc == NVML_GPU_IS_LOST || rc == NVML_RESET_REQUIRED;
}

/* The code of a call about two GPUs. A loss may be either's: each is asked about itself. */
static int16_t note_pair(const struct nvml *l, unsigned a, unsigned b, struct raw_facts *out,
                         int rc) {
    const unsigned both[] = {a, b};
    struct nvml_memory memory;
    struct raw_gpu nobody = {0};
    for (unsigned i = 0; is_loss(rc) && l->memory && i < 2; i++) {
        (void)note(&out->gpu[both[i]], l->memory(l->device[both[i]], &memory));
    }
    return note(&nobody, rc);
}

static void ask_pair(const struct nvml *l, unsigned a, unsigned b, struct raw_facts *out) {
    struct raw_pair *pair = &out->pair[a][b];
    int level = 0;
    int p2p = 0;
    pair->level_rc = pair->p2p_rc = RC_NOT_ASKED;
    if (a == b || !is_there(l, out, a) || !is_there(l, out, b)) {
        return;
    }
    if (l->level) {
        pair->level_rc = note_pair(l, a, b, out, l->level(l->device[a], l->device[b], &level));
        pair->level = (uint8_t)(level < 0 || level > UINT8_MAX ? UINT8_MAX : level);
    }
    if (l->p2p) {
        pair->p2p_rc =
            note_pair(l, a, b, out, l->p2p(l->device[a], l->device[b], NVML_P2P_NVLINK, &p2p));
        pair->p2p = (uint8_t)(p2p < 0 || p2p > UINT8_MAX ? UINT8_MAX : p2p);
    }
}

bool nvml_ask(struct nvml *l, const struct nvml_progress *p, struct raw_facts *out, struct err *e) {
    char driver[80] = {0};
    unsigned n = 0;
    memset(out, 0, sizeof *out);
    p->tell(p->ctx, 0, "driver");
    if (l->driver && l->driver(driver, sizeof driver) == NVML_SUCCESS) {
        keep_text(out->driver, sizeof out->driver, driver, sizeof driver);
    }
    int rc = l->count(&n);
    if (rc != NVML_SUCCESS) {
        return err_set(e, ERR_UNKNOWN, "NVML does not count the GPUs: %s", nvml_code_name(rc));
    }
    out->more_gpus = n > GPU_MAX;
    out->n = (uint8_t)(n > GPU_MAX ? GPU_MAX : n);
    for (unsigned i = 0; i < out->n; i++) {
        ask_gpu(l, p, i, out);
    }
    for (unsigned i = 0; i < out->n; i++) {
        p->tell(p->ctx, i, "pairs");
        for (unsigned j = 0; j < out->n; j++) {
            ask_pair(l, i, j, out);
        }
    }
    return true;
}
