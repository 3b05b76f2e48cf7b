/* Pieces that the decoders of this room share; nobody outside it includes this. All of them: on
 * failure outputs untouched, the path in *e is relative to the object given. */
#ifndef TPGUARD_CODEC_PARTS_H
#define TPGUARD_CODEC_PARTS_H

#include "topology/arena.h"
#include "topology/err.h"
#include "topology/json.h"
#include "webhook/core/place.h"
#include "webhook/core/pod.h"

#define RESOURCE_GPU "nvidia.com/gpu"

/* A GPU count above this is a mistake or an attack; sums then stay far inside uint32_t. */
#define COUNT_MAX 1000000

/* Puts a key that people chose in front of the path; returns false. */
bool in_key(struct err *e, struct span key);

/* An element of a list that has to be an object; no path is set. */
NODISCARD bool want_object(const struct json *v, struct err *e);

/* An optional list of at most max elements; absent: *out NULL. */
NODISCARD bool list_member(const struct json *o, const char *key, unsigned max,
                           const struct json **out, struct err *e);

/* A map whose keys are chosen by people (labels, annotations): names that differ in case are
 * different names there, unlike in the objects of the API. NULL map: nothing is found. */
const struct json *map_find(const struct json *map, const char *key);
/* The string value of a key; p == NULL in *out when absent or null. */
NODISCARD bool map_str(const struct json *map, const char *key, struct span *out, struct err *e);
/* All of labels or annotations, at most POD_LABELS_MAX; null values are passed over. */
struct kv_list {
    const struct kv *kv;
    uint16_t n;
};
NODISCARD bool map_decode(const struct json *map, struct arena *a, struct kv_list *out,
                          struct err *e);

/* A count of GPUs, as Kubernetes reads quantities: 2, "2", "2e0", "2000m". It has to be whole, as
 * for every extended resource. */
NODISCARD bool count_decode(const struct json *v, uint32_t *out, struct err *e);
/* Nothing is asked for, whatever the unit. */
bool quantity_is_zero(const struct json *v);

/* resources of a container: gpus, gpus_shared, mig, other_gpus, claims of *c. */
NODISCARD bool resources_decode(const struct json *container, struct container *c, struct err *e);

/* initContainers and containers of a pod spec: containers, n_containers of *p. */
NODISCARD bool containers_decode(const struct json *spec, struct arena *a, struct pod *p,
                                 struct err *e);

/* spec.affinity: what JSON Patch must know about it. */
NODISCARD bool affinity_decode(const struct json *spec, struct pod *p, struct err *e);
/* What the pod wants of its node: p->place. Nothing is refused here: what cannot be read cannot be
 * told. */
void place_decode(const struct json *spec, struct arena *a, struct pod *p);
/* spec.taints of a node, and metadata.labels; what cannot be read is not known. spec may be NULL.
 */
void node_place_decode(const struct json *labels, const struct json *spec, struct arena *a,
                       struct node_place_in *out);

#endif
