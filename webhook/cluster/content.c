#include "webhook/cluster/content.h"

#include <stdlib.h>

#include "webhook/cluster/cluster.h"

#define SCRATCH_MAX    ((size_t)32 * 1024 * 1024)
#define NAMESPACES_MAX 50000
#define COMPLAINTS_MAX 2048

static struct span name_of_node(const void *owner, uint32_t at) {
    return node_rec_name(content_node(owner, at));
}

static struct span name_of_pod(const void *owner, uint32_t at) {
    return span_of(content_pod(owner, at)->key);
}

static struct namespace_rec *namespace_at(const struct content *c, uint32_t at) {
    return pool_at(&c->namespaces, at);
}

static struct span name_of_namespace(const void *owner, uint32_t at) {
    return span_of(namespace_at(owner, at)->name);
}

struct content *content_new(bool exact) {
    struct content *c = calloc(1, sizeof *c);
    if (!c) {
        return NULL;
    }
    c->nodes = pool_new(sizeof(struct node_rec), CLUSTER_NODES_MAX);
    c->pods = pool_new(sizeof(struct pod_rec), CLUSTER_PODS_MAX);
    c->waiting = pool_new(sizeof(struct waiting_rec), CLUSTER_PODS_MAX);
    c->namespaces = pool_new(sizeof(struct namespace_rec), NAMESPACES_MAX);
    c->node_index = index_new(name_of_node, c);
    c->pod_index = index_new(name_of_pod, c);
    c->waiting_index = index_new(content_waiting_name, c);
    c->namespace_index = index_new(name_of_namespace, c);
    c->next_gen = 1;
    c->exact = exact;
    c->scratch = arena_new(SCRATCH_MAX);
    return c;
}

static void free_wiring(struct node_rec *r) {
    free(r->packed);
    free(r->problem);
    free(r->complaints);
    r->packed = NULL;
    r->problem = NULL;
    r->complaints = NULL;
    r->topo_state = NODE_TOPO_MISSING;
}

void content_free(struct content *c) {
    if (!c) {
        return;
    }
    for (uint32_t i = 0; i < c->nodes.n; i++) {
        struct node_rec *r = content_node(c, i);
        free_wiring(r);
        content_drop_report(r);
        free(r->shown);
        free(r->place);
        free(r->name);
    }
    for (uint32_t i = 0; i < c->pods.n; i++) {
        free(content_pod(c, i)->key);
        free(content_pod(c, i)->named);
        free(content_pod(c, i)->plan);
        free(content_pod(c, i)->group);
    }
    content_free_waiting(c);
    for (uint32_t i = 0; i < c->namespaces.n; i++) {
        free(namespace_at(c, i)->name);
        free(namespace_at(c, i)->bad);
    }
    pool_done(&c->nodes);
    pool_done(&c->pods);
    pool_done(&c->namespaces);
    index_done(&c->node_index);
    index_done(&c->pod_index);
    index_done(&c->namespace_index);
    arena_done(&c->scratch);
    free(c->order);
    free(c);
}

bool content_fail_memory(struct err *e) {
    return err_set(e, ERR_INTERNAL, "no memory for the cluster's objects");
}

char *content_copy(struct span s) {
    char *p = malloc(s.n + 1);
    if (p) {
        if (s.n) {
            memcpy(p, s.p, s.n);
        }
        p[s.n] = '\0';
    }
    return p;
}

void content_touch(struct content *c, struct node_rec *r) {
    r->gen = c->next_gen++;
    r->recount = true;
}

bool content_node_for(struct content *c, struct span name, uint32_t *at, struct err *e) {
    uint32_t found = index_find(&c->node_index, name);
    if (found != INDEX_NONE) {
        *at = found;
        return true;
    }
    if (name.n == 0 || name.n >= NODE_NAME_MAX || memchr(name.p, 0, name.n)) {
        return err_set(e, ERR_INPUT, "wants a node name of 1 to %d characters, found %zu",
                       NODE_NAME_MAX - 1, name.n);
    }
    bool full;
    if (!pool_take(&c->nodes, &found, &full)) {
        return full ? err_set(e, ERR_TOO_LARGE, "more than %d nodes", CLUSTER_NODES_MAX)
                    : content_fail_memory(e);
    }
    struct node_rec *r = content_node(c, found);
    r->name = content_copy(name);
    r->name_n = (uint16_t)name.n;
    r->source = "";
    r->first_pod = INDEX_NONE;
    if (!r->name || !index_add(&c->node_index, found)) {
        free(r->name);
        pool_give(&c->nodes, found);
        return content_fail_memory(e);
    }
    content_touch(c, r);
    *at = found;
    return true;
}

void content_node_release(struct content *c, uint32_t at) {
    struct node_rec *r = content_node(c, at);
    if (r->known || r->first_pod != INDEX_NONE || r->heartbeat_at) {
        return;
    }
    index_remove(&c->node_index, at);
    free(r->name);
    pool_give(&c->nodes, at);
}

static uint64_t hash_more(const struct content *c, uint64_t so_far, struct span s) {
    uint64_t parts[3] = {so_far, s.p ? 1 : 0, name_hash(&c->node_index.seed, s)};
    return name_hash(&c->node_index.seed, (struct span){(const char *)parts, sizeof parts});
}

/* Of everything a node is built from: kubelets write their Node every few minutes and change
 * nothing that matters here. */
static uint64_t hash_inputs(const struct content *c, const struct node_object *n) {
    uint32_t numbers[4] = {n->unschedulable, n->gpus_known, n->gpus, n->gfd_count};
    uint64_t h = hash_more(c, 0, (struct span){(const char *)numbers, sizeof numbers});
    const struct span *texts[] = {&n->product,    &n->topology,    &n->smi_topo,
                                  &n->smi_nvlink, &n->allocations, &n->cordoned};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        h = hash_more(c, h, *texts[i]);
    }
    return h ? h : 1;
}

/* New wiring beside the old: nothing is lost when memory ends. */
static bool set_wiring(struct node_rec *r, const struct node_wiring *w, struct err *e) {
    void *packed = NULL;
    char *problem = NULL;
    if (w->state == NODE_TOPO_OK) {
        packed = malloc(topo_packed_size(&w->topo));
    }
    if (w->problem[0]) {
        problem = content_copy(span_of(w->problem));
    }
    if ((w->state == NODE_TOPO_OK && !packed) || (w->problem[0] && !problem)) {
        free(packed);
        free(problem);
        return content_fail_memory(e);
    }
    free_wiring(r);
    if (packed) {
        topo_pack(&w->topo, packed);
    }
    r->packed = packed;
    r->problem = problem;
    r->topo_state = w->state;
    r->gpus = w->gpus;
    r->cordoned = w->cordoned;
    r->source = w->source;
    r->observed_at = packed ? w->topo.observed_at : 0;
    return true;
}

static bool fill_node(struct content *c, struct node_rec *r, const struct node_object *n,
                      struct err *e) {
    char lines[COMPLAINTS_MAX];
    struct buf complaints = BUF_OVER(lines);
    node_build(n, &c->wiring, &complaints);
    if (!set_wiring(r, &c->wiring, e) ||
        !content_put_report(c, r, n->allocations, &complaints, e)) {
        return false;
    }
    r->complaints = complaints.n ? content_copy(buf_view(&complaints)) : NULL;
    r->schedulable = !n->unschedulable;
    return true;
}

bool content_put_node(struct content *c, const struct node_object *n, struct err *e) {
    uint32_t at = 0;
    if (!content_node_for(c, n->name, &at, e)) {
        return false;
    }
    struct node_rec *r = content_node(c, at);
    uint64_t inputs = hash_inputs(c, n);
    r->seen = c->round[CLUSTER_NODES];
    if (r->known && r->inputs == inputs) {
        content_put_place(c, r, n);
        return content_put_shown(r, n, e);
    }
    content_touch(c, r);
    if (!fill_node(c, r, n, e)) {
        r->inputs = 0;
        content_node_release(c, at);
        return err_wrap(e, "node " SPAN_FMT ": ", SPAN_ARG(n->name));
    }
    r->inputs = inputs;
    if (!r->known) {
        r->known = true;
        free(c->order);
        c->order = NULL;
    }
    content_put_place(c, r, n);
    return content_put_shown(r, n, e);
}

void content_drop_node(struct content *c, struct span name) {
    uint32_t at = index_find(&c->node_index, name);
    if (at == INDEX_NONE || !content_node(c, at)->known) {
        return;
    }
    struct node_rec *r = content_node(c, at);
    free_wiring(r);
    content_drop_report(r);
    content_drop_place(c, r);
    free(r->shown);
    r->shown = NULL;
    r->known = false;
    r->inputs = 0;
    content_touch(c, r);
    free(c->order);
    c->order = NULL;
    content_node_release(c, at);
}

static void forget_namespace(struct content *c, uint32_t at) {
    index_remove(&c->namespace_index, at);
    free(namespace_at(c, at)->name);
    free(namespace_at(c, at)->bad);
    pool_give(&c->namespaces, at);
}

bool content_put_namespace(struct content *c, const struct namespace_object *n, struct err *e) {
    content_drop_namespace(c, n->name);
    if (!n->mode.p) {
        return true;
    }
    uint32_t at = 0;
    bool full;
    if (!pool_take(&c->namespaces, &at, &full)) {
        return full ? err_set(e, ERR_TOO_LARGE, "more than %d namespaces with a mode",
                              NAMESPACES_MAX)
                    : content_fail_memory(e);
    }
    struct namespace_rec *r = namespace_at(c, at);
    enum mode mode = MODE_ENFORCE;
    r->valid = mode_parse(n->mode, &mode);
    r->mode = (uint8_t)mode;
    r->seen = c->round[CLUSTER_NAMESPACES];
    r->name = content_copy(n->name);
    r->bad = r->valid ? NULL : content_copy(span_upto(n->mode, 64));
    if (!r->name || (!r->valid && !r->bad) || !index_add(&c->namespace_index, at)) {
        free(r->name);
        free(r->bad);
        pool_give(&c->namespaces, at);
        return content_fail_memory(e);
    }
    return true;
}

void content_drop_namespace(struct content *c, struct span name) {
    uint32_t at = index_find(&c->namespace_index, name);
    if (at != INDEX_NONE) {
        forget_namespace(c, at);
    }
}
