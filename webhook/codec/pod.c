#include "topology/err.h"
#include "webhook/codec/object.h"
#include "webhook/codec/parts.h"

#define LWS_SIZE   "leaderworkerset.sigs.k8s.io/size"
#define OWNERS_MAX 64

/* The owner that manages the pod is the one marked controller; there is at most one. */
static bool owner_decode(const struct json *meta, struct pod *p, struct err *e) {
    const struct json *list = NULL;
    if (!list_member(meta, "ownerReferences", OWNERS_MAX, &list, e)) {
        return false;
    }
    unsigned i = 0;
    for (const struct json *v = list ? json_first(list) : NULL; v; v = json_next(v), i++) {
        struct span kind = {0};
        struct span name = {0};
        bool controller = false;
        if (!want_object(v, e) || !json_opt_bool(v, "controller", &controller, e) ||
            !json_opt_str(v, "kind", &kind, e) || !json_opt_str(v, "name", &name, e)) {
            return err_in(e, "ownerReferences[%u]", i);
        }
        if (controller && !p->owner_kind.n) {
            p->owner_kind = kind;
            p->owner_name = name;
        }
    }
    return true;
}

static bool map_member(const struct json *meta, const char *key, struct arena *a,
                       struct kv_list *out, struct err *e) {
    const struct json *map = NULL;
    if (!json_opt_object(meta, key, &map, e)) {
        return false;
    }
    return map_decode(map, a, out, e) || err_in(e, "%s", key);
}

static uint32_t group_size_of(const struct pod *p) {
    struct span text = pod_annotation(p, LWS_SIZE);
    uint32_t n = 0;
    if (!text.p) {
        text = pod_label(p, LWS_SIZE);
    }
    return span_u32(text, COUNT_MAX, &n) ? n : 0;
}

static bool metadata_decode(const struct json *meta, struct arena *a, struct pod *p,
                            struct err *e) {
    const struct json *annotations = NULL;
    const struct json *names = NULL;
    struct span deleted = {0};
    struct kv_list labels = {0};
    struct kv_list notes = {0};
    if (!json_opt_str(meta, "name", &p->name, e) || !json_opt_str(meta, "namespace", &p->ns, e) ||
        !json_opt_str(meta, "generateName", &p->generate_name, e) ||
        !json_opt_str(meta, "uid", &p->uid, e) ||
        !json_opt_str(meta, "deletionTimestamp", &deleted, e) ||
        !json_opt_object(meta, "annotations", &annotations, e) ||
        !json_opt_object(meta, "labels", &names, e) || !owner_decode(meta, p, e) ||
        !map_member(meta, "labels", a, &labels, e) ||
        !map_member(meta, "annotations", a, &notes, e)) {
        return false;
    }
    p->has_metadata = true;
    p->has_annotations = annotations != NULL;
    p->has_labels = names != NULL;
    p->deleting = deleted.n > 0;
    p->labels = labels.kv;
    p->n_labels = labels.n;
    p->annotations = notes.kv;
    p->n_annotations = notes.n;
    p->group_size = group_size_of(p);
    return true;
}

static bool spec_decode(const struct json *spec, struct arena *a, struct pod *p, struct err *e) {
    const struct json *gates = NULL;
    if (!json_opt_array(spec, "schedulingGates", &gates, e) ||
        !json_opt_str(spec, "nodeName", &p->node_name, e) ||
        !json_opt_str(spec, "schedulerName", &p->scheduler_name, e) ||
        !json_opt_str(spec, "runtimeClassName", &p->runtime_class, e) ||
        !containers_decode(spec, a, p, e) || !affinity_decode(spec, p, e)) {
        return false;
    }
    place_decode(spec, a, p);
    p->held = gates && json_count(gates) > 0;
    return true;
}

/* A phase of a later Kubernetes is unknown, not an error. */
static bool status_decode(const struct json *status, struct pod *p, struct err *e) {
    static const struct {
        const char *name;
        enum pod_phase phase;
    } rows[] = {{"Pending", POD_PENDING},
                {"Running", POD_RUNNING},
                {"Succeeded", POD_SUCCEEDED},
                {"Failed", POD_FAILED}};
    struct span phase = {0};
    if (!json_opt_str(status, "phase", &phase, e)) {
        return false;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (span_is(phase, rows[i].name)) {
            p->phase = (uint8_t)rows[i].phase;
        }
    }
    return true;
}

bool pod_template_decode(const struct json *o, struct arena *a, struct pod *out, struct err *e) {
    const struct json *meta = NULL;
    const struct json *spec = NULL;
    struct pod p = {0};
    if (!want_object(o, e) || !json_opt_object(o, "metadata", &meta, e) ||
        !json_opt_object(o, "spec", &spec, e)) {
        return false;
    }
    if (meta && !metadata_decode(meta, a, &p, e)) {
        return err_in(e, "metadata");
    }
    if (spec && !spec_decode(spec, a, &p, e)) {
        return err_in(e, "spec");
    }
    *out = p;
    return true;
}

bool pod_spec_decode(const struct json *o, struct arena *a, struct pod *out, struct err *e) {
    struct pod p = {0};
    if (!want_object(o, e) || !spec_decode(o, a, &p, e)) {
        return false;
    }
    *out = p;
    return true;
}

bool pod_decode(const struct json *o, struct arena *a, struct pod *out, struct err *e) {
    struct pod p;
    const struct json *status = NULL;
    if (!pod_template_decode(o, a, &p, e) || !json_opt_object(o, "status", &status, e)) {
        return false;
    }
    if (status && !status_decode(status, &p, e)) {
        return err_in(e, "status");
    }
    *out = p;
    return true;
}
