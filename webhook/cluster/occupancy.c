#include "webhook/cluster/occupancy.h"

struct occupancy occupancy_new(void) {
    return (struct occupancy){0};
}

/* CUDA takes the beginning of a UUID for the whole. Where several GPUs begin so, all of them may be
 * meant. */
static struct gpuset find_uuid(const struct topo *t, const char *uuid) {
    struct gpuset found = gpuset_none();
    size_t n = strnlen(uuid, GPU_UUID_MAX);
    for (unsigned i = 0; n && i < t->n; i++) {
        if (strncmp(t->gpu[i].uuid, uuid, n) == 0) {
            found = gpuset_with(found, i);
        }
    }
    return found;
}

static bool knows_uuids(const struct topo *t) {
    for (unsigned i = 0; i < t->n; i++) {
        if (!t->gpu[i].uuid[0]) {
            return false;
        }
    }
    return true;
}

/* Slices live on GPUs in MIG mode, which no whole-GPU pod gets anyway. */
static bool is_slice(const struct pin_entry *p) {
    return strncmp(p->uuid, "MIG-", 4) == 0;
}

struct found {
    struct gpuset set;
    uint32_t lost;      /* named, but not to be found on this node */
    uint32_t lost_uuid; /* ... by UUID */
};

static struct found find_all(const struct topo *t, const struct grip *g) {
    struct found f = {0};
    for (unsigned i = 0; i < g->n; i++) {
        const struct pin_entry *p = &g->gpu[i];
        if (is_slice(p)) {
            continue;
        }
        struct gpuset one = gpuset_none();
        if (t && p->index >= 0) {
            int at = topo_find_index(t, (unsigned)p->index);
            one = at < 0 ? one : gpuset_one((unsigned)at);
        } else if (t) {
            one = find_uuid(t, p->uuid);
        }
        f.set = gpuset_or(f.set, one);
        f.lost += gpuset_empty(one);
        f.lost_uuid += gpuset_empty(one) && p->index < 0;
    }
    return f;
}

static void own(struct occupancy *o, struct gpuset set, struct span who) {
    struct gpuset fresh = gpuset_minus(set, o->busy);
    for (unsigned i = gpuset_next(fresh, 0); i < GPU_MAX; i = gpuset_next(fresh, i + 1)) {
        o->owner[i] = who;
    }
    o->busy = gpuset_or(o->busy, set);
}

static void plan(struct occupancy *o, struct gpuset set, struct span who) {
    struct gpuset fresh = gpuset_minus(set, gpuset_or(o->busy, o->planned));
    for (unsigned i = gpuset_next(fresh, 0); i < GPU_MAX; i = gpuset_next(fresh, i + 1)) {
        o->owner[i] = who;
    }
    o->planned = gpuset_or(o->planned, set);
}

/* More pods than a node can have GPUs: the last entry takes them all up. */
static void wait_for(struct fit_pending *p, uint32_t gpus) {
    if (gpus && p->n < GPU_MAX) {
        p->size[p->n++] = (unsigned char)(gpus < GPU_MAX ? gpus : GPU_MAX);
    } else if (gpus) {
        p->size[p->n - 1] = GPU_MAX;
    }
}

void occupancy_add(struct occupancy *o, const struct topo *t, uint32_t offered,
                   const struct claim *c) {
    struct found f = {0};
    uint32_t loose = 0;
    o->asked += c->gpus;
    if (c->report) {
        f = find_all(t, c->report);
        loose = f.lost;
    } else if (c->kind == CLAIM_NAMED) {
        f = find_all(t, c->named);
        /* A pin names what is there or the container does not start; only where the node's own
         * names are not known it may be any. */
        loose = !t ? f.lost : knows_uuids(t) ? 0 : f.lost_uuid;
    } else if (c->kind == CLAIM_ALL) {
        f.set = t ? gpuset_first(t->n) : gpuset_none();
        loose = t ? 0 : offered;
    }
    uint32_t known = gpuset_count(f.set);
    if (!c->report && c->plan && t) {
        plan(o, find_all(t, c->plan).set, c->who);
    }
    if (c->gpus > known && c->gpus - known > loose) {
        loose = c->gpus - known; /* asked for more than is told so far */
    }
    own(o, f.set, c->who);
    o->loose += loose;
    wait_for(&o->pending, loose);
}

void occupancy_end(struct occupancy *o, const struct topo *t, uint32_t offered) {
    uint32_t told = gpuset_count(o->busy) + o->loose;
    o->used = o->asked > told ? o->asked : told;
    /* GPUs that the kubelet does not offer (the device plugin hides sick ones): nobody says which
     * these are, so any free one may be. */
    for (uint32_t hidden = t && t->n > offered ? t->n - offered : 0; hidden > 0; hidden--) {
        wait_for(&o->pending, 1);
    }
}
