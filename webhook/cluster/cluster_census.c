/* All nodes counted, and each of them in name order, for one pod: the nodes' answers, and the pod's
 * own constraints against their labels and taints. */
#include <stdlib.h>

#include "webhook/cluster/cluster_inner.h"

/* A view costs more than an answer, and only few nodes get named: the first by name of each code
 * (apart by whether it could ever fit), and each that scores above all before. That is what
 * census_add would choose among all of them. Nodes that the pod may not use: apart. */
struct naming {
    bool seen[REASON_COUNT][2];
    int best; /* -1 none */
};

static bool is_worth_naming(struct naming *n, const struct node_answer *a) {
    if (a->code == REASON_NONE) {
        bool better = (int)a->score > n->best;
        n->best = better ? (int)a->score : n->best;
        return better;
    }
    bool *seen = &n->seen[a->code < REASON_COUNT ? a->code : REASON_NODE_UNKNOWN][a->ever];
    bool first = !*seen;
    *seen = true;
    return first;
}

/* For counts and lists of all nodes: kube-scheduler leaves cordoned ones out before it asks. (Not
 * in the answer itself: pods that tolerate the cordon are asked about all the same.) */
static void mind_cordon(const struct node_rec *r, struct node_answer *a) {
    if (a->code == REASON_NONE && !r->schedulable) {
        a->code = REASON_NODE_CORDONED;
        a->score = 0;
    }
}

/* One node for one pod. */
struct met {
    struct node_answer answer;
    bool off; /* the pod may not use it */
    struct place_ruling ruling;
    struct node_place place;
};

static void meet(struct cluster *c, const struct question *q, const struct pod *pod, uint32_t at,
                 struct met *out) {
    const struct node_rec *r = content_node(c->content, at);
    cluster_answer_at(c, q, at, &out->answer);
    mind_cordon(r, &out->answer);
    out->off = false;
    if (!pod || out->answer.code == REASON_NO_GPU || out->answer.code == REASON_NODE_UNKNOWN) {
        return;
    }
    place_unpack(r->place, &out->place);
    place_judge(pod, node_rec_name(r), &out->place, &out->ruling);
    out->off = out->ruling.answer == PLACE_NO;
}

struct counting {
    struct cluster *c;
    const struct question *q;
    const struct pod *pod;
    struct naming allowed, off;
    uint32_t nearest;
    struct census *out;
};

static void count_off(struct counting *k, uint32_t at, const struct met *m) {
    char text[PLACE_WORDS_TEXT + 1];
    struct buf why = BUF_OVER(text);
    struct node_view view;
    bool name = is_worth_naming(&k->off, &m->answer);
    if (name) {
        content_view(k->c->content, at, &k->c->policy, &view);
        place_words(k->pod, &m->place, &m->ruling, &why);
    }
    census_add_off(k->out, name ? &view : NULL, &m->answer, (enum place_rule)m->ruling.rule,
                   buf_view(&why));
}

static void count_one(struct counting *k, uint32_t at) {
    struct met m;
    meet(k->c, k->q, k->pod, at, &m);
    if (m.off) {
        count_off(k, at, &m);
        return;
    }
    struct node_view view;
    bool name = is_worth_naming(&k->allowed, &m.answer);
    if (name) {
        content_view(k->c->content, at, &k->c->policy, &view);
    }
    census_add(k->out, name ? &view : NULL, k->q->shape, &m.answer);
    if (name && k->out->nearest.set && span_eq(span_of(k->out->nearest.name), view.name)) {
        k->nearest = at;
    }
}

static void count(struct cluster *c, const struct question *q, const struct pod *pod,
                  struct census *out) {
    struct content *all = c->content;
    struct counting k = {.c = c,
                         .q = q,
                         .pod = pod,
                         .allowed.best = -1,
                         .off.best = -1,
                         .nearest = INDEX_NONE,
                         .out = out};
    /* Without memory for the order the counts are still right. */
    bool sorted = content_sort(all);
    for (uint32_t i = 0; i < (sorted ? all->n_order : all->nodes.n); i++) {
        uint32_t at = sorted ? all->order[i] : i;
        if (content_node(all, at)->known) {
            count_one(&k, at);
        }
    }
    if (k.nearest != INDEX_NONE && out->nearest.answer.has_set) {
        struct node_view view;
        struct buf holder = BUF_OVER(out->nearest.holder);
        content_view(all, k.nearest, &c->policy, &view);
        cluster_put_holders(all, k.nearest, view.topo, out->nearest.answer.set, &holder);
    }
}

/* ---- counts that are kept ---- */

static bool census_kept(struct cluster *c, const struct question *q, struct census *out) {
    const struct answers_of *of = q->of;
    if (!of || !of->census || of->census_gen != c->content->next_gen ||
        q->now >= of->census_until) {
        return false;
    }
    *out = *of->census;
    c->kept++;
    return true;
}

/* When time alone may change one of the answers. */
static int64_t good_until(const struct cluster *c, const struct answers_of *of) {
    int64_t until = INT64_MAX;
    for (uint32_t i = 0; i < c->content->nodes.n; i++) {
        bool sooner = of->kept[i].gen && of->kept[i].until < until;
        until = sooner ? of->kept[i].until : until;
    }
    return until;
}

/* Without memory nothing is kept, and the next one counts again. */
static void census_keep(struct cluster *c, const struct question *q, const struct census *counted) {
    struct answers_of *of = q->of;
    if (!of || (!of->census && !(of->census = malloc(sizeof *of->census)))) {
        return;
    }
    *of->census = *counted;
    of->census_gen = c->content->next_gen;
    of->census_until = good_until(c, of);
}

static void count_all(struct cluster *c, const struct question *q, struct census *out) {
    if (!census_kept(c, q, out)) {
        count(c, q, NULL, out);
        census_keep(c, q, out);
    }
}

/* Pods of one controller ask the same of their nodes. */
static void count_own(struct cluster *c, const struct question *q, const struct pod *pod,
                      struct census *out) {
    unsigned char key[PLACE_KEY_MAX];
    struct answers_of *of = q->of;
    unsigned n = of ? place_key(pod, key) : 0;
    struct own_census *own = of ? of->own : NULL;
    bool same = own && n && own->key_n == n && memcmp(own->key, key, n) == 0;
    if (same && own->gen == c->content->next_gen && q->now < own->until) {
        *out = own->census;
        c->kept++;
        return;
    }
    count(c, q, pod, out);
    if (!n || (!own && !(own = malloc(sizeof *own)))) {
        return;
    }
    of->own = own;
    own->census = *out;
    own->gen = c->content->next_gen;
    own->until = good_until(c, of);
    own->key_n = n;
    memcpy(own->key, key, n);
}

/* Can anything keep this pod off a node? Mostly nothing does. */
static const struct pod *with_constraints(const struct content *k, const struct pod *p) {
    return p && (place_asks(p) || k->n_tainted) ? p : NULL;
}

void cluster_census(struct cluster *c, const struct cluster_ask *ask, struct census *out) {
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&c->lock);
    struct question q = {.shape = ask->shape,
                         .of = answers_for(&c->answers, ask->shape, c->content->nodes.n),
                         .now = ask->now};
    const struct pod *pod = with_constraints(c->content, ask->pod);
    if (pod) {
        count_own(c, &q, pod, out);
    } else {
        count_all(c, &q, out);
    }
    pthread_mutex_unlock(&c->lock);
}

void cluster_each(struct cluster *c, const struct cluster_ask *ask, cluster_visit *visit,
                  void *ctx) {
    pthread_mutex_lock(&c->lock);
    struct content *k = c->content;
    bool going = content_sort(k);
    struct question q = {.shape = ask->shape,
                         .of = answers_for(&c->answers, ask->shape, k->nodes.n),
                         .now = ask->now};
    for (uint32_t i = 0; going && i < k->n_order; i++) {
        char text[PLACE_WORDS_TEXT + 1];
        struct buf why = BUF_OVER(text);
        struct met m;
        struct node_view view;
        const struct node_rec *r = content_node(k, k->order[i]);
        meet(c, &q, ask->pod, k->order[i], &m);
        if (m.off) {
            m.answer.code = REASON_NODE_NOT_ALLOWED;
            m.answer.score = 0;
            place_words(ask->pod, &m.place, &m.ruling, &why);
        }
        content_view(k, k->order[i], &c->policy, &view);
        struct cluster_node_info info = {.view = &view,
                                         .answer = &m.answer,
                                         .why = buf_cstr(&why),
                                         .problem = r->problem ? r->problem : "",
                                         .source = r->source,
                                         .observed_at = r->observed_at};
        going = visit(ctx, &info);
    }
    pthread_mutex_unlock(&c->lock);
}
