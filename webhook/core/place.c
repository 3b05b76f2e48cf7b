/* kube-scheduler's NodeName, NodeAffinity and TaintToleration over three values: one no decides,
 * then one that cannot be told. */
#include "webhook/core/place.h"

#include "webhook/core/place_parts.h"
#include "webhook/core/workload.h"

static enum place_answer also(enum place_answer a, enum place_answer b) {
    if (a == PLACE_NO || b == PLACE_NO) {
        return PLACE_NO;
    }
    return a == PLACE_YES ? b : a;
}

static enum place_answer either(enum place_answer a, enum place_answer b) {
    if (a == PLACE_YES || b == PLACE_YES) {
        return PLACE_YES;
    }
    return a == PLACE_NO ? b : a;
}

static enum place_answer is(bool yes) {
    return yes ? PLACE_YES : PLACE_NO;
}

bool place_own_label(struct span key) {
    static const char *const own[] = {LABEL_NVLINK, LABEL_NVLINK_SET, LABEL_NVLINK_FREE,
                                      LABEL_STRANDED};
    for (unsigned i = 0; i < sizeof own / sizeof *own; i++) {
        if (span_is(key, own[i])) {
            return true;
        }
    }
    return false;
}

/* What Go's strconv.ParseInt takes in base 10. */
bool place_int(struct span s, int64_t *out) {
    bool minus = s.n && s.p[0] == '-';
    bool sign = minus || (s.n && s.p[0] == '+');
    const uint64_t most = (uint64_t)INT64_MAX + (minus ? 1 : 0);
    uint64_t v = 0;
    s = span_from(s, sign ? 1 : 0);
    for (size_t i = 0; i < s.n; i++) {
        uint64_t digit = (uint64_t)(unsigned char)s.p[i] - '0';
        if (digit > 9 || v > (most - digit) / 10) {
            return false;
        }
        v = v * 10 + digit;
    }
    if (s.n == 0) {
        return false;
    }
    *out = minus ? (v ? -(int64_t)(v - 1) - 1 : 0) : (int64_t)v;
    return true;
}

static int order_of(struct span a, struct span b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* p == NULL: the node has no such label. */
static struct span label_of(const struct node_place *n, struct span key) {
    unsigned from = 0;
    unsigned to = n->n_labels;
    while (from < to) {
        unsigned mid = from + (to - from) / 2;
        const struct label_at *l = &n->label[mid];
        int c = order_of((struct span){n->text + l->at, l->key_n}, key);
        if (c == 0) {
            return (struct span){n->text + l->at + l->key_n, l->value_n};
        }
        from = c < 0 ? mid + 1 : from;
        to = c < 0 ? to : mid;
    }
    return (struct span){0};
}

static bool is_among(struct span v, const struct node_rule *r) {
    for (unsigned i = 0; i < r->n; i++) {
        if (span_eq(v, r->values[i])) {
            return true;
        }
    }
    return false;
}

/* The name is the one field there is. */
static enum place_answer judge_field(const struct node_rule *r, struct span node) {
    bool plain = r->n == 1 && span_is(r->key, "metadata.name");
    if (!plain || (r->op != NODE_OP_IN && r->op != NODE_OP_NOT_IN)) {
        return PLACE_UNTOLD;
    }
    return is(span_eq(r->values[0], node) == (r->op == NODE_OP_IN));
}

static enum place_answer judge_label(const struct node_rule *r, struct span value) {
    int64_t number = 0;
    switch ((enum node_op)r->op) {
    case NODE_OP_IN:
        return is(value.p && is_among(value, r));
    case NODE_OP_NOT_IN:
        return is(!value.p || !is_among(value, r));
    case NODE_OP_EXISTS:
        return is(value.p != NULL);
    case NODE_OP_NOT_EXISTS:
        return is(value.p == NULL);
    case NODE_OP_GT:
        return is(value.p && place_int(value, &number) && number > r->bar);
    case NODE_OP_LT:
        return is(value.p && place_int(value, &number) && number < r->bar);
    case NODE_OP_UNTOLD:
        break;
    }
    return PLACE_UNTOLD;
}

static enum place_answer judge_rule(const struct node_rule *r, struct span node,
                                    const struct node_place *n) {
    if (r->field) {
        return judge_field(r, node);
    }
    if (place_own_label(r->key)) {
        return PLACE_YES;
    }
    if (!n->labels_known || r->op == NODE_OP_UNTOLD) {
        return PLACE_UNTOLD;
    }
    return judge_label(r, label_of(n, r->key));
}

static enum place_answer judge_term(const struct node_term *t, struct span node,
                                    const struct node_place *n) {
    enum place_answer all = is(t->n > 0);
    for (unsigned i = 0; i < t->n && all != PLACE_NO; i++) {
        all = also(all, judge_rule(&t->rule[i], node, n));
    }
    return all;
}

static enum place_answer judge_affinity(const struct pod_place *p, struct span node,
                                        const struct node_place *n) {
    if (!p->required) {
        return p->terms_untold ? PLACE_UNTOLD : PLACE_YES;
    }
    enum place_answer any = p->terms_untold ? PLACE_UNTOLD : PLACE_NO;
    for (unsigned i = 0; i < p->n_terms && any != PLACE_YES; i++) {
        any = either(any, judge_term(&p->term[i], node, n));
    }
    return any;
}

static enum place_answer judge_selector(const struct pod_place *p, const struct node_place *n,
                                        uint16_t *at) {
    enum place_answer all = p->selector_untold ? PLACE_UNTOLD : PLACE_YES;
    for (uint16_t i = 0; i < p->n_selector; i++) {
        const struct kv *want = &p->selector[i];
        enum place_answer one = PLACE_YES;
        if (!place_own_label(want->key)) {
            struct span value = n->labels_known ? label_of(n, want->key) : (struct span){0};
            one = n->labels_known ? is(value.p && span_eq(value, want->value)) : PLACE_UNTOLD;
        }
        all = also(all, one);
        if (one == PLACE_NO) {
            *at = i;
            break;
        }
    }
    return all;
}

/* ---- taints ---- */

static enum place_answer tolerates(const struct toleration *t, const struct taint_at *taint,
                                   const char *text) {
    bool effect = t->effect == EFFECT_ANY || t->effect == taint->effect;
    bool key = t->key.n == 0 || span_eq(t->key, (struct span){text + taint->at, taint->key_n});
    if (!effect || !key) {
        return PLACE_NO;
    }
    if (t->op == TOLERATE_UNTOLD) {
        return PLACE_UNTOLD;
    }
    struct span value = {text + taint->at + taint->key_n, taint->value_n};
    return is(t->op == TOLERATE_EXISTS || span_eq(t->value, value));
}

static bool asks_gpus(const struct pod *p) {
    for (unsigned i = 0; i < p->n_containers; i++) {
        if (p->containers[i].gpus) {
            return true;
        }
    }
    return false;
}

bool place_is_draft(const struct pod *p) {
    return p->uid.n == 0;
}

/* Tolerations that Kubernetes itself adds between the manifest and the pod. */
static bool may_be_added(const struct pod *p, struct span key, enum taint_effect effect) {
    static const char *const daemon[] = {
        "node.kubernetes.io/disk-pressure", "node.kubernetes.io/memory-pressure",
        "node.kubernetes.io/pid-pressure", "node.kubernetes.io/network-unavailable"};
    if (!place_is_draft(p)) {
        return false;
    }
    if (effect == EFFECT_NO_EXECUTE) {
        return span_is(key, "node.kubernetes.io/not-ready") ||
               span_is(key, "node.kubernetes.io/unreachable");
    }
    for (unsigned i = 0; i < sizeof daemon / sizeof *daemon; i++) {
        if (span_is(p->owner_kind, "DaemonSet") && span_is(key, daemon[i])) {
            return true;
        }
    }
    return span_is(key, "nvidia.com/gpu") && asks_gpus(p);
}

static enum place_answer judge_taint(const struct pod *p, const struct taint_at *t,
                                     const char *text) {
    /* Who names its node passes the scheduler by; the kubelet minds this effect alone. */
    if (p->node_name.n && t->effect != EFFECT_NO_EXECUTE) {
        return PLACE_YES;
    }
    enum place_answer any = p->place.tolerations_untold ? PLACE_UNTOLD : PLACE_NO;
    for (unsigned i = 0; i < p->place.n_tolerations && any != PLACE_YES; i++) {
        any = either(any, tolerates(&p->place.toleration[i], t, text));
    }
    struct span key = {text + t->at, t->key_n};
    bool open = any == PLACE_NO && may_be_added(p, key, (enum taint_effect)t->effect);
    return open ? PLACE_UNTOLD : any;
}

static enum place_answer judge_taints(const struct pod *p, const struct node_place *n,
                                      uint16_t *at) {
    enum place_answer all = n->taints_known ? PLACE_YES : PLACE_UNTOLD;
    for (uint16_t i = 0; i < n->n_taints; i++) {
        enum place_answer one = judge_taint(p, &n->taint[i], n->text);
        all = also(all, one);
        if (one == PLACE_NO) {
            *at = i;
            break;
        }
    }
    return all;
}

static enum place_rule taint_rule(const struct node_place *n, unsigned at) {
    if (at >= n->n_taints) {
        return PLACE_BY_TAINT;
    }
    const struct span key = {n->text + n->taint[at].at, n->taint[at].key_n};
    bool state = span_starts(key, "node.kubernetes.io/") ||
                 span_starts(key, "node.cloudprovider.kubernetes.io/");
    return state ? PLACE_BY_STATE : PLACE_BY_TAINT;
}

static bool decides(struct place_ruling *r, enum place_rule rule, enum place_answer a) {
    r->answer = (uint8_t)also((enum place_answer)r->answer, a);
    r->rule = (uint8_t)(a == PLACE_NO ? rule : PLACE_BY_NOTHING);
    return a == PLACE_NO;
}

void place_judge(const struct pod *p, struct span node, const struct node_place *n,
                 struct place_ruling *out) {
    *out = (struct place_ruling){.answer = PLACE_YES};
    bool here = p->node_name.n == 0 || span_eq(p->node_name, node);
    if (decides(out, PLACE_BY_NAME, is(here)) ||
        decides(out, PLACE_BY_SELECTOR, judge_selector(&p->place, n, &out->at)) ||
        decides(out, PLACE_BY_AFFINITY, judge_affinity(&p->place, node, n))) {
        return;
    }
    enum place_answer taints = judge_taints(p, n, &out->at);
    (void)decides(out, taint_rule(n, out->at), taints);
}

bool place_asks(const struct pod *p) {
    return p->node_name.n || p->place.n_selector || p->place.required;
}
