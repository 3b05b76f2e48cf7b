/* What the files of place.h share; nobody else includes this. */
#ifndef TPGUARD_CORE_PLACE_PARTS_H
#define TPGUARD_CORE_PLACE_PARTS_H

#include "webhook/core/place.h"

/* A label that tpguard itself writes on nodes. */
bool place_own_label(struct span key);
/* No uid: what Kubernetes adds to a pod when it is made is not in it yet. */
bool place_is_draft(const struct pod *p);

#endif
