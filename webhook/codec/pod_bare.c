/* As much of a pod as says which node and how many GPUs it has: for one that is bound and cannot be
 * read whole (beyond a limit, or of a later Kubernetes). */
#include "webhook/codec/object.h"
#include "webhook/codec/parts.h"

/* More than any node has. */
#define ANY_GPUS COUNT_MAX

static uint32_t plus(uint32_t a, uint32_t b) {
    return a > ANY_GPUS - b ? ANY_GPUS : a + b;
}

/* Without asking for them. */
static bool names_gpus(const struct json *container) {
    const struct json *list = NULL;
    struct err ignored = {0};
    if (!json_opt_array(container, "env", &list, &ignored)) {
        return true;
    }
    for (const struct json *v = list ? json_first(list) : NULL; v; v = json_next(v)) {
        struct span name = {0};
        struct span value = {0};
        bool plain = json_kind(v) == JSON_OBJECT && json_opt_str(v, "name", &name, &ignored) &&
                     json_opt_str(v, "value", &value, &ignored);
        value = span_trim(value);
        bool none = value.n == 0 || span_is(value, "none") || span_is(value, "void");
        if (!plain || (span_is(name, "NVIDIA_VISIBLE_DEVICES") && !none)) {
            return true;
        }
    }
    return false;
}

/* What the containers of one list ask for; one that cannot be read may have any GPU. */
static bool sum_list(const struct json *spec, const char *key, struct container *sum) {
    const struct json *list = NULL;
    struct err ignored = {0};
    if (!json_opt_array(spec, key, &list, &ignored)) {
        return false;
    }
    for (const struct json *v = list ? json_first(list) : NULL; v; v = json_next(v)) {
        struct container c = {0};
        if (json_kind(v) != JSON_OBJECT || !resources_decode(v, &c, &ignored) || names_gpus(v)) {
            return false;
        }
        /* Init containers run one after the other: too many is the careful side. */
        sum->gpus = plus(sum->gpus, c.gpus);
        sum->gpus_shared = plus(sum->gpus_shared, c.gpus_shared);
        sum->mig = plus(sum->mig, c.mig);
        sum->other_gpus = plus(sum->other_gpus, c.other_gpus);
        sum->claims = sum->claims || c.claims;
    }
    return true;
}

bool pod_bare_decode(const struct json *o, struct arena *a, struct pod *out, struct err *e) {
    static const struct env_var everything = {.name = {"NVIDIA_VISIBLE_DEVICES", 22},
                                              .value = {"all", 3}};
    const struct json *meta = NULL;
    const struct json *spec = NULL;
    const struct json *status = NULL;
    struct span phase = {0};
    struct pod p = {0};
    struct container *sum = ARENA_NEW(a, struct container, 1);
    if (!sum) {
        return err_set(e, ERR_TOO_LARGE, "the pod is too large");
    }
    if (!want_object(o, e) || !json_req_object(o, "metadata", &meta, e) ||
        !json_req_object(o, "spec", &spec, e) || !json_opt_object(o, "status", &status, e) ||
        !json_req_str(meta, "name", &p.name, e) || !json_req_str(meta, "namespace", &p.ns, e) ||
        !json_opt_str(meta, "uid", &p.uid, e) || !json_opt_str(spec, "nodeName", &p.node_name, e) ||
        (status && !json_opt_str(status, "phase", &phase, e))) {
        return false;
    }
    if (!sum_list(spec, "initContainers", sum) || !sum_list(spec, "containers", sum)) {
        sum->env = &everything;
        sum->n_env = 1;
    }
    p.phase = span_is(phase, "Succeeded") || span_is(phase, "Failed") ? POD_FAILED : POD_RUNNING;
    p.has_metadata = true;
    p.containers = sum;
    p.n_containers = 1;
    *out = p;
    return true;
}
