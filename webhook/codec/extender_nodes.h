/* The node lists of an extender call, read without a tree: each name checked once when the request
 * is decoded, and handed out again when the answer is written. */
#ifndef TPGUARD_CODEC_EXTENDER_NODES_H
#define TPGUARD_CODEC_EXTENDER_NODES_H

#include "topology/arena.h"
#include "topology/err.h"
#include "topology/json.h"
#include "topology/span.h"

/* A DNS subdomain, which is what Kubernetes allows for names of nodes. */
#define NODE_NAME_BYTES_MAX 253

/* Reads the value at the scanner, an array of names, refusing what is no plain name, a name that
 * comes twice and more than EXTENDER_NODES_MAX. *out is its text. */
NODISCARD bool names_check(struct json_scan *s, struct arena *a, struct span *out, struct err *e);
/* The same for an array of Node objects. */
NODISCARD bool items_check(struct json_scan *s, struct arena *a, struct span *out, struct err *e);

/* Over text that names_check returned: cuts the next name off *rest; false at the end. */
bool names_next(struct span *rest, struct span *name);
/* Over a scanner in text that items_check returned, past its '[': the next node. */
NODISCARD bool items_next(struct json_scan *s, struct span *name, struct span *text, struct err *e);

/* Fails the scan with the path of the place `at` in its text; e may be NULL. Returns false. */
bool scan_refuse(struct json_scan *s, const char *at, struct err *e, enum err_code code,
                 const char *msg);

/* A key just read from an object of the wire: true when it is `want`. A key that a reader without
 * regard to case (Go's encoding/json) would take for `want` is refused: false, s->failed. */
bool key_is(struct json_scan *s, struct span key, const char *want, struct err *e);

#endif
