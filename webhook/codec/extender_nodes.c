#include "webhook/codec/extender_nodes.h"

#include "topology/buf.h"
#include "topology/json_path.h"
#include "webhook/codec/extender.h"

bool scan_refuse(struct json_scan *s, const char *at, struct err *e, enum err_code code,
                 const char *msg) {
    s->failed = true;
    if (!e) {
        return false;
    }
    char text[ERR_PATH_MAX];
    struct buf path = BUF_OVER(text);
    json_path_at((struct span){s->start, (size_t)(at - s->start)}, &path);
    return err_at(e, code, text, "%s", msg);
}

bool key_is(struct json_scan *s, struct span key, const char *want, struct err *e) {
    if (span_is(key, want)) {
        return true;
    }
    if (span_ieq(key, span_of(want))) {
        char msg[96];
        struct buf b = BUF_OVER(msg);
        buf_fmt(&b, "key \"" SPAN_FMT "\" where \"%s\" was expected", SPAN_ARG(key), want);
        return scan_refuse(s, s->p, e, ERR_INPUT, msg);
    }
    return false;
}

bool node_add(struct json_scan *s, struct node_list *l, struct span name, uint64_t hash,
              struct span node, struct err *e) {
    const char *at = name.p - 1;
    if (l->n == EXTENDER_NODES_MAX) {
        return scan_refuse(s, at, e, ERR_TOO_LARGE, "more than 200000 nodes in one call");
    }
    switch (node_list_add(l, name, hash, node)) {
    case NODE_ADDED:
        return true;
    case NODE_TWICE:
        return scan_refuse(s, at, e, ERR_INPUT, "this node is named twice");
    case NODE_NO_MEMORY:
        return scan_refuse(s, at, e, ERR_TOO_LARGE, "the list needs too much memory");
    case NODE_CROWDED:
        break;
    }
    return scan_refuse(s, at, e, ERR_TOO_LARGE, "too many names that hash alike");
}
_Static_assert(EXTENDER_NODES_MAX == 200000, "the message of node_add says 200000");

bool node_name_check(struct json_scan *s, struct span raw, bool plain, struct err *e) {
    if (!plain) {
        return scan_refuse(s, raw.p - 1, e, ERR_INPUT,
                           "wants the name of a node, found a text with escapes");
    }
    if (raw.n == 0 || raw.n > NODE_NAME_BYTES_MAX) {
        return scan_refuse(s, raw.p - 1, e, ERR_INPUT,
                           raw.n ? "wants the name of a node, found more than 253 bytes"
                                 : "wants the name of a node, found an empty text");
    }
    return true;
}

static bool name_read(struct json_scan *s, struct span *name, struct err *e) {
    bool plain = false;
    struct span raw = {0};
    if (!json_scan_str(s, &raw, &plain, e) || !node_name_check(s, raw, plain, e)) {
        return false;
    }
    *name = raw;
    return true;
}
_Static_assert(NODE_NAME_BYTES_MAX == 253, "the message of name_read says 253");

/* What an element takes in a usual text. Guessed too low costs a copy, too high some memory. */
#define NAME_BYTES_USUAL 24
#define NODE_BYTES_USUAL 2048

static bool list_open(struct json_scan *s, struct node_list *l, bool nodes, struct err *e) {
    size_t guess = (size_t)(s->end - s->p) / (nodes ? NODE_BYTES_USUAL : NAME_BYTES_USUAL);
    uint32_t expected = (uint32_t)(guess < EXTENDER_NODES_MAX ? guess : EXTENDER_NODES_MAX);
    if (!json_scan_open(s, '[', e)) {
        return false;
    }
    return node_list_new(l, l->arena, nodes, expected) ||
           scan_refuse(s, s->p, e, ERR_TOO_LARGE, "the list needs too much memory");
}

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ctz finds the first byte of a word");

/* A high bit for each byte that is a quote, a backslash, a control character or not ASCII. Borrows
 * may set wrong ones, but only above the first right one. */
static uint64_t odd_bytes(uint64_t w) {
    uint64_t quote = w ^ (ONES * '"');
    uint64_t back = w ^ (ONES * '\\');
    return (((quote - ONES) & ~quote) | ((back - ONES) & ~back) | ((w - ONES * 0x20) & ~w) | w) &
           HIGHS;
}

/* The name that comes, read and hashed in one go, when it is as names are and not the last thing
 * in the text; false, nothing moved: the scanner shall read it and say what is wrong. A list of
 * 100,000 names is read for every pod that is scheduled, and this halves it. */
static bool quick_name(struct json_scan *s, struct span *name, uint64_t *hash) {
    const char *p = s->p + 1;
    uint64_t h = 0;
    if (s->p == s->end || *s->p != '"') {
        return false;
    }
    while (s->end - p >= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        uint64_t odd = odd_bytes(word);
        if (odd) {
            unsigned n = (unsigned)__builtin_ctzll(odd) / 8;
            size_t length = (size_t)(p + n - s->p) - 1;
            if (p[n] != '"' || length == 0 || length > NODE_NAME_BYTES_MAX) {
                return false;
            }
            *hash = node_hash_end(node_hash_step(h, word & (((uint64_t)1 << n * 8) - 1)));
            *name = (struct span){s->p + 1, length};
            s->p = p + n + 1;
            return true;
        }
        h = node_hash_step(h, word);
        p += sizeof word;
    }
    return false;
}

/* json_scan_item without its call where the next element follows as Go writes it. */
static bool next_item(struct json_scan *s, struct err *e) {
    if (!s->first && s->end - s->p >= 2 && s->p[0] == ',' && s->p[1] == '"') {
        s->p++;
        return true;
    }
    return json_scan_item(s, e);
}

bool names_read(struct json_scan *s, struct arena *a, struct node_list *out, struct err *e) {
    struct node_list l = {.arena = a};
    if (!list_open(s, &l, false, e)) {
        return false;
    }
    while (next_item(s, e)) {
        struct span name = {0};
        uint64_t hash = 0;
        if (!quick_name(s, &name, &hash)) {
            if (!name_read(s, &name, e)) {
                return false;
            }
            hash = node_name_hash(name);
        }
        if (!node_add(s, &l, name, hash, name, e)) {
            return false;
        }
    }
    *out = l;
    return !s->failed;
}

bool member_find(struct json_scan *s, const char *want, member_read *read, struct span *name,
                 struct err *e) {
    struct json_seen seen = {0};
    struct span key = {0};
    struct span skipped = {0};
    if (!json_scan_open(s, '{', e)) {
        return false;
    }
    while (json_scan_key(s, &seen, &key, e)) {
        bool done = key_is(s, key, want, e) ? read(s, name, e)
                                            : !s->failed && json_scan_skip(s, &skipped, e);
        if (!done) {
            return false;
        }
    }
    return !s->failed;
}

static bool metadata_read(struct json_scan *s, struct span *name, struct err *e) {
    return member_find(s, "name", name_read, name, e);
}

static bool item_read(struct json_scan *s, struct node_list *l, struct err *e) {
    struct span name = {0};
    (void)json_scan_kind(s, e); /* past the white space, to where the node begins */
    const char *start = s->p;
    if (!member_find(s, "metadata", metadata_read, &name, e)) {
        return false;
    }
    if (!name.p) {
        return scan_refuse(s, start, e, ERR_INPUT, "wants a metadata.name, found nothing");
    }
    return node_add(s, l, name, node_name_hash(name), (struct span){start, (size_t)(s->p - start)},
                    e);
}

bool items_read(struct json_scan *s, struct arena *a, struct node_list *out, struct err *e) {
    struct node_list l = {.arena = a};
    if (!list_open(s, &l, true, e)) {
        return false;
    }
    while (json_scan_item(s, e)) {
        if (!item_read(s, &l, e)) {
            return false;
        }
    }
    *out = l;
    return !s->failed;
}
