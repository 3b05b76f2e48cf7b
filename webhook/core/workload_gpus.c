#include "topology/buf.h"
#include "webhook/core/workload_parts.h"

uint32_t workload_visible(const struct workload *w) {
    if (w->visible_known) {
        return w->n_order;
    }
    if (w->pin.kind == PIN_NODE) {
        return w->pin.n;
    }
    return w->container_gpus ? w->container_gpus : w->gpus;
}

struct asked {
    uint64_t gpus, mig, shared, other;
    bool claims;
};

static void add(struct asked *a, const struct container *c) {
    a->gpus += c->gpus;
    a->mig += c->mig;
    a->shared += c->gpus_shared;
    a->other += c->other_gpus;
    a->claims |= c->claims;
}

static void at_least(struct asked *a, const struct container *c) {
    a->gpus = c->gpus > a->gpus ? c->gpus : a->gpus;
    a->mig = c->mig > a->mig ? c->mig : a->mig;
    a->shared = c->gpus_shared > a->shared ? c->gpus_shared : a->shared;
    a->other = c->other_gpus > a->other ? c->other_gpus : a->other;
    a->claims |= c->claims;
}

/* As the scheduler counts: containers and sidecars run together, init containers one by one before.
 */
static struct asked asked_of(const struct pod *p) {
    struct asked a = {0};
    for (unsigned i = 0; i < p->n_containers; i++) {
        if (!p->containers[i].init || p->containers[i].sidecar) {
            add(&a, &p->containers[i]);
        }
    }
    for (unsigned i = 0; i < p->n_containers; i++) {
        if (p->containers[i].init && !p->containers[i].sidecar) {
            at_least(&a, &p->containers[i]);
        }
    }
    return a;
}

static uint32_t capped(uint64_t n) {
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static bool names_gpus(const struct container *c) {
    for (unsigned i = 0; i < c->n_env; i++) {
        struct span name = c->env[i].name;
        struct span value = span_trim(c->env[i].value);
        if (span_is(name, "NVIDIA_VISIBLE_DEVICES") && !c->env[i].ref && value.n &&
            !span_is(value, "none") && !span_is(value, "void")) {
            return true;
        }
        if (span_is(name, "CUDA_VISIBLE_DEVICES") && value.n && value.p[0] >= '0' &&
            value.p[0] <= '9') {
            return true;
        }
    }
    return false;
}

bool pod_is_gpu(const struct pod *p) {
    struct asked a = asked_of(p);
    if (a.gpus || a.mig || a.shared || a.other || a.claims) {
        return true;
    }
    for (unsigned i = 0; i < p->n_containers; i++) {
        if (names_gpus(&p->containers[i])) {
            return true;
        }
    }
    return false;
}

bool workload_takes_gpus(const struct container *c) {
    return c->gpus || c->mig || c->gpus_shared || c->other_gpus || c->claims || names_gpus(c);
}

void workload_asks(const struct pod *p, struct workload *w) {
    struct asked a = asked_of(p);
    char text[16];
    struct buf b = BUF_OVER(text);
    w->gpus = capped(a.gpus);
    w->mig = capped(a.mig);
    w->shared = capped(a.shared);
    w->other_gpus = capped(a.other);
    w->claims = a.claims;
    buf_u64(&b, w->gpus);
    if (w->gpus) {
        workload_note_value(workload_note(w, EV_GPUS, FROM_RESOURCES, "nvidia.com/gpu", ""),
                            buf_view(&b), false);
    }
}
