/* What the id of a device means on this node. Inside of holders.h. */
#ifndef TPGUARD_CORE_HOLDERS_ID_H
#define TPGUARD_CORE_HOLDERS_ID_H

#include "webhook/core/holders.h"

enum device_kind {
    DEVICE_NONE = 0, /* no GPU */
    DEVICE_GPU,      /* the whole, or a share of it */
    DEVICE_SLICE,
    DEVICE_LOST, /* a GPU, and topo does not have it, or nobody knows which it is */
};
struct device {
    uint8_t kind;   /* enum device_kind */
    int16_t at;     /* position; -1 not known */
    struct span id; /* without what makes it a share */
};

struct device device_of(const struct holders_in *in, struct span resource, struct span id);

#endif
