/* A node's record -> what decisions see. */
#include <stdlib.h>

#include "webhook/cluster/content.h"

/* A pod named in a report but not in our books is believed as long as we have not seen it go, move
 * or end. */
static bool is_claim(const struct content *c, const struct held_rec *h, const char *besides) {
    if (h->gone || (!h->unassigned && index_find(&c->pod_index, span_of(h->key)) != INDEX_NONE)) {
        return false;
    }
    if (!h->unassigned || !h->pod) {
        return true;
    }
    /* In use beside what the pod has been given, as long as there is the pod. */
    uint32_t at = index_find(&c->pod_index, span_of(h->pod));
    bool ended = at != INDEX_NONE && content_pod(c, at)->ended;
    return !ended && !(besides && strcmp(besides, h->pod) == 0);
}

void content_occupancy(const struct content *c, const struct node_rec *r, const struct topo *t,
                       const struct extra_claims *extra, struct occupancy *out) {
    const char *besides = extra ? extra->besides : NULL;
    *out = occupancy_new();
    for (uint32_t i = r->first_pod; i != INDEX_NONE; i = content_pod(c, i)->next) {
        const struct pod_rec *p = content_pod(c, i);
        const struct held_rec *h = content_held(r, p->key);
        struct claim claim = {.who = span_of(p->key),
                              .kind = p->kind,
                              .gpus = p->gpus,
                              .named = p->named,
                              .plan = p->plan,
                              .report = h && !h->gone ? h->grip : NULL};
        if (!p->ended && !(besides && strcmp(besides, p->key) == 0)) {
            occupancy_add(out, t, r->gpus, &claim);
        }
    }
    for (uint32_t i = 0; i < r->n_held; i++) {
        const struct held_rec *h = &r->held[i];
        struct claim claim = {.who = span_of(h->key), .report = h->grip};
        if (is_claim(c, h, besides)) {
            occupancy_add(out, t, r->gpus, &claim);
        }
    }
    for (unsigned i = 0; extra && i < extra->n; i++) {
        occupancy_add(out, t, r->gpus, &extra->claim[i]);
    }
    occupancy_end(out, t, r->gpus);
}

static const struct topo *wiring_of(struct content *c, const struct node_rec *r,
                                    const struct policy *policy) {
    if (!r->packed) {
        return NULL;
    }
    topo_unpack(r->packed, &c->topo);
    struct health_rules rules = {.cordoned = r->cordoned, .allow_degraded = policy->allow_degraded};
    health_judge(&c->topo, &rules, &c->health);
    return &c->topo;
}

static struct node_view view_of(const struct content *c, const struct node_rec *r,
                                const struct topo *t) {
    return (struct node_view){.name = node_rec_name(r),
                              .topo_state = r->topo_state,
                              .schedulable = r->schedulable,
                              .gpus = r->gpus,
                              .topo = t,
                              .heartbeat_at = r->heartbeat_at,
                              .health = t ? &c->health : NULL};
}

void content_view(struct content *c, uint32_t at, const struct policy *policy,
                  struct node_view *out) {
    struct node_rec *r = content_node(c, at);
    const struct topo *t = wiring_of(c, r, policy);
    if (r->recount) {
        struct occupancy o;
        content_occupancy(c, r, t, NULL, &o);
        r->busy = o.busy;
        r->planned = o.planned;
        r->used = o.used;
        r->pending = o.pending;
        r->recount = false;
    }
    *out = view_of(c, r, t);
    out->busy = r->busy;
    out->planned = r->planned;
    out->used = r->used;
    out->pending = r->pending;
}

void content_view_wiring(struct content *c, uint32_t at, const struct policy *policy,
                         struct node_view *out) {
    const struct node_rec *r = content_node(c, at);
    *out = view_of(c, r, wiring_of(c, r, policy));
}

void content_view_with(struct content *c, uint32_t at, const struct policy *policy,
                       const struct extra_claims *extra, struct node_view *out) {
    const struct node_rec *r = content_node(c, at);
    const struct topo *t = wiring_of(c, r, policy);
    struct occupancy o;
    content_occupancy(c, r, t, extra, &o);
    *out = view_of(c, r, t);
    out->busy = o.busy;
    out->planned = o.planned;
    out->used = o.used;
    out->pending = o.pending;
}

struct named {
    struct span name;
    uint32_t at;
};

static int by_name(const void *a, const void *b) {
    const struct named *x = a;
    const struct named *y = b;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int c = memcmp(x->name.p, y->name.p, n);
    return c ? c : x->name.n < y->name.n ? -1 : x->name.n > y->name.n;
}

bool content_sort(struct content *c) {
    if (c->order) {
        return true;
    }
    uint32_t cap = pool_used(&c->nodes);
    struct named *list = calloc(cap ? cap : 1, sizeof *list);
    uint32_t *order = calloc(cap ? cap : 1, sizeof *order);
    if (!list || !order) {
        free(list);
        free(order);
        return false;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->nodes.n; i++) {
        const struct node_rec *r = content_node(c, i);
        if (r->known) {
            list[n++] = (struct named){node_rec_name(r), i};
        }
    }
    qsort(list, n, sizeof *list, by_name);
    for (uint32_t i = 0; i < n; i++) {
        order[i] = list[i].at;
    }
    free(list);
    c->order = order;
    c->n_order = n;
    return true;
}
