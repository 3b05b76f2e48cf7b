#include "webhook/codec/object.h"
#include "webhook/codec/parts.h"
#include "webhook/core/workload.h"

/* A DNS subdomain, which is what Kubernetes allows for names of nodes. */
#define NAME_MAX_BYTES 253
#define CONDITIONS_MAX 256

static bool name_decode(const struct json *meta, struct span *out, struct err *e) {
    struct span name = {0};
    if (!json_req_str(meta, "name", &name, e)) {
        return false;
    }
    if (name.n == 0 || name.n > NAME_MAX_BYTES) {
        return err_at(e, ERR_INPUT, "name", "wants 1 to %d characters, found %zu", NAME_MAX_BYTES,
                      name.n);
    }
    *out = name;
    return true;
}

static bool annotations_decode(const struct json *meta, struct node_object *n, struct err *e) {
    const struct json *map = NULL;
    if (!json_opt_object(meta, "annotations", &map, e)) {
        return false;
    }
    const struct {
        const char *key;
        struct span *out;
    } rows[] = {{"tpguard.io/topology", &n->topology},
                {"tpguard.io/nvidia-smi-topo", &n->smi_topo},
                {"tpguard.io/nvidia-smi-nvlink", &n->smi_nvlink},
                {"tpguard.io/allocations", &n->allocations},
                {"tpguard.io/cordoned-gpus", &n->cordoned}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!map_str(map, rows[i].key, rows[i].out, e)) {
            return err_in(e, "annotations");
        }
    }
    return true;
}

static bool metadata_decode(const struct json *meta, struct node_object *n, struct err *e) {
    const struct json *labels = NULL;
    struct span count = {0};
    if (!name_decode(meta, &n->name, e) || !json_opt_object(meta, "labels", &labels, e)) {
        return false;
    }
    if (!json_opt_str(meta, "uid", &n->uid, e)) {
        return false;
    }
    if (!map_str(labels, "nvidia.com/gpu.product", &n->product, e) ||
        !map_str(labels, LABEL_NVLINK, &n->marks.nvlink, e) ||
        !map_str(labels, LABEL_NVLINK_SET, &n->marks.nvlink_set, e) ||
        !map_str(labels, LABEL_NVLINK_FREE, &n->marks.nvlink_free, e) ||
        !map_str(labels, LABEL_STRANDED, &n->marks.stranded, e) ||
        !map_str(labels, "nvidia.com/gpu.count", &count, e)) {
        return err_in(e, "labels");
    }
    if (!span_u32(count, COUNT_MAX, &n->gfd_count)) {
        n->gfd_count = 0;
    }
    return annotations_decode(meta, n, e);
}

/* Ours among the conditions. The list belongs to the kubelet and to others: what cannot be read of
 * theirs is passed over. */
static bool condition_decode(const struct json *status, struct node_marks *m, struct err *e) {
    const struct json *list = NULL;
    if (!list_member(status, "conditions", CONDITIONS_MAX, &list, e)) {
        return false;
    }
    for (const struct json *v = list ? json_first(list) : NULL; v; v = json_next(v)) {
        struct span type = {0};
        struct err ignored = {0};
        if (json_kind(v) != JSON_OBJECT || !json_opt_str(v, "type", &type, &ignored) ||
            !span_is(type, CONDITION_NVLINK)) {
            continue;
        }
        if (!json_opt_str(v, "status", &m->status, e) ||
            !json_opt_str(v, "reason", &m->reason, e) ||
            !json_opt_str(v, "message", &m->message, e) ||
            !json_opt_str(v, "lastTransitionTime", &m->since, e)) {
            return err_in(e, "conditions");
        }
    }
    return true;
}

static bool status_decode(const struct json *status, struct node_object *n, struct err *e) {
    const struct json *allocatable = NULL;
    if (!json_opt_object(status, "allocatable", &allocatable, e) ||
        !condition_decode(status, &n->marks, e)) {
        return false;
    }
    const struct json *gpus = map_find(allocatable, RESOURCE_GPU);
    n->gpus_known = allocatable != NULL;
    if (gpus && json_kind(gpus) != JSON_NULL && !count_decode(gpus, &n->gpus, e)) {
        return err_in(e, "allocatable['" RESOURCE_GPU "']");
    }
    return true;
}

bool node_decode(const struct json *o, struct arena *a, struct node_object *out, struct err *e) {
    struct node_object n = {0};
    const struct json *meta = NULL;
    const struct json *spec = NULL;
    const struct json *status = NULL;
    if (!want_object(o, e) || !json_req_object(o, "metadata", &meta, e) ||
        !json_opt_object(o, "spec", &spec, e) || !json_opt_object(o, "status", &status, e)) {
        return false;
    }
    if (!metadata_decode(meta, &n, e)) {
        return err_in(e, "metadata");
    }
    if (spec && !json_opt_bool(spec, "unschedulable", &n.unschedulable, e)) {
        return err_in(e, "spec");
    }
    if (status && !status_decode(status, &n, e)) {
        return err_in(e, "status");
    }
    const struct json *labels = NULL;
    struct err ignored = {0};
    if (json_opt_object(meta, "labels", &labels, &ignored)) {
        node_place_decode(labels, spec, a, &n.place);
    }
    *out = n;
    return true;
}

bool namespace_decode(const struct json *o, struct namespace_object *out, struct err *e) {
    struct namespace_object n = {0};
    const struct json *meta = NULL;
    const struct json *labels = NULL;
    if (!want_object(o, e) || !json_req_object(o, "metadata", &meta, e)) {
        return false;
    }
    if (!name_decode(meta, &n.name, e) || !json_opt_object(meta, "labels", &labels, e)) {
        return err_in(e, "metadata");
    }
    if (!map_str(labels, LABEL_MODE, &n.mode, e)) {
        return err_in(e, "metadata.labels");
    }
    *out = n;
    return true;
}
