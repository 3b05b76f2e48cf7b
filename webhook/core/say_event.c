#include "webhook/core/say_event.h"

#include "webhook/core/admit_parts.h"

/* ---- why a pod waits ---- */

bool event_waits(const struct shape *s, const struct census *asked, const struct decision *d) {
    if (!d->n_reasons) {
        return false;
    }
    if (d->verdict == VERDICT_DENY) {
        return true; /* made before tpguard, or let pass by a mode since changed */
    }
    bool place = d->verdict == VERDICT_WAIT || d->verdict == VERDICT_UNKNOWN;
    return place && !asked->fits && (s->tp > 1 || s->pinned);
}

/* What it would cost to run all the same. */
static void put_saved(const struct cost_view *v, struct buf *out) {
    const struct cost_line *many = &v->line[1];
    if (!v->known || many->pcie_us <= many->nvlink_us) {
        return;
    }
    if (v->model_known) {
        buf_fmt(out, " Across PCIe its %u all-reduces per step at %u streams", v->allreduces,
                (unsigned)many->tokens);
    } else {
        buf_fmt(out, " Across PCIe the all-reduces of a step at %u streams",
                (unsigned)many->tokens);
    }
    buf_str(out, " would take about ");
    text_us(out, many->pcie_us);
    buf_str(out, " instead of ");
    text_us(out, many->nvlink_us);
    if (!v->model_known) {
        buf_fmt(out, " (reckoned for %u layers)", v->layers);
    }
    buf_char(out, '.');
}

void event_waiting(const struct decision *d, struct buf *out) {
    const struct said *first = &d->reason[0];
    enum reason code = (enum reason)first->code;
    buf_str(out, first->sentence);
    /* The sentence about a pin across PCIe has the cost in it. */
    bool saves = place_known(code) && code != REASON_NODE_NOT_ALLOWED;
    if (saves || code == REASON_NO_GPU_NODES) {
        put_saved(&d->cost, out);
    }
}

/* ---- which set a pod got ---- */

/* The pair of the set that has least. */
static void read_lanes(const struct node_view *n, struct gpuset set, struct set_view *out) {
    const struct topo *t = n->topo;
    out->expected = EXPECTED_UNKNOWN;
    for (GPUSET_EACH(a, set)) {
        struct gpuset peers = gpuset_and(n->health->adj[a], set);
        for (GPUSET_EACH(b, peers)) {
            unsigned lanes = t->wire[a][b].kind == WIRE_NVLINK ? t->wire[a][b].lanes : 0;
            if (lanes && (!out->lanes || lanes < out->lanes)) {
                out->lanes = (uint8_t)lanes;
                out->expected = t->expected[a][b];
            }
        }
    }
}

/* Why GPUs are stranded, where it is the wire between two of them. */
static uint8_t stranded_state(const struct health *h, struct gpuset stranded) {
    uint8_t worst = PAIR_UNKNOWN;
    for (GPUSET_EACH(a, stranded)) {
        for (GPUSET_EACH(b, stranded)) {
            uint8_t state = h->pair[a][b];
            bool tells = a != b && (state == PAIR_DOWN || state == PAIR_DEGRADED);
            worst = tells && worst != PAIR_DOWN ? state : worst;
        }
    }
    return worst;
}

/* Pods whose GPUs nobody has reported: told apart from the rest only where a set was reserved for
 * each of them. */
static bool is_told(const struct node_view *n) {
    unsigned pending = 0;
    for (unsigned i = 0; i < n->pending.n; i++) {
        pending += n->pending.size[i];
    }
    return pending <= gpuset_count(gpuset_minus(n->planned, n->busy));
}

void set_view_of(const struct node_view *n, struct gpuset set, struct set_view *out) {
    static const struct set_view nothing;
    *out = nothing;
    if (!n->topo || !n->health) {
        return;
    }
    const struct health *h = n->health;
    struct gpuset taken = gpuset_or(gpuset_or(n->busy, n->planned), set);
    struct gpuset left = gpuset_minus(h->all, taken);
    struct gpuset stranded = fit_stranded(h, left);
    struct buf list = BUF_OVER(out->stranded);
    out->known = true;
    out->nvswitch = n->topo->nvswitch;
    out->left_known = is_told(n);
    out->left_set = (uint8_t)fit_largest(h, FIT_NOW, left);
    out->stranded_state = stranded_state(h, stranded);
    read_lanes(n, set, out);
    topo_set_text(n->topo, stranded, &list);
    if (!buf_ok(&list)) {
        out->stranded[0] = '\0';
    }
}

static void put_lanes(const struct set_view *v, struct buf *out) {
    bool judged = v->expected != EXPECTED_UNKNOWN && v->expected;
    bool short_of = judged && v->lanes < v->expected;
    buf_str(out, short_of ? "NVLink degraded, " : "NVLink healthy, ");
    if (judged) {
        buf_fmt(out, "%u of %u lanes", (unsigned)v->lanes, (unsigned)v->expected);
    } else {
        buf_fmt(out, "%u lane%s", (unsigned)v->lanes, v->lanes == 1 ? "" : "s");
    }
}

static void put_left(const struct set_view *v, struct buf *out) {
    bool set = v->left_set > 1;
    bool singles = v->stranded[0] != '\0';
    if (!set && !singles) {
        buf_str(out, " No usable GPU is left free on the node.");
        return;
    }
    buf_str(out, " Left on the node: ");
    if (set && v->left_set == 2) {
        buf_str(out, "an NVLink pair");
    } else if (set) {
        buf_fmt(out, "an NVLink set of %u GPUs", (unsigned)v->left_set);
    }
    if (singles) {
        buf_fmt(out, "%s%s for TP=1", set ? ", and " : "", v->stranded);
        const char *wire = v->nvswitch ? "links" : "bridge";
        if (v->stranded_state == PAIR_DOWN) {
            buf_fmt(out, " (%s down)", wire);
        } else if (v->stranded_state == PAIR_DEGRADED) {
            buf_str(out, " (lanes missing)");
        }
    }
    buf_char(out, '.');
}

void event_reserved(const struct reserved *r, struct buf *out) {
    const struct set_view *v = r->set;
    if (r->groups > 1) {
        buf_fmt(out, "%u x ", (unsigned)r->groups);
    }
    buf_fmt(out, "TP=%u on ", (unsigned)r->tp);
    text_clean(out, span_of(r->node), 63);
    buf_fmt(out, " GPUs %s", r->gpus);
    if (v->known && v->lanes) {
        buf_str(out, ": ");
        put_lanes(v, out);
    }
    /* The stock plugin takes a linked set; which of several, it does not ask. */
    if (r->plugin && !r->pinned && v->left_set >= r->tp) {
        buf_str(out, " (the device plugin may take another healthy set)");
    }
    buf_char(out, '.');
    if (v->known && v->left_known) {
        put_left(v, out);
    }
}
