/* The node lists of an extender call, read without a tree, every name checked. */
#ifndef TPGUARD_CODEC_EXTENDER_NODES_H
#define TPGUARD_CODEC_EXTENDER_NODES_H

#include "topology/arena.h"
#include "topology/err.h"
#include "topology/json.h"
#include "topology/span.h"

/* A DNS subdomain, which is what Kubernetes allows for names of nodes. */
#define NODE_NAME_BYTES_MAX 253

/* Names in the order of the request, with an index that tells which came before. Lives in an
 * arena. */
struct node_list {
    struct arena *arena;
    struct span *name;
    struct span *node; /* NULL for a list of names */
    uint32_t *slots;   /* open addressing: position + 1, 0 free; never more than half full */
    uint32_t mask;     /* slots - 1 */
    uint32_t cap;
    uint32_t n;
};

enum node_added {
    NODE_ADDED,
    NODE_TWICE,     /* the name is there already */
    NODE_NO_MEMORY, /* the arena's cap */
    NODE_CROWDED,   /* too many names with one hash: somebody made them so */
};
/* Empty, with room for `expected` before it has to grow. */
NODISCARD bool node_list_new(struct node_list *l, struct arena *a, bool nodes, uint32_t expected);
NODISCARD enum node_added node_list_add(struct node_list *l, struct span name, uint64_t hash,
                                        struct span node);

/* Hash of a name, eight bytes a step, the rest filled up with zeros. A product carries differences
 * upwards only, and names differ most in their last byte, the upper end of a word: so every step
 * folds the upper half down before it multiplies. */
static inline uint64_t node_hash_step(uint64_t h, uint64_t word) {
    h ^= word;
    return (h ^ h >> 32) * 0x9E3779B97F4A7C15U;
}
static inline uint64_t node_hash_end(uint64_t h) {
    return h ^ h >> 32;
}
uint64_t node_name_hash(struct span name);

/* Adds a name that stands in the scanned text, refusing at its place. */
bool node_add(struct json_scan *s, struct node_list *l, struct span name, uint64_t hash,
              struct span node, struct err *e);
/* Refuses what cannot be the name of a node; raw stands between quotes of the scanned text. Names
 * are copied into answers as they stand, so they must not need escapes. */
bool node_name_check(struct json_scan *s, struct span raw, bool plain, struct err *e);

/* The member `want` of the object that comes, read by `read`; the others are passed over. Not
 * there: true, *out untouched. */
typedef bool member_read(struct json_scan *s, struct span *out, struct err *e);
NODISCARD bool member_find(struct json_scan *s, const char *want, member_read *read,
                           struct span *out, struct err *e);

/* The object that comes, by the names (1 to 8) of its members that count: `take` reads the value of
 * each that is there and not null, at the scanner; the others are passed over. A key that a reader
 * without regard to case would take for one of the names is refused. */
struct members {
    const char *const *name;
    unsigned n;
    void *ctx;
    bool (*take)(void *ctx, unsigned which, struct err *e);
};
NODISCARD bool members_read(struct json_scan *s, const struct members *m, struct err *e);

/* The value of the member Pod. */
struct pod;
NODISCARD bool pod_value_read(struct json_scan *s, struct arena *a, struct pod *out, struct err *e);

/* Reads the value at the scanner, an array of names, into *out; refuses what is no plain name, a
 * name that comes twice and more than EXTENDER_NODES_MAX. */
NODISCARD bool names_read(struct json_scan *s, struct arena *a, struct node_list *out,
                          struct err *e);
/* The same for an array of Node objects. */
NODISCARD bool items_read(struct json_scan *s, struct arena *a, struct node_list *out,
                          struct err *e);

/* Fails the scan with the path of the place `at` in its text; e may be NULL. Returns false. */
bool scan_refuse(struct json_scan *s, const char *at, struct err *e, enum err_code code,
                 const char *msg);

/* A key just read from an object of the wire: true when it is `want`. A key that a reader without
 * regard to case (Go's encoding/json) would take for `want` is refused: false, s->failed. */
bool key_is(struct json_scan *s, struct span key, const char *want, struct err *e);

#endif
