#include "webhook/codec/extender.h"
#include "webhook/codec/extender_nodes.h"

enum member { MEMBER_POD, MEMBER_VICTIMS, MEMBER_META, MEMBER_COUNT };
static const char *const member_names[MEMBER_COUNT] = {"Pod", "NodeNameToVictims",
                                                       "NodeNameToMetaVictims"};

/* Victims of all nodes one after the other; a node's first is a position, as the list may move. */
struct reading {
    struct json_scan *s;
    struct arena *a;
    struct pod pod;
    bool given[MEMBER_COUNT];
    bool meta; /* the form: UIDs alone, else whole pods */
    struct span *uid;
    uint32_t *first;
    struct preempt_node *node;
    uint32_t n_uid, cap_uid;
    uint32_t n_node, cap_node;
};

static bool no_memory(struct reading *r, struct err *e) {
    return scan_refuse(r->s, r->s->p, e, ERR_TOO_LARGE, "the list needs too much memory");
}

static bool uid_room(struct reading *r) {
    if (r->n_uid < r->cap_uid) {
        return true;
    }
    uint32_t cap = r->cap_uid ? r->cap_uid * 2 : 64;
    struct span *uid = ARENA_NEW(r->a, struct span, cap);
    if (!uid) {
        return false;
    }
    if (r->n_uid) {
        memcpy(uid, r->uid, r->n_uid * sizeof *uid);
    }
    r->uid = uid;
    r->cap_uid = cap;
    return true;
}

static bool node_room(struct reading *r) {
    if (r->n_node < r->cap_node) {
        return true;
    }
    uint32_t cap = r->cap_node ? r->cap_node * 2 : 64;
    struct preempt_node *node = ARENA_NEW(r->a, struct preempt_node, cap);
    uint32_t *first = ARENA_NEW(r->a, uint32_t, cap);
    if (!node || !first) {
        return false;
    }
    if (r->n_node) {
        memcpy(node, r->node, r->n_node * sizeof *node);
        memcpy(first, r->first, r->n_node * sizeof *first);
    }
    r->node = node;
    r->first = first;
    r->cap_node = cap;
    return true;
}

static bool uid_read(struct json_scan *s, struct span *uid, struct err *e) {
    bool plain = false;
    struct span raw = {0};
    if (!json_scan_str(s, &raw, &plain, e)) {
        return false;
    }
    if (!plain || raw.n == 0 || raw.n > PREEMPT_UID_MAX) {
        return scan_refuse(s, raw.p - 1, e, ERR_INPUT,
                           "wants the UID of a pod, 1 to 128 bytes without escapes");
    }
    *uid = raw;
    return true;
}
_Static_assert(PREEMPT_UID_MAX == 128, "the message of uid_read says 128");

static bool metadata_read(struct json_scan *s, struct span *uid, struct err *e) {
    return member_find(s, "uid", uid_read, uid, e);
}

static bool victim_read(struct reading *r, struct err *e) {
    struct json_scan *s = r->s;
    struct span uid = {0};
    (void)json_scan_kind(s, e); /* past the white space, to where the victim begins */
    const char *start = s->p;
    if (!(r->meta ? member_find(s, "UID", uid_read, &uid, e)
                  : member_find(s, "metadata", metadata_read, &uid, e))) {
        return false;
    }
    if (!uid.p) {
        return scan_refuse(s, start, e, ERR_INPUT, "wants the UID of a pod, found nothing");
    }
    if (!uid_room(r)) {
        return no_memory(r, e);
    }
    r->uid[r->n_uid++] = uid;
    return true;
}

static bool pods_read(struct reading *r, struct preempt_node *node, struct err *e) {
    if (!json_scan_open(r->s, '[', e)) {
        return false;
    }
    while (json_scan_item(r->s, e)) {
        if (node->n == PREEMPT_VICTIMS_MAX) {
            return scan_refuse(r->s, r->s->p, e, ERR_TOO_LARGE,
                               "more than 4096 victims on one node");
        }
        if (!victim_read(r, e)) {
            return false;
        }
        node->n++;
    }
    return !r->s->failed;
}
_Static_assert(PREEMPT_VICTIMS_MAX == 4096, "the message of pods_read says 4096");

static bool violations_read(struct json_scan *s, struct preempt_node *node, struct err *e) {
    struct span text = {0};
    bool number = json_scan_kind(s, e) == JSON_NUMBER;
    const char *start = s->p;
    if (s->failed || !json_scan_skip(s, &text, e)) {
        return false;
    }
    return (number && span_u64(text, JSON_U64_MAX, &node->violations)) ||
           scan_refuse(s, start, e, ERR_INPUT, "wants a whole number");
}

struct victims {
    struct reading *r;
    struct preempt_node *node;
};

static bool victims_take(void *ctx, unsigned which, struct err *e) {
    const struct victims *v = ctx;
    return which == 0 ? pods_read(v->r, v->node, e) : violations_read(v->r->s, v->node, e);
}

static bool victims_read(struct reading *r, struct preempt_node *node, struct err *e) {
    static const char *const names[] = {"Pods", "NumPDBViolations"};
    struct victims v = {.r = r, .node = node};
    const struct members members = {.name = names, .n = 2, .ctx = &v, .take = victims_take};
    return members_read(r->s, &members, e);
}

/* A key that the scanner has resolved does not stand in the text: it had escapes. */
static bool candidate_read(struct reading *r, struct node_list *names, struct span key,
                           struct err *e) {
    struct json_scan *s = r->s;
    struct span skipped = {0};
    bool plain = key.p >= s->start && key.p < s->end && span_find(key, '\\') == key.n;
    if (!plain) {
        return scan_refuse(s, s->p, e, ERR_INPUT,
                           "wants the name of a node, found a text with escapes");
    }
    if (!node_name_check(s, key, true, e) ||
        !node_add(s, names, key, node_name_hash(key), key, e)) {
        return false;
    }
    if (!node_room(r)) {
        return no_memory(r, e);
    }
    struct preempt_node *node = &r->node[r->n_node];
    *node = (struct preempt_node){.name = key};
    r->first[r->n_node] = r->n_uid;
    bool null = json_scan_kind(s, e) == JSON_NULL;
    if (s->failed || !(null ? json_scan_skip(s, &skipped, e) : victims_read(r, node, e))) {
        return false;
    }
    r->n_node++;
    return true;
}

static bool candidates_read(struct reading *r, struct err *e) {
    struct node_list names = {.arena = r->a};
    struct span key = {0};
    if (!node_list_new(&names, r->a, false, 64)) {
        return no_memory(r, e);
    }
    if (!json_scan_open(r->s, '{', e)) {
        return false;
    }
    while (json_scan_key(r->s, NULL, &key, e)) {
        if (!candidate_read(r, &names, key, e)) {
            return false;
        }
    }
    return !r->s->failed;
}

static bool member_take(void *ctx, unsigned which, struct err *e) {
    struct reading *r = ctx;
    if (which != MEMBER_POD && (r->given[MEMBER_VICTIMS] || r->given[MEMBER_META])) {
        return scan_refuse(r->s, r->s->p, e, ERR_INPUT,
                           "wants one of NodeNameToVictims and NodeNameToMetaVictims");
    }
    r->given[which] = true;
    r->meta = which == MEMBER_META;
    return which == MEMBER_POD ? pod_value_read(r->s, r->a, &r->pod, e) : candidates_read(r, e);
}

bool preempt_decode(struct span body, struct arena *a, struct preempt_args *out, struct err *e) {
    struct json_scan s = json_scan_new(body);
    struct reading r = {.s = &s, .a = a};
    const struct members members = {
        .name = member_names, .n = MEMBER_COUNT, .ctx = &r, .take = member_take};
    if (!members_read(&s, &members, e) || !json_scan_end(&s, e)) {
        return false;
    }
    if (!r.given[MEMBER_POD]) {
        return err_at(e, ERR_INPUT, "Pod", "wants a Pod, found nothing or null");
    }
    for (uint32_t i = 0; i < r.n_node; i++) {
        r.node[i].uid = r.node[i].n ? r.uid + r.first[i] : NULL;
    }
    *out = (struct preempt_args){.pod = r.pod, .node = r.node, .n = r.n_node};
    return true;
}

static void put_node(struct buf *out, const struct preempt_node *n, bool first) {
    buf_str(out, first ? "\"" : ",\"");
    buf_span(out, n->name);
    buf_str(out, "\":{\"Pods\":[");
    for (unsigned i = 0; i < n->n; i++) {
        buf_str(out, i ? ",{\"UID\":\"" : "{\"UID\":\"");
        buf_span(out, n->uid[i]);
        buf_str(out, "\"}");
    }
    buf_str(out, "],\"NumPDBViolations\":");
    buf_u64(out, n->violations);
    buf_char(out, '}');
}

bool preempt_encode(const struct preempt_args *args, preempt_judge *judge, void *ctx,
                    struct buf *out, struct err *e) {
    bool first = true;
    buf_str(out, "{\"NodeNameToMetaVictims\":{");
    for (unsigned i = 0; i < args->n; i++) {
        if (judge(ctx, &args->node[i])) {
            put_node(out, &args->node[i], first);
            first = false;
        }
    }
    buf_str(out, "}}");
    return buf_ok(out) || err_set(e, ERR_TOO_LARGE, "the answer would pass %zu bytes", out->max);
}
