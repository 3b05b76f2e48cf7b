/* Inside units_decode: the list being filled, and where a pod was found. */
#ifndef TPGUARD_CODEC_UNITS_H
#define TPGUARD_CODEC_UNITS_H

#include "webhook/codec/object.h"

struct units {
    struct arena *arena;
    struct unit *out;
    unsigned max;
    unsigned n;
    struct unit head; /* what all units of the object have in common: kind, name, ns */
};

struct unit_place {
    const char *path;
    struct span role;
    uint32_t replicas;   /* 0 unknown */
    uint32_t group_size; /* 0 unknown */
    bool bare;           /* the object is the pod itself, not a template */
    bool bare_spec;      /* it is the spec of a pod */
};

NODISCARD bool units_add(struct units *u, const struct json *pod, const struct unit_place *place,
                         struct err *e);

/* Other people's kinds (RayCluster, RoleBasedGroup, JobSet, ...): whatever stands inside spec and
 * looks as only a pod template does, an object with spec.containers. */
NODISCARD bool units_search(const struct json *o, struct units *u, struct err *e);

#endif
