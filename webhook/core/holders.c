#include "webhook/core/holders.h"

#include <stdlib.h>

#include "webhook/core/holders_id.h"

/* ---- whose ---- */

static const struct node_pod *find_pod(const struct holders_in *in, const struct held_pod *h) {
    for (uint32_t i = 0; i < in->n_pod; i++) {
        const struct node_pod *p = &in->pod[i];
        if (h->uid.n ? span_eq(p->uid, h->uid)
                     : span_eq(p->name, h->name) && span_eq(p->ns, h->ns)) {
            return p;
        }
    }
    return NULL;
}

/* false: nobody's any more. */
static bool owner_of(const struct holders_in *in, const struct held_pod *h, struct holding *who) {
    const struct node_pod *p = find_pod(in, h);
    if (p ? p->ended : in->pods_complete) {
        return false;
    }
    *who = (struct holding){
        .ns = p ? p->ns : h->ns, .pod = p ? p->name : h->name, .container = h->container};
    if (!who->pod.n || !who->ns.n) {
        *who = (struct holding){.uid = h->uid};
    }
    return true;
}

static bool same_owner(const struct holding *a, const struct holding *b) {
    return a->pid == b->pid && span_eq(a->pod, b->pod) && span_eq(a->ns, b->ns) &&
           span_eq(a->container, b->container) && span_eq(a->uid, b->uid);
}

struct list {
    struct holding *at;
    uint16_t *n;
    uint16_t max;
    const char *what;
};

static struct holding *entry_of(struct list l, const struct holding *who, struct err *e) {
    /* Entries of one container come one after the other. */
    for (unsigned i = *l.n; i > 0; i--) {
        if (same_owner(&l.at[i - 1], who)) {
            return l.at + i - 1;
        }
    }
    if (*l.n == l.max) {
        (void)err_set(e, ERR_TOO_LARGE, "more than %d %s on this node", l.max, l.what);
        return NULL;
    }
    l.at[*l.n] = *who;
    return l.at + (*l.n)++;
}

static struct list pods_of(struct holdings *out) {
    return (struct list){out->pod, &out->n_pods, HELD_PODS_MAX, "containers hold GPUs"};
}

static struct list unassigned_of(struct holdings *out) {
    return (struct list){out->unassigned, &out->n_unassigned, HELD_UNASSIGNED_MAX,
                         "holders of GPUs have no name"};
}

/* ---- what ---- */

static bool add_other(struct holding *h, const struct device *d) {
    for (unsigned i = 0; i < h->n_other; i++) {
        if (span_eq(h->other[i].id, d->id)) {
            return true;
        }
    }
    if (h->n_other == GPU_MAX) {
        return false;
    }
    h->other[h->n_other++] = (struct held_other){d->id, d->kind == DEVICE_SLICE};
    return true;
}

static bool add_device(struct holding *h, const struct device *d, struct err *e) {
    bool fits = true;
    if (d->kind == DEVICE_GPU) {
        h->gpus = gpuset_with(h->gpus, (unsigned)d->at);
    } else {
        fits = add_other(h, d);
    }
    if (d->kind == DEVICE_SLICE && d->at >= 0) {
        h->sliced = gpuset_with(h->sliced, (unsigned)d->at);
    }
    if (!fits || gpuset_count(h->gpus) + h->n_other > GPU_MAX) {
        return err_set(e, ERR_TOO_LARGE,
                       "container \"" SPAN_FMT "\" of pod " SPAN_FMT "/" SPAN_FMT
                       " holds more than %d GPUs",
                       SPAN_ARG(span_upto(h->container, 64)), SPAN_ARG(span_upto(h->ns, 64)),
                       SPAN_ARG(span_upto(h->pod, 64)), GPU_MAX);
    }
    return true;
}

static bool add_held(const struct holders_in *in, const struct held_pod *h, struct holdings *out,
                     struct err *e) {
    struct holding who;
    struct holding *entry = NULL;
    bool known = false;
    for (uint32_t i = 0; i < h->n; i++) {
        struct device d = device_of(in, h->resource, h->id[i]);
        if (d.kind == DEVICE_NONE) {
            continue;
        }
        if (!known && !owner_of(in, h, &who)) {
            return true;
        }
        known = true;
        if (!entry) {
            entry = entry_of(who.pod.n ? pods_of(out) : unassigned_of(out), &who, e);
        }
        if (!entry || !add_device(entry, &d, e)) {
            return false;
        }
    }
    return true;
}

/* ---- programs ---- */

static struct gpuset given(const struct holdings *h) {
    struct gpuset all = gpuset_none();
    for (unsigned i = 0; i < h->n_pods; i++) {
        all = gpuset_or(all, gpuset_or(h->pod[i].gpus, h->pod[i].sliced));
    }
    for (unsigned i = 0; i < h->n_unassigned; i++) {
        all = gpuset_or(all, gpuset_or(h->unassigned[i].gpus, h->unassigned[i].sliced));
    }
    return all;
}

/* The one to be named: a pod's before others, then the lowest number. */
static const struct held_process *program_on(const struct holders_in *in, unsigned gpu) {
    const struct held_process *best = NULL;
    for (uint32_t i = 0; i < in->n_process; i++) {
        const struct held_process *p = &in->process[i];
        if (p->gpu != gpu) {
            continue;
        }
        bool traced = p->uid.n > 0;
        if (!best || traced > (best->uid.n > 0) ||
            (traced == (best->uid.n > 0) && p->pid < best->pid)) {
            best = p;
        }
    }
    return best;
}

static struct holding user_of(const struct holders_in *in, const struct held_process *p) {
    const struct held_pod by_uid = {.uid = p->uid};
    const struct node_pod *pod = p->uid.n ? find_pod(in, &by_uid) : NULL;
    if (!pod || !pod->name.n || !pod->ns.n) {
        return (struct holding){.uid = p->uid, .pid = p->pid};
    }
    return (struct holding){.ns = pod->ns, .pod = pod->name, .pid = p->pid};
}

static bool add_programs(const struct holders_in *in, struct holdings *out, struct err *e) {
    struct gpuset held = given(out);
    for (unsigned i = 0; i < in->topo->n; i++) {
        const struct held_process *p = program_on(in, i);
        if (!p || gpuset_has(held, i) || in->topo->gpu[i].mig == TRI_YES) {
            continue;
        }
        struct holding who = user_of(in, p);
        struct holding *entry = entry_of(unassigned_of(out), &who, e);
        if (!entry) {
            return false;
        }
        entry->gpus = gpuset_with(entry->gpus, i);
    }
    return true;
}

/* ---- order ---- */

static int order_spans(struct span a, struct span b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int order_others(const void *a, const void *b) {
    return order_spans(((const struct held_other *)a)->id, ((const struct held_other *)b)->id);
}

static int order_names(const struct holding *x, const struct holding *y) {
    int c = order_spans(x->ns, y->ns);
    c = c ? c : order_spans(x->pod, y->pod);
    return c ? c : order_spans(x->container, y->container);
}

static int order_pods(const void *a, const void *b) {
    return order_names(a, b);
}

static int order_unassigned(const void *a, const void *b) {
    const struct holding *x = a;
    const struct holding *y = b;
    unsigned i = gpuset_next(x->gpus, 0);
    unsigned j = gpuset_next(y->gpus, 0);
    int c = (i > j) - (i < j);
    c = c ? c : order_names(x, y);
    c = c ? c : order_spans(x->uid, y->uid);
    return c ? c : (x->pid > y->pid) - (x->pid < y->pid);
}

static void sort(struct list l, int (*order)(const void *, const void *)) {
    qsort(l.at, *l.n, sizeof l.at[0], order);
    for (unsigned i = 0; i < *l.n; i++) {
        qsort(l.at[i].other, l.at[i].n_other, sizeof l.at[i].other[0], order_others);
    }
}

bool holders_settle(const struct holders_in *in, struct holdings *out, struct err *e) {
    out->n_pods = out->n_unassigned = 0;
    bool good = true;
    for (uint32_t i = 0; good && i < in->held->n; i++) {
        good = add_held(in, &in->held->pod[i], out, e);
    }
    if (!good || !add_programs(in, out, e)) {
        out->n_pods = out->n_unassigned = 0;
        return false;
    }
    sort(pods_of(out), order_pods);
    sort(unassigned_of(out), order_unassigned);
    return true;
}
