/* A node's reservations as text, the annotation tpguard.io/reservations of its Lease in tpguard's
 * own namespace. Canonical JSON, version 1, one line:
 * {"version":1,"pods":[{"namespace":"llm","name":"chat-0","uid":"7f8e...","gpus":2,"set":"2,3","at":1795000000}]}
 */
#ifndef TPGUARD_CODEC_LEDGER_H
#define TPGUARD_CODEC_LEDGER_H

#include "topology/arena.h"
#include "topology/buf.h"
#include "webhook/core/ledger.h"

#define ANN_RESERVATIONS "tpguard.io/reservations"
#define LEDGER_TEXT_MAX  ((size_t)200 * 1024) /* annotations of one object: 256 KiB in all */

/* Texts live in the arena. An empty text is an empty ledger. */
NODISCARD bool ledger_decode(struct span text, struct arena *a, struct ledger *out, struct err *e);
void ledger_encode(const struct ledger *l, struct buf *out);

/* The Lease object as the API server sends it: its resourceVersion and ledger. */
struct ledger_lease {
    struct span resource_version;
    struct ledger ledger;
};
NODISCARD bool ledger_lease_decode(struct span object, struct arena *a, struct ledger_lease *out,
                                   struct err *e);

#endif
