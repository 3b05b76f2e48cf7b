/* Which constraint keeps a pod off a node, in words. */
#include "webhook/core/admit_parts.h"
#include "webhook/core/place.h"

static void put_pair(struct buf *out, struct span key, struct span value) {
    text_clean(out, key, 63);
    if (value.n) {
        buf_char(out, '=');
        text_clean(out, value, 40);
    }
}

static void put_taint(struct buf *out, const struct node_place *n, unsigned at) {
    const struct taint_at *t = &n->taint[at];
    put_pair(out, (struct span){n->text + t->at, t->key_n},
             (struct span){n->text + t->at + t->key_n, t->value_n});
    buf_str(out, t->effect == EFFECT_NO_EXECUTE ? ":NoExecute" : ":NoSchedule");
}

void place_words(const struct pod *p, const struct node_place *n, const struct place_ruling *r,
                 struct buf *out) {
    switch ((enum place_rule)r->rule) {
    case PLACE_BY_NAME:
        buf_str(out, "spec.nodeName is ");
        text_clean(out, p->node_name, 63);
        break;
    case PLACE_BY_SELECTOR:
        if (r->at < p->place.n_selector) {
            buf_str(out, "nodeSelector wants ");
            put_pair(out, p->place.selector[r->at].key, p->place.selector[r->at].value);
        }
        break;
    case PLACE_BY_AFFINITY:
        buf_str(out, "no term of the node affinity matches");
        break;
    case PLACE_BY_TAINT:
        if (r->at < n->n_taints) {
            buf_str(out, "taint ");
            put_taint(out, n, r->at);
            buf_str(out, " is not tolerated");
        }
        break;
    case PLACE_BY_STATE:
        if (r->at < n->n_taints) {
            buf_str(out, "Kubernetes has tainted it ");
            put_taint(out, n, r->at);
        }
        break;
    case PLACE_BY_NOTHING:
    case PLACE_RULES:
        break;
    }
}
