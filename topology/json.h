/* JSON in, strict. Two readers over one set of rules:
 *
 *  - struct json_scan, a validating pull scanner without a tree, for long lists and large bodies;
 *  - json_parse, a tree (cJSON inside, allocated in the caller's arena), for the small parts that
 * are read in detail.
 *
 * Refused, with the path of the fault: depth above JSON_DEPTH_MAX, duplicate keys, bytes after the
 * end, a NUL byte (raw or \u0000), bad UTF-8, lone surrogates, bad escapes, control characters in
 * strings, NaN/Infinity, numbers longer than JSON_NUMBER_MAX, leading zeros, trailing commas, a
 * byte order mark. A key that differs only in case from the one asked for is refused too:
 * Kubernetes' JSON is case-sensitive, and a reader that disagrees with the API server about a field
 * can be led past its checks. */
#ifndef TPGUARD_TOPOLOGY_JSON_H
#define TPGUARD_TOPOLOGY_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/arena.h"
#include "topology/err.h"
#include "topology/span.h"

#define JSON_DEPTH_MAX 64
/* Members of one object that is checked for duplicate keys; more is ERR_TOO_LARGE. */
#define JSON_MEMBERS_MAX 4096
/* Characters of one number: cJSON reads no more. */
#define JSON_NUMBER_MAX 63
#define JSON_U64_MAX    (UINT64_C(1) << 53)
/* Keys of one object that a scanner checks for duplicates; more is ERR_TOO_LARGE. */
#define JSON_SEEN_MAX 64

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* ---- tree ---- */

struct json; /* one value; lives in the arena of json_parse; read-only */

/* One whole JSON text. *root lives as long as the arena and does not point into text; nothing has
 * to be freed. The arena's cap is the memory limit (a node costs 64 bytes, so "0,0,0" grows
 * 40-fold): past it ERR_TOO_LARGE. Numbers beyond the range of a double are refused. Thread-safe
 * with one arena a thread. */
NODISCARD bool json_parse(struct span text, struct arena *a, const struct json **root,
                          struct err *e);

enum json_kind json_kind(const struct json *v); /* NULL: JSON_NULL */
/* What v is, for messages: "a string", "the number 1.5", "nothing" for NULL. */
struct buf;
void json_describe(const struct json *v, struct buf *out);
const char *json_kind_name(enum json_kind k); /* "a string", "an object", ... for messages */

/* The member `key` of object o. Absent and null both give *out = NULL and true. o not an object, or
 * a member that differs from the absent key only in case: ERR_INPUT. */
NODISCARD bool json_member(const struct json *o, const char *key, const struct json **out,
                           struct err *e);

/* Typed members. Absent or null: *out untouched, true. Another type: ERR_INPUT, path = key. */
NODISCARD bool json_opt_object(const struct json *o, const char *key, const struct json **out,
                               struct err *e);
NODISCARD bool json_opt_array(const struct json *o, const char *key, const struct json **out,
                              struct err *e);
NODISCARD bool json_opt_str(const struct json *o, const char *key, struct span *out, struct err *e);
NODISCARD bool json_opt_bool(const struct json *o, const char *key, bool *out, struct err *e);
NODISCARD bool json_opt_u64(const struct json *o, const char *key, uint64_t max, uint64_t *out,
                            struct err *e);
/* The same, absent or null being an error as well ("wants a string, found nothing"). */
NODISCARD bool json_req_object(const struct json *o, const char *key, const struct json **out,
                               struct err *e);
NODISCARD bool json_req_array(const struct json *o, const char *key, const struct json **out,
                              struct err *e);
NODISCARD bool json_req_str(const struct json *o, const char *key, struct span *out, struct err *e);
NODISCARD bool json_req_u64(const struct json *o, const char *key, uint64_t max, uint64_t *out,
                            struct err *e);

/* Elements of an array or members of an object, in order: for (v = json_first(a); v; v =
 * json_next(v)). */
const struct json *json_first(const struct json *v);
const struct json *json_next(const struct json *v);
unsigned json_count(const struct json *v);
struct span json_key(const struct json *v); /* name of a member; empty for an element */

/* The value itself, when it has that kind; false otherwise (no error set). A u64 is written with
 * digits alone (1.0, 1e3 and -0 are none, as in Go) and at most JSON_U64_MAX, 2^53. */
NODISCARD bool json_as_str(const struct json *v, struct span *out);
NODISCARD bool json_as_u64(const struct json *v, uint64_t max, uint64_t *out);
NODISCARD bool json_as_bool(const struct json *v, bool *out);

/* Same kind, same value; objects with the same members in the same order, as one program writes
 * them. NULL equals NULL alone. Linear in the smaller of the two. */
bool json_equal(const struct json *a, const struct json *b);

/* Refuses members that are not in the NULL-ended list. */
NODISCARD bool json_only(const struct json *o, const char *const *keys, struct err *e);

/* ---- pull scanner ---- */

struct json_scan {
    const char *start;
    const char *p;
    const char *end;
    unsigned depth;
    bool first;   /* just behind an opening bracket */
    bool failed;  /* sticky; the error has been written to the struct err of the failing call */
    char key[64]; /* the key that json_scan_key gave, when it was written with escapes */
};

struct json_scan json_scan_new(struct span text);
enum json_kind json_scan_kind(struct json_scan *s,
                              struct err *e); /* of the value that comes; JSON_NULL on failure */

/* Objects: json_scan_open(s, '{'), then while (json_scan_key(s, &seen, &key, e)) { read or skip the
 * value }, where false means end or failure (s->failed tells). The key has its escapes resolved (a
 * longer one than s->key holds stays raw: it has a backslash in it and equals no name of ours) and
 * is good until the next key. Duplicate keys are refused when `seen` is given (zeroed, one for each
 * object). Arrays: json_scan_open(s, '['), then while (json_scan_item(s, e)) { value }. Errors
 * carry the path from the start of the scanned text. */
struct json_seen {
    struct span key[JSON_SEEN_MAX]; /* raw */
    unsigned n;
};
NODISCARD bool json_scan_open(struct json_scan *s, char bracket, struct err *e);
NODISCARD bool json_scan_key(struct json_scan *s, struct json_seen *seen, struct span *key,
                             struct err *e);
NODISCARD bool json_scan_item(struct json_scan *s, struct err *e);
/* A string value: the raw text between its quotes; *plain is true when it holds no escape. */
NODISCARD bool json_scan_str(struct json_scan *s, struct span *raw, bool *plain, struct err *e);
/* Any value, checked (all rules but duplicate keys inside it), its text returned for json_parse. */
NODISCARD bool json_scan_skip(struct json_scan *s, struct span *text, struct err *e);
/* Nothing but white space must follow. */
NODISCARD bool json_scan_end(struct json_scan *s, struct err *e);

#endif
