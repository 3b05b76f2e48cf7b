/* A large file of objects, one object at a time: the items of Lists (YAML or JSON) and whole
 * documents, each as JSON text that lives during one call. Memory is bounded by the largest object,
 * not by the file. */
#ifndef TPGUARD_CODEC_YAML_STREAM_H
#define TPGUARD_CODEC_YAML_STREAM_H

#include "topology/err.h"
#include "topology/span.h"

/* One Kubernetes object as text: etcd keeps at most 1.5 MiB of it. */
#define STREAM_OBJECT_MAX ((size_t)4 * 1024 * 1024)

struct stream_item {
    struct span json;
    struct span list_kind; /* kind of the list around it ("NodeList", "List"); n = 0 none */
    bool in_list;
    unsigned at;   /* its place in items */
    unsigned line; /* where it begins */
};
typedef bool stream_fn(void *ctx, const struct stream_item *item, struct err *e); /* false stops */
/* Any document that cannot be read ends it: half a cluster would be a wrong answer. Anchors of one
 * item are not known in the next. */
NODISCARD bool stream_each(struct span text, stream_fn *fn, void *ctx, struct err *e);

#endif
