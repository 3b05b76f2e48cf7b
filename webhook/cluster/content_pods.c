/* Pods of the cache: only those that hold GPUs are kept, with what is known of which. */
#include <stdlib.h>

#include "webhook/cluster/cluster.h"
#include "webhook/cluster/content.h"

/* namespace/name, both at most 253 characters. */
#define KEY_MAX CONTENT_KEY_MAX

bool content_key(struct span ns, struct span name, char out[static KEY_MAX]) {
    struct buf b = buf_over(out, KEY_MAX);
    buf_span(&b, ns);
    buf_char(&b, '/');
    buf_span(&b, name);
    return buf_ok(&b) && name.n && !memchr(out, 0, b.n);
}

struct grip *content_grip(unsigned n, const struct pin_entry *gpu) {
    struct grip *g = malloc(sizeof *g + n * sizeof g->gpu[0]);
    if (g) {
        g->n = (uint8_t)n;
        if (n) {
            memcpy(g->gpu, gpu, n * sizeof g->gpu[0]);
        }
    }
    return g;
}

static void unlink_pod(struct content *c, uint32_t at) {
    struct pod_rec *p = content_pod(c, at);
    struct node_rec *r = content_node(c, p->node);
    if (p->prev == INDEX_NONE) {
        r->first_pod = p->next;
    } else {
        content_pod(c, p->prev)->next = p->next;
    }
    if (p->next != INDEX_NONE) {
        content_pod(c, p->next)->prev = p->prev;
    }
    content_touch(c, r);
}

static void link_pod(struct content *c, uint32_t at, uint32_t node) {
    struct pod_rec *p = content_pod(c, at);
    struct node_rec *r = content_node(c, node);
    p->node = node;
    p->prev = INDEX_NONE;
    p->next = r->first_pod;
    if (p->next != INDEX_NONE) {
        content_pod(c, p->next)->prev = at;
    }
    r->first_pod = at;
    content_touch(c, r);
}

void content_forget_pod(struct content *c, uint32_t at) {
    struct pod_rec *p = content_pod(c, at);
    uint32_t node = p->node;
    content_held_gone(content_node(c, node), p->key);
    unlink_pod(c, at);
    index_remove(&c->pod_index, at);
    free(p->key);
    free(p->named);
    free(p->plan);
    free(p->group);
    pool_give(&c->pods, at);
    content_node_release(c, node);
}

void content_drop_pod(struct content *c, struct span ns, struct span name, struct span uid) {
    char key[KEY_MAX];
    uint32_t at = content_key(ns, name, key) ? index_find(&c->pod_index, span_of(key)) : INDEX_NONE;
    if (at != INDEX_NONE &&
        (!uid.n || content_pod(c, at)->uid == name_hash(&c->pod_index.seed, uid))) {
        content_forget_pod(c, at);
    }
}

/* Claims of what a pod says of its own GPUs. */
struct reading {
    uint32_t gpus;
    uint8_t kind;
    unsigned n;
    struct pin_entry gpu[GPU_MAX];
    struct span plan; /* tpguard.io/gpus, in plugin mode: who picks the GPUs is the kubelet */
    bool has_group;
    struct tp_groups group;
};

/* Also of a pod whose command line makes no sense (it may run all the same): what names GPUs is in
 * its environment and its resources. */
static bool read_bare(const struct pod *p, struct workload *w) {
    struct container *bare = calloc(p->n_containers ? p->n_containers : 1, sizeof *bare);
    struct pod q = *p;
    struct err ignored;
    if (!bare) {
        return false;
    }
    for (unsigned i = 0; i < p->n_containers; i++) {
        bare[i] = p->containers[i];
        bare[i].n_command = bare[i].n_args = 0;
    }
    q.containers = bare;
    q.n_annotations = 0;
    bool good = workload_read(&q, w, &ignored);
    free(bare);
    return good;
}

/* Nothing but the numbers: a sum that is never too small. */
static uint32_t sum_gpus(const struct pod *p) {
    uint32_t run = 0;
    uint32_t most = 0;
    for (unsigned i = 0; i < p->n_containers; i++) {
        const struct container *k = &p->containers[i];
        if (k->init && !k->sidecar) {
            most = k->gpus > most ? k->gpus : most;
        } else {
            run += k->gpus;
        }
    }
    return run > most ? run : most;
}

/* "all" without asking: device plugins and monitors do so on every node and hold nothing; anybody
 * else may use any GPU. */
static bool only_watches(const struct pod *p, const struct workload *w) {
    return !w->engine_found && span_is(p->owner_kind, "DaemonSet");
}

static void read_claim(const struct pod *p, struct reading *out) {
    struct workload w;
    struct err ignored;
    if (!workload_read(p, &w, &ignored) && !read_bare(p, &w)) {
        out->gpus = sum_gpus(p);
        out->kind = out->gpus ? CLAIM_COUNT : CLAIM_ALL;
        return;
    }
    out->gpus = w.gpus;
    out->has_group = tp_groups_of(&w, &out->group);
    if (w.pin.kind == PIN_NODE) {
        out->kind = CLAIM_NAMED;
        out->n = w.pin.n;
        memcpy(out->gpu, w.pin.gpu, w.pin.n * sizeof w.pin.gpu[0]);
    } else if (w.pin.kind != PIN_NONE && !w.gpus && !only_watches(p, &w)) {
        out->kind = CLAIM_ALL;
    }
}

/* tpguard.io/gpus, "2,3": the set that the kubelet was made to hand out. */
static bool read_exact(struct span text, struct reading *out) {
    struct reading r = *out;
    r.kind = CLAIM_NAMED;
    r.n = 0;
    while (text.n) {
        uint32_t index = 0;
        if (r.n == GPU_MAX || !span_u32(span_trim(span_cut(&text, ',')), GPU_INDEX_MAX, &index)) {
            return false;
        }
        r.gpu[r.n++].index = (int16_t)index;
    }
    if (r.n == 0) {
        return false;
    }
    *out = r;
    return true;
}

struct grip *content_plan(struct span text) {
    struct reading r = {0};
    return read_exact(text, &r) ? content_grip(r.n, r.gpu) : NULL;
}

static bool make_pod(struct content *c, const char *key, uint32_t node, uint32_t *at,
                     struct err *e) {
    uint32_t found = index_find(&c->pod_index, span_of(key));
    bool full = false;
    if (found != INDEX_NONE) {
        uint32_t old = content_pod(c, found)->node;
        unlink_pod(c, found);
        link_pod(c, found, node);
        content_node_release(c, old);
        *at = found;
        return true;
    }
    if (!pool_take(&c->pods, &found, &full)) {
        return full ? err_set(e, ERR_TOO_LARGE, "more than %d pods with GPUs", CLUSTER_PODS_MAX)
                    : content_fail_memory(e);
    }
    struct pod_rec *r = content_pod(c, found);
    r->key = content_copy(span_of(key));
    if (!r->key || !index_add(&c->pod_index, found)) {
        free(r->key);
        pool_give(&c->pods, found);
        return content_fail_memory(e);
    }
    link_pod(c, found, node);
    *at = found;
    return true;
}

static uint64_t plan_hash(const struct content *c, struct span plan) {
    return plan.n ? name_hash(&c->pod_index.seed, plan) | 1 : 0;
}

static bool is_same_group(const struct tp_groups *kept, const struct reading *claim) {
    if (!kept || !claim->has_group) {
        return !kept && !claim->has_group;
    }
    const struct tp_groups *g = &claim->group;
    return kept->tp == g->tp && kept->groups == g->groups && kept->n_order == g->n_order &&
           memcmp(kept->order, g->order, g->n_order) == 0;
}

/* false: no memory. The last judgement was of the old one. */
static bool keep_group(struct pod_rec *r, const struct reading *claim) {
    if (is_same_group(r->group, claim)) {
        return true;
    }
    free(r->group);
    r->group = claim->has_group ? malloc(sizeof *r->group) : NULL;
    r->mark = (struct landed_mark){0};
    if (r->group) {
        *r->group = claim->group;
    }
    return r->group || !claim->has_group;
}

/* The gate writes down what it reserved in one go with the node. */
static bool is_unreserved(const struct pod *p) {
    return span_is(pod_label(p, LABEL_GATED), "true") && !pod_annotation(p, ANN_GPUS).n;
}

/* Status of pods changes often, what they hold never. */
static bool is_same(const struct content *c, const struct pod_rec *r, const struct pod *p,
                    const struct reading *claim, bool ended) {
    return r->plan_text == plan_hash(c, claim->plan) &&
           span_eq(node_rec_name(content_node(c, r->node)), p->node_name) &&
           r->gpus == claim->gpus && r->kind == claim->kind && r->ended == ended &&
           r->unreserved == is_unreserved(p) && is_same_group(r->group, claim) &&
           r->named->n == claim->n &&
           (claim->n == 0 ||
            memcmp(r->named->gpu, claim->gpu, claim->n * sizeof claim->gpu[0]) == 0);
}

static bool store(struct content *c, const struct pod *p, const char *key,
                  const struct reading *claim, struct err *e) {
    uint32_t node = 0;
    uint32_t at = index_find(&c->pod_index, span_of(key));
    bool ended = p->phase == POD_SUCCEEDED || p->phase == POD_FAILED;
    if (at != INDEX_NONE && is_same(c, content_pod(c, at), p, claim, ended)) {
        content_pod(c, at)->seen = c->round[CLUSTER_PODS];
        return true;
    }
    struct grip *named = content_grip(claim->n, claim->gpu);
    if (!named) {
        return content_fail_memory(e);
    }
    if (!content_node_for(c, p->node_name, &node, e)) {
        free(named);
        return false;
    }
    if (!make_pod(c, key, node, &at, e)) {
        free(named);
        content_node_release(c, node);
        return false;
    }
    struct pod_rec *r = content_pod(c, at);
    free(r->named);
    free(r->plan);
    r->named = named;
    r->plan = claim->plan.n ? content_plan(claim->plan) : NULL;
    r->plan_text = plan_hash(c, claim->plan);
    r->seen = c->round[CLUSTER_PODS];
    r->gpus = claim->gpus;
    r->kind = claim->kind;
    r->ended = ended;
    r->uid = name_hash(&c->pod_index.seed, p->uid);
    r->unreserved = is_unreserved(p);
    return keep_group(r, claim) || content_fail_memory(e);
}

bool content_put_pod(struct content *c, const struct pod *p, struct err *e) {
    char key[KEY_MAX];
    if (!content_key(p->ns, p->name, key)) {
        return true; /* an object that is not in the API server yet: nobody can be bound as that */
    }
    uint32_t at = index_find(&c->pod_index, span_of(key));
    bool other =
        at != INDEX_NONE && content_pod(c, at)->uid != name_hash(&c->pod_index.seed, p->uid);
    if (at != INDEX_NONE && (other || !p->node_name.n)) {
        content_forget_pod(c, at); /* the same name again is another pod */
    }
    struct span plan = pod_annotation(p, ANN_GPUS);
    if (!p->node_name.n || (!pod_is_gpu(p) && !(c->exact && plan.n))) {
        return true;
    }
    struct reading claim = {0};
    read_claim(p, &claim);
    if (c->exact && plan.n) {
        (void)read_exact(plan, &claim);
    } else if (claim.kind == CLAIM_COUNT) {
        claim.plan = plan;
    }
    return store(c, p, key, &claim, e) ||
           err_wrap(e, "pod " SPAN_FMT "/" SPAN_FMT ": ", SPAN_ARG(p->ns), SPAN_ARG(p->name));
}
