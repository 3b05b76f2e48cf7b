/* Holdings -> the annotation tpguard.io/allocations, canonical JSON, version 1 (its reader and its
 * form: object.h). Equal holdings give equal bytes but for observedAt. */
#ifndef TPGUARD_CODEC_HELD_H
#define TPGUARD_CODEC_HELD_H

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"
#include "topology/topo.h"
#include "webhook/core/holders.h"

#define HELD_KEY "tpguard.io/allocations"
/* With the wiring (ANNOTATION_MAX) inside of what an object's annotations may have, 256 KiB. */
#define HELD_TEXT_MAX ((size_t)96 * 1024)

/* Appends. A GPU is named by its UUID, or by its index where it has none. t: that of holders_in.
 * ERR_TOO_LARGE: longer than HELD_TEXT_MAX, or out is full; then out is as before. */
NODISCARD bool held_encode(const struct holdings *h, const struct topo *t, int64_t observed_at,
                           struct buf *out, struct err *e);

/* Two texts of held_encode say the same, whenever they were observed. A text that it did not write
 * equals none. */
bool held_same(struct span a, struct span b);

#endif
