/* The constraints of a pod as bytes: equal for pods of one controller, so that what was counted for
 * one is there for the next. Every text is preceded by its length. */
#include "webhook/core/place_parts.h"

struct pen {
    unsigned char *out;
    unsigned n;
    bool full;
};

static void put(struct pen *p, const void *bytes, size_t n) {
    p->full = p->full || n > PLACE_KEY_MAX - p->n;
    if (!p->full && n) {
        memcpy(p->out + p->n, bytes, n);
        p->n += (unsigned)n;
    }
}

static void put_word(struct pen *p, uint32_t v) {
    put(p, &v, sizeof v);
}

static void put_span(struct pen *p, struct span s) {
    put_word(p, s.n < UINT32_MAX ? (uint32_t)s.n : UINT32_MAX);
    put(p, s.p, s.n);
}

static void put_rule(struct pen *p, const struct node_rule *r) {
    put_span(p, r->key);
    put_word(p, (uint32_t)r->op << 1 | r->field);
    put(p, &r->bar, sizeof r->bar);
    put_word(p, r->n);
    for (unsigned i = 0; i < r->n && !p->full; i++) {
        put_span(p, r->values[i]);
    }
}

static void put_head(struct pen *p, const struct pod *pod) {
    const struct pod_place *a = &pod->place;
    bool draft = place_is_draft(pod);
    bool gpus = false;
    for (unsigned i = 0; draft && i < pod->n_containers; i++) {
        gpus = gpus || pod->containers[i].gpus;
    }
    bool daemon = draft && span_is(pod->owner_kind, "DaemonSet");
    put_word(p, (uint32_t)draft | (uint32_t)gpus << 1 | (uint32_t)daemon << 2 |
                    (uint32_t)a->required << 3 | (uint32_t)a->selector_untold << 4 |
                    (uint32_t)a->terms_untold << 5 | (uint32_t)a->tolerations_untold << 6);
    put_span(p, pod->node_name);
}

unsigned place_key(const struct pod *pod, unsigned char out[static PLACE_KEY_MAX]) {
    struct pen p = {.out = out};
    const struct pod_place *a = &pod->place;
    put_head(&p, pod);
    put_word(&p, a->n_selector);
    for (unsigned i = 0; i < a->n_selector && !p.full; i++) {
        put_span(&p, a->selector[i].key);
        put_span(&p, a->selector[i].value);
    }
    put_word(&p, a->n_terms);
    for (unsigned i = 0; i < a->n_terms && !p.full; i++) {
        put_word(&p, a->term[i].n);
        for (unsigned j = 0; j < a->term[i].n && !p.full; j++) {
            put_rule(&p, &a->term[i].rule[j]);
        }
    }
    put_word(&p, a->n_tolerations);
    for (unsigned i = 0; i < a->n_tolerations && !p.full; i++) {
        const struct toleration *t = &a->toleration[i];
        put_span(&p, t->key);
        put_span(&p, t->value);
        put_word(&p, (uint32_t)t->op << 8 | t->effect);
    }
    return p.full ? 0 : p.n;
}
