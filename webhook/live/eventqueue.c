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
    i->key = event_key(&i->ev);
    i->text = event_text_hash(&i->ev);
    return i;
}

/* ---- what was said ---- */

static unsigned set_of(uint64_t key) {
    return (unsigned)((key ^ (key >> 32)) % KEEP_SETS);
}

static const struct event_kept *find(const struct event_keep *k, uint64_t key) {
    const struct event_kept *set = k->slot[set_of(key)];
    for (unsigned i = 0; i < KEEP_WAYS; i++) {
        if (set[i].key == key) {
            return &set[i];
        }
    }
    return NULL;
}

bool event_keep_knows(const struct event_keep *k, uint64_t key) {
    return find(k, key) != NULL;
}

bool event_keep_repeats(const struct event_keep *k, const struct event_item *i, int64_t now_us) {
    const struct event_kept *was = find(k, i->key);
    return was && was->text == i->text && now_us - was->at_us < EVENT_SAME_S * SECOND_US;
}

/* Where the fact stands, else a free place, else that of the one said longest ago. */
void event_keep_said(struct event_keep *k, const struct event_item *i, int64_t now_us) {
    struct event_kept *set = k->slot[set_of(i->key)];
    struct event_kept *at = &set[0];
    for (unsigned w = 0; w < KEEP_WAYS; w++) {
        if (set[w].key == i->key) {
            at = &set[w];
            break;
        }
        bool older = at->key && (!set[w].key || set[w].at_us < at->at_us);
        at = older ? &set[w] : at;
    }
    *at = (struct event_kept){.key = i->key, .text = i->text, .at_us = now_us};
}

static int64_t due(const struct event_keep *k, const struct event_item *i) {
    const struct event_kept *was = find(k, i->key);
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

static void append(struct event_queue *q, struct event_item *i) {
    if (q->n == EVENT_QUEUE) {
        free(remove_at(q, 0));
        q->dropped++;
    }
    q->item[q->n++] = i;
}

void event_queue_push(struct event_queue *q, const struct event_keep *k, struct event_item *i,
                      int64_t now_us) {
    unsigned at = position(q, i->key);
    if (event_keep_repeats(k, i, now_us)) {
        /* What waits is older news than what was said last, and is true again. */
        if (at < q->n) {
            free(remove_at(q, at));
            q->repeated++;
        }
        free(i);
        q->repeated++;
        return;
    }
    if (at < q->n) {
        /* In its place, so that a text that changes all the time still gets its turn. */
        i->not_before_us = q->item[at]->not_before_us;
        free(q->item[at]);
        q->item[at] = i;
        q->repeated++;
        return;
    }
    append(q, i);
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
    unsigned at = 0;
    while (at < q->n) {
        struct event_item *i = q->item[at];
        int64_t when = due(k, i);
        if (event_keep_repeats(k, i, now_us)) {
            free(remove_at(q, at));
            q->repeated++;
            continue;
        }
        if (all || when <= now_us) {
            return remove_at(q, at);
        }
        first = when < first ? when : first;
        at++;
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
