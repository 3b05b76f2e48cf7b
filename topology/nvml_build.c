/* Answers -> wiring. What a driver says is not believed where it contradicts itself: then the wire
 * is unknown. */
#include <stdio.h>
#include <string.h>

#include "topology/buf.h"
#include "topology/nvml.h"
#include "topology/nvml_abi.h"
#include "topology/product.h"
#include "topology/smi.h"

/* What is counted before wires are drawn. */
struct count {
    const struct product *product;
    bool gone;               /* lost, or not to be had: no link of it carries anything */
    bool untold;             /* link states that nobody told, and no word where they lead */
    unsigned on;             /* links up */
    unsigned switched;       /* links up that lead to NVSwitch */
    uint8_t to[GPU_MAX];     /* links up that lead to this GPU */
    uint8_t fitted[GPU_MAX]; /* ... up or not */
    bool unsure[GPU_MAX];    /* a link there whose state nobody told */
};

struct work {
    const struct raw_facts *f;
    struct topo t;
    struct count c[GPU_MAX];
};

static bool same_pci(const struct raw_pci *a, const struct raw_pci *b) {
    return a->domain == b->domain && a->bus == b->bus && a->device == b->device;
}

static int find_pci(const struct raw_facts *f, const struct raw_pci *pci) {
    for (int i = 0; i < f->n; i++) {
        if (f->gpu[i].pci_rc == NVML_SUCCESS && same_pci(&f->gpu[i].pci, pci)) {
            return i;
        }
    }
    return -1;
}

/* ---- the GPUs ---- */

/* Off the bus, or stopped until a reset: no link of it is up. A handle that is refused for another
 * reason says nothing of the links. */
static bool is_gone(const struct raw_gpu *g) {
    return g->lost_rc != 0;
}

static const char *recovery_text(uint64_t action) {
    static const char *const texts[] = {NULL,
                                        "the driver asks for a GPU reset",
                                        "the driver asks for a reboot",
                                        "the driver asks to drain its peers",
                                        "the driver asks to drain and reset it",
                                        "the driver asks for a recovery of the NVLink domain"};
    return action < sizeof texts / sizeof *texts ? texts[action] : "the driver asks for a recovery";
}

static void set_fault(const struct raw_gpu *g, struct gpu *out) {
    const struct raw_value *action = &g->field[FIELD_RECOVERY_ACTION];
    int rc = g->lost_rc ? g->lost_rc : g->handle_rc;
    if (rc) {
        (void)snprintf(out->fault, sizeof out->fault, "%s", nvml_code_name(rc));
    } else if (action->rc == NVML_SUCCESS && action->value) {
        (void)snprintf(out->fault, sizeof out->fault, "%s", recovery_text(action->value));
    }
}

/* Two bits of the mask: 1 is bad, 2 is good, 0 and 3 are no word. */
static bool mask_says_bad(uint32_t mask, unsigned shift) {
    return ((mask >> shift) & 3U) == 1;
}

static bool fabric_is_unhealthy(const struct raw_fabric *f) {
    unsigned configuration = (f->health >> 8) & 15U; /* 0 no word, 1 none wrong */
    return mask_says_bad(f->health, 0) || mask_says_bad(f->health, 2) ||
           mask_says_bad(f->health, 4) || mask_says_bad(f->health, 6) || configuration > 1 ||
           f->summary == 2 || f->summary == 3;
}

static enum fabric_state fabric_of(const struct raw_fabric *f) {
    if (f->rc == NVML_NOT_SUPPORTED || (f->rc == NVML_SUCCESS && f->state == 0)) {
        return FABRIC_NONE;
    }
    if (f->rc != NVML_SUCCESS || f->state > 3) {
        return FABRIC_UNKNOWN;
    }
    if (f->state < 3) {
        return f->state == 1 ? FABRIC_NOT_STARTED : FABRIC_IN_PROGRESS;
    }
    return f->status != NVML_SUCCESS || fabric_is_unhealthy(f) ? FABRIC_FAILED : FABRIC_COMPLETED;
}

static void fill_gpu(const struct raw_gpu *g, struct gpu *out) {
    memcpy(out->uuid, g->uuid, sizeof out->uuid);
    memcpy(out->product, g->name, sizeof out->product);
    if (g->pci_rc == NVML_SUCCESS) {
        (void)snprintf(out->pci, sizeof out->pci, "%08X:%02X:%02X.0", g->pci.domain,
                       g->pci.bus & 0xffU, g->pci.device & 0xffU);
    }
    uint64_t mib = g->memory_rc == NVML_SUCCESS ? g->memory_bytes >> 20 : 0;
    out->memory_mib = (uint32_t)(mib > UINT32_MAX ? 0 : mib);
    out->numa = g->numa_rc == NVML_SUCCESS ? g->numa : (int16_t)-1;
    /* A product without MIG says "not supported", which is as good as off. */
    out->mig = (uint8_t)(g->mig_rc == NVML_SUCCESS         ? (g->mig ? TRI_YES : TRI_NO)
                         : g->mig_rc == NVML_NOT_SUPPORTED ? TRI_NO
                                                           : TRI_UNKNOWN);
    out->fabric = (uint8_t)fabric_of(&g->fabric);
    set_fault(g, out);
}

/* ---- their links ---- */

static bool is_no_link(const struct raw_link *k) {
    return k->state_rc == NVML_NOT_SUPPORTED || k->state_rc == NVML_INVALID_ARGUMENT;
}

/* A link that is up and leads to nobody of this node: the other end is a switch, unless the driver
 * calls it a GPU (of another container's view) or the product is never used with a switch. Behind
 * virtual machines switches have no address, and drivers before 470 do not tell the type. */
static bool leads_to_switch(const struct count *c, const struct raw_link *k) {
    if (k->type_rc == NVML_SUCCESS && k->type != REMOTE_UNKNOWN) {
        return k->type == REMOTE_SWITCH;
    }
    return c->product && c->product->build == NVLINK_SWITCH;
}

static void count_link(const struct work *w, const struct raw_link *k, struct count *c) {
    int peer = k->remote_rc == NVML_SUCCESS ? find_pci(w->f, &k->remote) : -1;
    bool told = k->state_rc == NVML_SUCCESS;
    c->on += told && k->active;
    if (peer >= 0) {
        c->fitted[peer]++;
        c->to[peer] = (uint8_t)(c->to[peer] + (told && k->active));
        c->unsure[peer] = c->unsure[peer] || !told;
    } else if (!told) {
        c->untold = true;
    } else if (k->active) {
        c->switched += leads_to_switch(c, k);
    }
}

static void count_links(const struct work *w, unsigned i, struct count *c) {
    const struct raw_gpu *g = &w->f->gpu[i];
    memset(c, 0, sizeof *c);
    c->product = product_find(span_of(g->name));
    c->gone = is_gone(g);
    for (unsigned k = 0; k < g->n_links && !c->gone; k++) {
        if (!is_no_link(&g->link[k])) {
            count_link(w, &g->link[k], c);
        }
    }
}

static void fill_links(const struct work *w, unsigned i, struct gpu_links *out) {
    const struct raw_gpu *g = &w->f->gpu[i];
    const struct count *c = &w->c[i];
    bool none = g->n_links == 1 && is_no_link(&g->link[0]);
    bool can = c->product && c->product->build != NVLINK_NONE;
    bool untold = false;
    unsigned listed = 0;
    for (unsigned k = 0; k < g->n_links; k++) {
        untold = untold || (!is_no_link(&g->link[k]) && g->link[k].state_rc != NVML_SUCCESS);
        listed += g->link[k].state_rc == NVML_SUCCESS;
    }
    memset(out, 0, sizeof *out);
    if (c->gone || untold) {
        out->state = LINKS_UNKNOWN;
    } else if (c->on == 0 && (none || c->product) && !can) {
        out->state = LINKS_NONE; /* the driver says so, or the product has none that could be up */
    } else if (c->on == 0) {
        out->state = LINKS_ALL_INACTIVE;
    } else {
        const struct raw_value *speed = &g->field[FIELD_SPEED_MBPS];
        bool fits = speed->rc == NVML_SUCCESS && speed->value <= UINT32_MAX;
        *out = (struct gpu_links){LINKS_LISTED, (uint8_t)c->on, (uint8_t)listed,
                                  fits ? (uint32_t)speed->value : 0};
    }
}

/* ---- the wires ---- */

/* The level below, for a pair without NVLink. Where the driver does not tell it: SYS, the slowest,
 * promises nothing. */
static struct wire pcie_wire(const struct raw_facts *f, unsigned i, unsigned j) {
    const struct raw_pair *p =
        f->pair[i][j].level_rc == NVML_SUCCESS ? &f->pair[i][j] : &f->pair[j][i];
    enum wire_kind kind = WIRE_SYS;
    if (p->level_rc == NVML_SUCCESS) {
        kind = p->level <= 10   ? WIRE_PIX
               : p->level <= 20 ? WIRE_PXB
               : p->level <= 30 ? WIRE_PHB
               : p->level <= 40 ? WIRE_NODE
                                : WIRE_SYS;
    }
    return (struct wire){(uint8_t)kind, 0};
}

/* Partitions of a fabric: GPUs in different ones do not reach each other. */
static bool apart(const struct raw_facts *f, unsigned i, unsigned j) {
    const struct raw_fabric *a = &f->gpu[i].fabric;
    const struct raw_fabric *b = &f->gpu[j].fabric;
    bool told = a->rc == NVML_SUCCESS && b->rc == NVML_SUCCESS && a->state == 3 && b->state == 3;
    return told &&
           (a->clique != b->clique || memcmp(a->cluster, b->cluster, sizeof a->cluster) != 0);
}

static unsigned lanes_by_switch(const struct work *w, unsigned i, unsigned j) {
    unsigned a = w->c[i].switched;
    unsigned b = w->c[j].switched;
    return apart(w->f, i, j) ? 0 : a < b ? a : b;
}

/* Links up, and yet the driver says that peers cannot use NVLink. With MIG or an unfinished fabric
 * that is as it should be, and blocks the GPU anyway. */
static bool contradicts(const struct work *w, unsigned i, unsigned j) {
    const struct raw_pair *p = &w->f->pair[i][j];
    const struct gpu *a = &w->t.gpu[i];
    const struct gpu *b = &w->t.gpu[j];
    bool plain = a->mig != TRI_YES && b->mig != TRI_YES &&
                 (a->fabric == FABRIC_NONE || a->fabric == FABRIC_COMPLETED ||
                  a->fabric == FABRIC_UNKNOWN) &&
                 a->fabric == b->fabric;
    return plain && p->p2p_rc == NVML_SUCCESS && p->p2p >= 1 && p->p2p <= 5;
}

/* What GPU i says of j. */
static struct wire wire_of(const struct work *w, unsigned i, unsigned j) {
    const struct count *c = &w->c[i];
    unsigned lanes = c->to[j] + lanes_by_switch(w, i, j);
    bool none = c->product && c->product->build == NVLINK_NONE;
    if (c->gone || w->c[j].gone) {
        return pcie_wire(w->f, i, j);
    }
    if (((c->untold || c->unsure[j]) && !none) || lanes > LANES_MAX) {
        return (struct wire){WIRE_UNKNOWN, 0};
    }
    if (lanes == 0) {
        return pcie_wire(w->f, i, j);
    }
    return contradicts(w, i, j) ? (struct wire){WIRE_UNKNOWN, 0}
                                : (struct wire){WIRE_NVLINK, (uint8_t)lanes};
}

/* A link that is down, and whose other end is still told, was fitted once. Both ends have to agree:
 * one alone may be an old register. */
static void expect_fitted(struct work *w, unsigned i, unsigned j) {
    unsigned a = w->c[i].fitted[j];
    unsigned b = w->c[j].fitted[i];
    unsigned lanes = a == b && a <= LANES_MAX ? a : 0;
    bool more = w->t.expected[i][j] == EXPECTED_UNKNOWN || w->t.expected[i][j] < lanes;
    if (lanes && more) {
        topo_set_expected(&w->t, i, j, lanes);
    }
}

static bool through_switch(const struct raw_facts *f) {
    for (unsigned i = 0; i < f->n; i++) {
        const struct raw_value *links = &f->gpu[i].field[FIELD_SWITCH_LINKS];
        if (links->rc == NVML_SUCCESS && links->value) {
            return true;
        }
        for (unsigned k = 0; k < f->gpu[i].n_links; k++) {
            const struct raw_link *l = &f->gpu[i].link[k];
            if (l->type_rc == NVML_SUCCESS && l->type == REMOTE_SWITCH) {
                return true;
            }
        }
    }
    return false;
}

static void draw_wires(struct work *w) {
    unsigned switched = 0;
    for (unsigned i = 0; i < w->t.n; i++) {
        switched += w->c[i].switched;
        for (unsigned j = 0; j < w->t.n; j++) {
            if (i != j) {
                w->t.wire[i][j] = wire_of(w, i, j);
            }
        }
    }
    w->t.nvswitch = switched > 0 || through_switch(w->f);
    smi_expect(&w->t);
    for (unsigned i = 0; i < w->t.n; i++) {
        for (unsigned j = i + 1; j < w->t.n; j++) {
            expect_fitted(w, i, j);
        }
    }
}

/* A stand-in or a cloned board may give one UUID to several: then it names none. */
static void drop_doubled_uuids(struct topo *t) {
    bool doubled[GPU_MAX] = {false};
    for (unsigned i = 0; i < t->n; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (t->gpu[i].uuid[0] && strcmp(t->gpu[i].uuid, t->gpu[j].uuid) == 0) {
                doubled[i] = doubled[j] = true;
            }
        }
    }
    for (unsigned i = 0; i < t->n; i++) {
        if (doubled[i]) {
            memset(t->gpu[i].uuid, 0, sizeof t->gpu[i].uuid);
        }
    }
}

bool facts_build(const struct raw_facts *f, struct topo *out, struct err *e) {
    struct work w;
    if (f->n == 0) {
        return err_set(e, ERR_UNKNOWN, "the NVIDIA driver knows no GPU on this node");
    }
    if (f->more_gpus) {
        return err_set(e, ERR_UNKNOWN, "the NVIDIA driver counts more than %d GPUs", GPU_MAX);
    }
    memset(&w, 0, sizeof w);
    w.f = f;
    topo_init(&w.t, f->n);
    memcpy(w.t.driver, f->driver, sizeof w.t.driver);
    (void)snprintf(w.t.source, sizeof w.t.source, "nvml");
    for (unsigned i = 0; i < f->n; i++) {
        fill_gpu(&f->gpu[i], &w.t.gpu[i]);
        count_links(&w, i, &w.c[i]);
        fill_links(&w, i, &w.t.gpu[i].links);
    }
    drop_doubled_uuids(&w.t);
    draw_wires(&w);
    *out = w.t;
    return true;
}
