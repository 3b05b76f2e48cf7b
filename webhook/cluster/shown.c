/* What nodes show of their wiring, kept beside what it is. */
#include <stdlib.h>

#include "webhook/cluster/cluster_inner.h"

/* Longer than anything tpguard writes; of others' text the beginning tells that it is not ours. */
#define WORD_MOST    64
#define MESSAGE_MOST 512
#define PARTS        9

static bool shows_anything(const struct node_marks *m) {
    return m->nvlink.p || m->nvlink_set.p || m->nvlink_free.p || m->stranded.p || m->status.p ||
           m->reason.p || m->message.p;
}

/* Both structs hold nothing but spans. */
static void parts_of(struct span *uid, struct node_marks *m, struct span *part[PARTS]) {
    struct span *const list[PARTS] = {uid,          &m->nvlink, &m->nvlink_set, &m->nvlink_free,
                                      &m->stranded, &m->status, &m->reason,     &m->message,
                                      &m->since};
    memcpy(part, list, sizeof list);
}

static bool same(struct span a, struct span b) {
    if (!a.p || !b.p) {
        return a.p == b.p;
    }
    return span_eq(a, b);
}

static bool all_same(struct shown_rec *kept, struct span *part[PARTS]) {
    struct span *old[PARTS];
    parts_of(&kept->uid, &kept->marks, old);
    for (unsigned i = 0; i < PARTS; i++) {
        if (!same(*old[i], *part[i])) {
            return false;
        }
    }
    return true;
}

static struct shown_rec *make(const struct shown_rec *from, size_t bytes) {
    struct shown_rec *r = malloc(sizeof *r + bytes);
    struct span *part[PARTS];
    if (!r) {
        return NULL;
    }
    *r = *from;
    parts_of(&r->uid, &r->marks, part);
    char *at = r->text;
    for (unsigned i = 0; i < PARTS; i++) {
        if (part[i]->p) {
            memcpy(at, part[i]->p, part[i]->n);
            part[i]->p = at;
            at += part[i]->n;
        }
    }
    return r;
}

bool content_put_shown(struct node_rec *r, const struct node_object *n, struct err *e) {
    struct shown_rec want = {.uid = n->uid, .marks = n->marks};
    struct span *part[PARTS];
    size_t bytes = 0;
    if (!r->gpus && r->topo_state == NODE_TOPO_MISSING && !shows_anything(&n->marks)) {
        free(r->shown);
        r->shown = NULL;
        return true;
    }
    parts_of(&want.uid, &want.marks, part);
    for (unsigned i = 0; i < PARTS; i++) {
        *part[i] = span_upto(*part[i], part[i] == &want.marks.message ? MESSAGE_MOST : WORD_MOST);
        bytes += part[i]->n;
    }
    if (r->shown && all_same(r->shown, part)) {
        return true;
    }
    struct shown_rec *fresh = make(&want, bytes);
    if (!fresh) {
        return content_fail_memory(e);
    }
    free(r->shown);
    r->shown = fresh;
    return true;
}

void cluster_shown_wiring(const struct cluster_shown *s, struct cluster_wiring *out) {
    struct cluster *c = s->of;
    *out = (struct cluster_wiring){
        .problem = span_of(content_node(c->content, s->at)->problem),
        .policy = &c->policy,
    };
    if (policy_shows_free(&c->policy)) {
        content_view(c->content, s->at, &c->policy, &out->view);
    } else {
        content_view_wiring(c->content, s->at, &c->policy, &out->view);
    }
}

bool cluster_each_shown(struct cluster *c, uint32_t *from, cluster_shown_visit *visit, void *ctx) {
    pthread_mutex_lock(&c->lock);
    const struct content *k = c->content;
    uint32_t at = *from;
    bool going = true;
    for (; going && at < k->nodes.n; at++) {
        const struct node_rec *r = content_node(k, at);
        if (!r->known || !r->shown) {
            continue;
        }
        const struct cluster_shown s = {.at = at,
                                        .name = node_rec_name(r),
                                        .uid = r->shown->uid,
                                        .marks = &r->shown->marks,
                                        .inputs = r->inputs + r->jumps,
                                        .books = policy_shows_free(&c->policy) ? r->gen : 0,
                                        .of = c};
        going = visit(ctx, &s);
    }
    bool all = at >= k->nodes.n;
    *from = all ? 0 : at;
    pthread_mutex_unlock(&c->lock);
    return all;
}
