/* The Binding that a scheduler posts to pods/binding. */
#ifndef TPGUARD_CODEC_BINDING_H
#define TPGUARD_CODEC_BINDING_H

#include "topology/buf.h"
#include "topology/err.h"
#include "topology/json.h"

struct binding {
    struct span ns, name, uid; /* the pod; ns and uid may be empty */
    struct span node;
    bool has_metadata;
    bool has_annotations;
    bool has_labels;
    bool has_gpus; /* claims to carry what only tpguard may say */
    bool has_uuids;
    bool has_gated;
};
/* A target that is no Node: node is empty. */
NODISCARD bool binding_decode(const struct json *o, struct binding *out, struct err *e);

/* JSON Patch that writes the reserved set into the Binding, whose annotations the API server merges
 * into the pod together with nodeName. gpus NULL: nothing is reserved; uuids may be "". gated: with
 * the set comes the label tpguard.io/gated=bound, by which the chart's policy on bindings (and from
 * Kubernetes 1.35 on the pod itself, which gets the label) tells that the gate has spoken. What the
 * Binding brought of its own under these keys goes. Nothing to do: out stays empty. */
void binding_patch(const struct binding *b, const char *gpus, const char *uuids, bool gated,
                   struct buf *out);

#endif
