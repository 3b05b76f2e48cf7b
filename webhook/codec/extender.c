#include "webhook/codec/extender.h"

#include "topology/jw.h"
#include "webhook/codec/extender_nodes.h"
#include "webhook/codec/object.h"

/* Members of Nodes but its items, as they are written in front of "items" in an answer. */
struct list_head {
    struct span kind;
    struct span api_version;
    struct span metadata;
};

static bool head_write(const struct list_head *h, struct arena *a, struct span *out,
                       struct err *e) {
    struct buf text = buf_new(h->kind.n + h->api_version.n + h->metadata.n + 64);
    struct jw w = jw_new(&text, 0);
    jw_object(&w);
    if (h->kind.p) {
        jw_key(&w, "kind");
        jw_raw(&w, h->kind);
    }
    if (h->api_version.p) {
        jw_key(&w, "apiVersion");
        jw_raw(&w, h->api_version);
    }
    jw_key(&w, "metadata");
    jw_raw(&w, h->metadata.p ? h->metadata : SPAN("{}"));
    bool done = buf_ok(&text) && arena_span(a, buf_view(&text), out);
    buf_done(&text);
    return done || err_set(e, ERR_TOO_LARGE, "the list of nodes is too large");
}

static bool nodes_member(struct json_scan *s, struct span key, struct list_head *head,
                         struct err *e) {
    struct span skipped = {0};
    const struct {
        const char *name;
        struct span *to;
    } rows[] = {
        {"kind", &head->kind}, {"apiVersion", &head->api_version}, {"metadata", &head->metadata}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (key_is(s, key, rows[i].name, e)) {
            return json_scan_skip(s, rows[i].to, e);
        }
        if (s->failed) {
            return false;
        }
    }
    return json_scan_skip(s, &skipped, e);
}

static void take_list(struct extender_args *args, const struct node_list *l) {
    args->n = l->n;
    args->name = l->name;
    args->node = l->node;
}

static bool names_value(struct json_scan *s, struct arena *a, struct extender_args *args,
                        struct err *e) {
    struct node_list l = {0};
    if (!names_read(s, a, &l, e)) {
        return false;
    }
    take_list(args, &l);
    return true;
}

static bool items_value(struct json_scan *s, struct arena *a, struct extender_args *args,
                        struct err *e) {
    struct node_list l = {0};
    struct span skipped = {0};
    bool null = json_scan_kind(s, e) == JSON_NULL;
    if (s->failed) {
        return false;
    }
    if (!(null ? json_scan_skip(s, &skipped, e) : items_read(s, a, &l, e))) {
        return false;
    }
    take_list(args, &l);
    return true;
}

static bool nodes_value(struct json_scan *s, struct arena *a, struct extender_args *args,
                        struct err *e) {
    struct json_seen seen = {0};
    struct list_head head = {0};
    struct span key = {0};
    if (!json_scan_open(s, '{', e)) {
        return false;
    }
    while (json_scan_key(s, &seen, &key, e)) {
        bool ours = key_is(s, key, "items", e);
        if (s->failed) {
            return false;
        }
        if (!(ours ? items_value(s, a, args, e) : nodes_member(s, key, &head, e))) {
            return false;
        }
    }
    return !s->failed && head_write(&head, a, &args->nodes_head, e);
}

bool pod_value_read(struct json_scan *s, struct arena *a, struct pod *out, struct err *e) {
    struct span text = {0};
    const struct json *root = NULL;
    if (!json_scan_skip(s, &text, e)) {
        return false;
    }
    return (json_parse(text, a, &root, e) && pod_decode(root, a, out, e)) || err_in(e, "Pod");
}

/* Which of the n names a key is; n: none of them. A key beyond ASCII may be one of them to a reader
 * that folds case as Go does ("Nodes" with a long s), so there is none of those. */
static bool key_find(struct json_scan *s, struct span key, const struct members *m, unsigned *at,
                     struct err *e) {
    for (size_t i = 0; i < key.n; i++) {
        if ((unsigned char)key.p[i] >= 0x80) {
            return scan_refuse(s, s->p, e, ERR_INPUT, "wants a key in ASCII");
        }
    }
    unsigned which = 0;
    while (which < m->n && !key_is(s, key, m->name[which], e) && !s->failed) {
        which++;
    }
    *at = which;
    return !s->failed;
}

bool members_read(struct json_scan *s, const struct members *m, struct err *e) {
    struct json_seen seen = {0};
    struct span key = {0};
    struct span skipped = {0};
    if (!json_scan_open(s, '{', e)) {
        return false;
    }
    while (json_scan_key(s, &seen, &key, e)) {
        unsigned which = m->n;
        if (!key_find(s, key, m, &which, e)) {
            return false;
        }
        bool null = json_scan_kind(s, e) == JSON_NULL;
        if (s->failed) {
            return false;
        }
        bool ours = which < m->n && !null;
        if (!(ours ? m->take(m->ctx, which, e) : json_scan_skip(s, &skipped, e))) {
            return false;
        }
    }
    return !s->failed;
}

enum member { MEMBER_POD, MEMBER_NODES, MEMBER_NAMES, MEMBER_COUNT };
static const char *const member_names[MEMBER_COUNT] = {"Pod", "Nodes", "NodeNames"};

struct reading {
    struct json_scan *s;
    struct arena *a;
    struct extender_args *args;
    bool given[MEMBER_COUNT];
};

static bool member_take(void *ctx, unsigned which, struct err *e) {
    struct reading *r = ctx;
    r->given[which] = true;
    switch ((enum member)which) {
    case MEMBER_POD:
        return pod_value_read(r->s, r->a, &r->args->pod, e);
    case MEMBER_NODES:
        return nodes_value(r->s, r->a, r->args, e);
    case MEMBER_NAMES:
        return names_value(r->s, r->a, r->args, e);
    case MEMBER_COUNT:
        break;
    }
    return false;
}

bool extender_decode(struct span body, struct arena *a, struct extender_args *out, struct err *e) {
    struct json_scan s = json_scan_new(body);
    struct extender_args args = {0};
    struct reading r = {.s = &s, .a = a, .args = &args};
    const struct members members = {
        .name = member_names, .n = MEMBER_COUNT, .ctx = &r, .take = member_take};
    if (!members_read(&s, &members, e) || !json_scan_end(&s, e)) {
        return false;
    }
    if (!r.given[MEMBER_POD]) {
        return err_at(e, ERR_INPUT, "Pod", "wants a Pod, found nothing or null");
    }
    if (r.given[MEMBER_NODES] && r.given[MEMBER_NAMES]) {
        return err_at(e, ERR_INPUT, "NodeNames",
                      "wants one of Nodes and NodeNames, found both: which one the scheduler will "
                      "read in the answer cannot be told");
    }
    args.form = r.given[MEMBER_NAMES]   ? EXTENDER_NAMES
                : r.given[MEMBER_NODES] ? EXTENDER_NODES
                                        : EXTENDER_NONE;
    *out = args;
    return true;
}
