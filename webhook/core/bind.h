/* The last gate, pods/binding: what is said to a scheduler whose choice does not hold (any more).
 * Whether it holds is decided by decide_node, as everywhere. Pure. */
#ifndef TPGUARD_CORE_BIND_H
#define TPGUARD_CORE_BIND_H

#include "topology/buf.h"
#include "webhook/core/node.h"

/* Written where no set was chosen: one GPU of many, foreign GPUs, wiring unknown and let pass. */
#define BIND_ANY "any"

/* May the gate refuse a pod of this shape? One that takes none of the GPUs that are counted here
 * (slices, other vendors, claims, monitors) fits every node: it need not wait for tpguard. */
bool bind_decides(const struct shape *s);

/* One sentence for people, <= 400 bytes, the same bytes for the same cause: it names no node and no
 * GPU, since kube-scheduler shows it on the pod and folds what is equal. */
void bind_denial(const struct shape *s, enum reason code, struct buf *out);

#endif
