/* The report of a node: who holds which of its GPUs. */
#include <stdlib.h>

#include "webhook/cluster/content.h"

struct held_rec *content_held(const struct node_rec *r, const char *key) {
    for (uint32_t i = 0; i < r->n_held; i++) {
        if (!r->held[i].unassigned && strcmp(r->held[i].key, key) == 0) {
            return &r->held[i];
        }
    }
    return NULL;
}

void content_held_gone(struct node_rec *r, const char *key) {
    for (uint32_t i = 0; i < r->n_held; i++) {
        struct held_rec *h = &r->held[i];
        const char *pod = h->unassigned ? h->pod : h->key;
        if (pod && strcmp(pod, key) == 0) {
            h->gone = true;
            h->vouched = 0;
        }
    }
}

/* A pod that comes back under its name and gets the same GPUs leaves the report as it was, to the
 * byte. The first heartbeat after it went may have been under way already; the second has seen
 * what is there now. */
bool content_held_vouched(struct node_rec *r) {
    bool news = false;
    for (uint32_t i = 0; i < r->n_held; i++) {
        struct held_rec *h = &r->held[i];
        if (h->gone && ++h->vouched == 2) {
            h->gone = false;
            news = true;
        }
    }
    return news;
}

void content_drop_report(struct node_rec *r) {
    for (uint32_t i = 0; i < r->n_held; i++) {
        free(r->held[i].key);
        free(r->held[i].pod);
        free(r->held[i].grip);
    }
    free(r->held);
    r->held = NULL;
    r->n_held = 0;
    r->report = 0;
}

/* Behind the first n; how many there are then. */
static unsigned put_gpus(const struct held *h, struct pin_entry gpu[static GPU_MAX], unsigned n) {
    for (unsigned i = 0; i < h->n && n < GPU_MAX; i++, n++) {
        struct buf uuid = BUF_OVER(gpu[n].uuid);
        buf_span(&uuid, h->uuid[i]);
        gpu[n].index = h->index[i];
    }
    return n;
}

/* Takes over the grip, also when there is no memory for the rest. */
static bool put_held(struct node_rec *r, const char *key, const char *pod, struct grip *grip) {
    struct held_rec h = {.key = content_copy(span_of(key)), .grip = grip};
    h.pod = pod ? content_copy(span_of(pod)) : NULL;
    if (!h.key || (pod && !h.pod) || !grip) {
        free(h.key);
        free(h.pod);
        free(grip);
        return false;
    }
    r->held[r->n_held++] = h;
    return true;
}

/* Containers of one pod are one holder. */
static bool hold(struct node_rec *r, const struct held *h) {
    char key[CONTENT_KEY_MAX];
    struct pin_entry gpu[GPU_MAX] = {0};
    if (!content_key(h->ns, h->pod, key)) {
        return true; /* no pod can have such a name */
    }
    unsigned n = 0;
    struct held_rec *one = content_held(r, key);
    for (; one && n < one->grip->n; n++) {
        gpu[n] = one->grip->gpu[n];
    }
    n = put_gpus(h, gpu, n);
    struct grip *grip = content_grip(n, gpu);
    if (!one) {
        return put_held(r, key, NULL, grip);
    }
    if (grip) {
        free(one->grip);
        one->grip = grip;
    }
    return grip != NULL;
}

/* As it stands behind "in use by". */
static void say_user(const struct held *h, const char *pod, struct buf *out) {
    if (pod) {
        buf_str(out, pod);
        buf_str(out, " without being given it");
    } else if (h->uid.n) {
        buf_str(out, "a pod without a name");
    } else {
        buf_str(out, "a process that was not given it");
    }
    if (h->pid) {
        buf_fmt(out, " (pid %u)", h->pid);
    }
}

/* GPUs in use that the books give to nobody: one more holder, whatever the pod has beside them. */
static bool hold_unassigned(struct node_rec *r, const struct held *h) {
    char pod[CONTENT_KEY_MAX];
    char said[CONTENT_KEY_MAX + 64];
    struct pin_entry gpu[GPU_MAX] = {0};
    struct buf text = BUF_OVER(said);
    bool named = h->pod.n && content_key(h->ns, h->pod, pod);
    say_user(h, named ? pod : NULL, &text);
    if (!put_held(r, said, named ? pod : NULL, content_grip(put_gpus(h, gpu, 0), gpu))) {
        return false;
    }
    r->held[r->n_held - 1].unassigned = true;
    return true;
}

static bool hold_all(struct node_rec *r, const struct allocations *all) {
    uint32_t n = all->n + all->n_unassigned;
    r->held = n ? calloc(n, sizeof *r->held) : NULL;
    bool good = n == 0 || r->held;
    for (unsigned i = 0; good && i < all->n; i++) {
        good = hold(r, &all->pod[i]);
    }
    for (unsigned i = 0; good && i < all->n_unassigned; i++) {
        good = hold_unassigned(r, &all->unassigned[i]);
    }
    return good;
}

bool content_put_report(struct content *c, struct node_rec *r, struct span text,
                        struct buf *complaints, struct err *e) {
    uint64_t report = text.p ? name_hash(&c->node_index.seed, text) | 1 : 0;
    if (report == r->report) {
        return true; /* what was seen to go since stays gone */
    }
    content_drop_report(r);
    struct allocations all = {0};
    struct err bad = {0};
    arena_reset(&c->scratch);
    if (text.p && !allocations_decode(text, &c->scratch, &all, &bad)) {
        buf_fmt(complaints, "tpguard.io/allocations: %s%s%s\n", bad.path, bad.path[0] ? ": " : "",
                bad.msg);
        return true;
    }
    bool good = hold_all(r, &all);
    r->report = report;
    if (!good) {
        content_drop_report(r);
        return content_fail_memory(e);
    }
    return true;
}
