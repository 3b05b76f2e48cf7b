/* Where in a JSON text something is, in the words of kubectl: spec.containers[0].args[3], and
 * metadata.annotations['a.b/c'] for keys that are no plain names. */
#ifndef TPGUARD_TOPOLOGY_JSON_PATH_H
#define TPGUARD_TOPOLOGY_JSON_PATH_H

#include "topology/buf.h"
#include "topology/span.h"

/* A key as one path element: name or ['na.me']; what a terminal should not see becomes "?". */
void json_path_key(struct span key, struct buf *out);

/* The path of the place where `before` ends; before is the sound part of a text from its start. The
 * path of a fault in a key is that of the object. For use after a failure: walks all of it. */
void json_path_at(struct span before, struct buf *out);

#endif
