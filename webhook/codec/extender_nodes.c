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

/* Names seen, by hash: open addressing, never more than half full. Probes have a bound, so that a
 * list made of names that hash alike is refused instead of costing its square. */
#define PROBES_MAX 512
#define SLOTS_MIN  1024

struct slot {
    uint32_t tag; /* the upper half of the hash, never 0; 0 = free */
    uint32_t at;  /* where the name starts in the list's text */
};

struct seen_names {
    struct arena *arena;
    const char *base;
    struct slot *slots;
    uint32_t mask; /* slots - 1 */
    uint32_t n;
};

static uint64_t hash_of(struct span s) {
    uint64_t h = s.n * 0x9E3779B97F4A7C15U;
    uint64_t word = 0;
    size_t i = 0;
    for (; i + sizeof word <= s.n; i += sizeof word) {
        memcpy(&word, s.p + i, sizeof word);
        h = (h ^ word) * 0x9E3779B97F4A7C15U;
        h ^= h >> 29;
    }
    word = 0;
    memcpy(&word, s.p + i, s.n - i);
    h = (h ^ word) * 0xBF58476D1CE4E5B9U;
    return h ^ h >> 32;
}

static bool seen_grow(struct seen_names *seen) {
    uint32_t count = seen->slots ? (seen->mask + 1) * 2 : SLOTS_MIN;
    struct slot *slots = ARENA_NEW(seen->arena, struct slot, count);
    if (!slots) {
        return false;
    }
    uint32_t mask = count - 1;
    for (uint32_t i = 0; seen->slots && i <= seen->mask; i++) {
        struct slot old = seen->slots[i];
        uint32_t to = old.tag & mask;
        while (old.tag && slots[to].tag) {
            to = (to + 1) & mask;
        }
        if (old.tag) {
            slots[to] = old;
        }
    }
    seen->slots = slots;
    seen->mask = mask;
    return true;
}

static bool same_name(const char *at, struct span name) {
    return memcmp(at, name.p, name.n) == 0 && at[name.n] == '"';
}

/* name must point into the scanned text at or behind base; it ends in its quote there. */
static bool seen_add(struct seen_names *seen, struct json_scan *s, struct span name,
                     struct err *e) {
    if (seen->n >= EXTENDER_NODES_MAX) {
        return scan_refuse(s, name.p - 1, e, ERR_TOO_LARGE, "more than 200000 nodes in one call");
    }
    if ((!seen->slots || seen->n * 2 >= seen->mask) && !seen_grow(seen)) {
        return scan_refuse(s, name.p - 1, e, ERR_TOO_LARGE, "the list needs too much memory");
    }
    uint32_t tag = (uint32_t)hash_of(name) | 1U << 31;
    uint32_t i = tag & seen->mask;
    for (unsigned probes = 0; seen->slots[i].tag; i = (i + 1) & seen->mask, probes++) {
        if (seen->slots[i].tag == tag && same_name(seen->base + seen->slots[i].at, name)) {
            return scan_refuse(s, name.p - 1, e, ERR_INPUT, "this node is named twice");
        }
        if (probes == PROBES_MAX) {
            return scan_refuse(s, name.p - 1, e, ERR_TOO_LARGE, "too many names that hash alike");
        }
    }
    seen->slots[i] = (struct slot){tag, (uint32_t)(name.p - seen->base)};
    seen->n++;
    return true;
}
_Static_assert(EXTENDER_NODES_MAX == 200000, "the message of seen_add says 200000");

/* Names are copied into the answer as they stand, so they must not need escapes. */
static bool name_read(struct json_scan *s, struct span *name, struct err *e) {
    bool plain = false;
    struct span raw = {0};
    if (!json_scan_str(s, &raw, &plain, e)) {
        return false;
    }
    if (!plain) {
        return scan_refuse(s, raw.p - 1, e, ERR_INPUT,
                           "wants the name of a node, found a text with escapes");
    }
    if (raw.n == 0 || raw.n > NODE_NAME_BYTES_MAX) {
        return scan_refuse(s, raw.p - 1, e, ERR_INPUT,
                           raw.n ? "wants the name of a node, found more than 253 bytes"
                                 : "wants the name of a node, found an empty text");
    }
    *name = raw;
    return true;
}
_Static_assert(NODE_NAME_BYTES_MAX == 253, "the message of name_read says 253");

static bool list_open(struct json_scan *s, struct err *e) {
    if ((uint64_t)(s->end - s->p) > UINT32_MAX) {
        return scan_refuse(s, s->p, e, ERR_TOO_LARGE, "wants less than 4 GiB");
    }
    return json_scan_open(s, '[', e);
}

bool names_check(struct json_scan *s, struct arena *a, struct span *out, struct err *e) {
    struct seen_names seen = {.arena = a, .base = s->p};
    struct span name = {0};
    if (!list_open(s, e)) {
        return false;
    }
    while (json_scan_item(s, e)) {
        if (!name_read(s, &name, e) || !seen_add(&seen, s, name, e)) {
            return false;
        }
    }
    *out = (struct span){seen.base, (size_t)(s->p - seen.base)};
    return !s->failed;
}

bool names_next(struct span *rest, struct span *name) {
    struct span from = span_from(*rest, span_find(*rest, '"') + 1);
    size_t n = span_find(from, '"');
    if (n == from.n) {
        return false;
    }
    *name = span_upto(from, n);
    *rest = span_from(from, n + 1);
    return true;
}

/* The member `want` of the object that comes, read by `read`; the others are passed over. */
typedef bool member_read(struct json_scan *s, struct span *name, struct err *e);

static bool member_find(struct json_scan *s, const char *want, member_read *read, struct span *name,
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

bool items_next(struct json_scan *s, struct span *name, struct span *text, struct err *e) {
    struct span got = {0};
    if (!json_scan_item(s, e)) {
        return false;
    }
    (void)json_scan_kind(s, e); /* past the white space, to where the node begins */
    const char *start = s->p;
    if (!member_find(s, "metadata", metadata_read, &got, e)) {
        return false;
    }
    if (!got.p) {
        return scan_refuse(s, start, e, ERR_INPUT, "wants a metadata.name, found nothing");
    }
    *name = got;
    *text = (struct span){start, (size_t)(s->p - start)};
    return true;
}

bool items_check(struct json_scan *s, struct arena *a, struct span *out, struct err *e) {
    struct seen_names seen = {.arena = a, .base = s->p};
    struct span name = {0};
    struct span text = {0};
    if (!list_open(s, e)) {
        return false;
    }
    while (items_next(s, &name, &text, e)) {
        if (!seen_add(&seen, s, name, e)) {
            return false;
        }
    }
    *out = (struct span){seen.base, (size_t)(s->p - seen.base)};
    return !s->failed;
}
