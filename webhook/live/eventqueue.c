#include "webhook/live/eventqueue.h"

#include <stdlib.h>

#define SECOND_US INT64_C(1000000)

/* ---- one event ---- */

static bool keep_text(struct span from, char *to, size_t cap, struct span *out) {
    struct buf b = buf_over(to, cap);
    buf_span(&b, from);
    *out = buf_view(&b);
    return buf_ok(&b);
}

static bool keep_cstr(const char *from, char *to, size_t cap, const char **out) {
    struct span kept;
    *out = to;
    return keep_text(span_of(from), to, cap, &kept);
}

struct event_item *event_item_new(const struct event *ev) {
    struct event_item *i = calloc(1, sizeof *i);
    if (!i) {
        return NULL;
    }
    struct buf message = BUF_OVER(i->message);
    event_clean(ev->message, &message);
    i->ev.warning = ev->warning;
    i->ev.settles = ev->settles;
    i->ev.message = i->message;
    bool good =
        keep_cstr(ev->kind, i->kind, sizeof i->kind, &i->ev.kind) &&
        keep_cstr(ev->api_version, i->api_version, sizeof i->api_version, &i->ev.api_version) &&
        keep_cstr(ev->reason, i->reason, sizeof i->reason, &i->ev.reason) &&
        keep_cstr(ev->component, i->component, sizeof i->component, &i->ev.component) &&
        keep_text(ev->ns, i->ns, sizeof i->ns, &i->ev.ns) &&
        keep_text(ev->name, i->name, sizeof i->name, &i->ev.name) &&
        keep_text(ev->uid, i->uid, sizeof i->uid, &i->ev.uid);
    if (!good) {
        free(i);
        return NULL;
    }
    i->object = event_object(&i->ev);
    i->key = event_key(&i->ev);
    i->text = event_text(&i->ev);
    return i;
}

/* ---- what was said ---- */

static unsigned set_of(const struct event_item *i) {
    return (unsigned)((i->object ^ (i->object >> 32)) % KEEP_SETS);
}

static const struct event_kept *find(const struct event_keep *k, const struct event_item *i) {
    const struct event_kept *set = k->slot[set_of(i)];
    for (unsigned w = 0; w < KEEP_WAYS; w++) {
        if (set[w].object && set[w].key == i->key) {
            return &set[w];
        }
    }
    return NULL;
}

/* Something else was said of the object since. */
static bool is_overtaken(const struct event_keep *k, const struct event_item *i, int64_t at_us) {
    const struct event_kept *set = k->slot[set_of(i)];
    bool since = false;
    for (unsigned w = 0; w < KEEP_WAYS; w++) {
        since =
            since || (set[w].object == i->object && set[w].key != i->key && set[w].at_us > at_us);
    }
    return since;
}

bool event_keep_knows(const struct event_keep *k, const struct event_item *i) {
    return find(k, i) != NULL;
}

bool event_keep_repeats(const struct event_keep *k, const struct event_item *i, int64_t now_us) {
    const struct event_kept *was = find(k, i);
    return was && was->text == i->text && now_us - was->at_us < EVENT_SAME_S * SECOND_US &&
           !is_overtaken(k, i, was->at_us);
}

/* Where the fact stands, else a free place, else that of the one said longest ago. */
static void keep_said(struct event_keep *k, const struct event_item *i, int64_t now_us) {
    struct event_kept *set = k->slot[set_of(i)];
    struct event_kept *at = &set[0];
    for (unsigned w = 0; w < KEEP_WAYS; w++) {
        if (set[w].object && set[w].key == i->key) {
            at = &set[w];
            break;
        }
        bool older = at->object && (!set[w].object || set[w].at_us < at->at_us);
        at = older ? &set[w] : at;
    }
    *at = (struct event_kept){.object = i->object, .key = i->key, .text = i->text, .at_us = now_us};
}

static int64_t due(const struct event_keep *k, const struct event_item *i) {
    const struct event_kept *was = find(k, i);
    int64_t by_keep = was ? was->at_us + EVENT_OTHER_S * SECOND_US : INT64_MIN;
    return by_keep > i->not_before_us ? by_keep : i->not_before_us;
}

/* ---- what is to be said ---- */

static struct event_item *remove_at(struct event_queue *q, unsigned at) {
    struct event_item *i = q->item[at];
    q->n--;
    memmove(&q->item[at], &q->item[at + 1], (q->n - at) * sizeof q->item[0]);
    return i;
}

/* Position of the one of this fact; q->n: none. */
static unsigned position(const struct event_queue *q, uint64_t key) {
    unsigned at = 0;
    while (at < q->n && q->item[at]->key != key) {
        at++;
    }
    return at;
}

/* Something else of the object waits as well. */
static bool has_other(const struct event_queue *q, const struct event_item *i) {
    bool other = false;
    for (unsigned at = 0; at < q->n; at++) {
        other = other || (q->item[at]->object == i->object && q->item[at]->key != i->key);
    }
    return other;
}

static void drop(struct event_queue *q, unsigned at) {
    free(remove_at(q, at));
    q->repeated++;
}

static void append(struct event_queue *q, struct event_item *i) {
    if (q->n == EVENT_QUEUE) {
        free(remove_at(q, 0));
        q->dropped++;
    }
    q->item[q->n++] = i;
}

/* The newer text in the place of the older, so that one that changes all the time still gets its
 * turn; but behind what else is to be said of the object, so that the last word stays the last. */
static void replace(struct event_queue *q, unsigned at, struct event_item *i, bool other) {
    i->not_before_us = q->item[at]->not_before_us;
    if (other) {
        drop(q, at);
        append(q, i);
        return;
    }
    free(q->item[at]);
    q->item[at] = i;
    q->repeated++;
}

static void drop_others(struct event_queue *q, const struct event_item *i) {
    for (unsigned at = q->n; at-- > 0;) {
        if (q->item[at]->object == i->object && q->item[at]->key != i->key) {
            drop(q, at);
        }
    }
}

void event_queue_push(struct event_queue *q, const struct event_keep *k, struct event_item *i,
                      int64_t now_us) {
    if (i->ev.settles) {
        drop_others(q, i);
    }
    unsigned at = position(q, i->key);
    bool other = has_other(q, i);
    if (event_keep_repeats(k, i, now_us) && !other) {
        /* What waits is older news than what was said last, and that is true again. */
        if (at < q->n) {
            drop(q, at);
        }
        free(i);
        q->repeated++;
        return;
    }
    if (at < q->n) {
        replace(q, at, i, other);
        return;
    }
    append(q, i);
}

void event_queue_said(struct event_queue *q, struct event_keep *k, const struct event_item *i,
                      int64_t now_us) {
    unsigned at = position(q, i->key);
    keep_said(k, i, now_us);
    if (at < q->n && q->item[at]->text == i->text && !has_other(q, i)) {
        drop(q, at);
    }
}

void event_queue_back(struct event_queue *q, struct event_item *i) {
    unsigned at = position(q, i->key);
    if (at < q->n) {
        q->item[at]->not_before_us = i->not_before_us;
        free(i);
        q->repeated++;
        return;
    }
    append(q, i);
}

struct event_item *event_queue_take(struct event_queue *q, const struct event_keep *k,
                                    int64_t now_us, bool all, int64_t *when_us) {
    int64_t first = INT64_MAX;
    for (unsigned at = 0; at < q->n; at++) {
        int64_t when = due(k, q->item[at]);
        if (all || when <= now_us) {
            return remove_at(q, at);
        }
        first = when < first ? when : first;
    }
    *when_us = first;
    return NULL;
}

void event_queue_done(struct event_queue *q) {
    for (unsigned i = 0; i < q->n; i++) {
        free(q->item[i]);
    }
    q->n = 0;
}
