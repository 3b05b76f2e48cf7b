#include "topology/annotation.h"
#include "topology/topo.h"
#include "webhook/codec/object.h"
#include "webhook/codec/parts.h"

#define ALLOCATIONS_VERSION  1
#define ALLOCATIONS_PODS_MAX 512

static bool uuid_ok(struct span s) {
    if (s.n == 0 || s.n >= GPU_UUID_MAX) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~') {
            return false;
        }
    }
    return true;
}

static bool gpu_decode(const struct json *v, struct held *h, struct err *e) {
    uint64_t index = 0;
    struct span uuid = {0};
    if (json_as_u64(v, GPU_INDEX_MAX, &index)) {
        h->index[h->n++] = (int16_t)index;
        return true;
    }
    if (json_as_str(v, &uuid) && uuid_ok(uuid)) {
        h->uuid[h->n] = uuid;
        h->index[h->n++] = -1;
        return true;
    }
    return err_set(e, ERR_INPUT, "wants a UUID or an index up to %d, found %s%s", GPU_INDEX_MAX,
                   uuid.p ? "another text, " : "", json_kind_name(json_kind(v)));
}

static bool held_decode(const struct json *v, struct held *h, struct err *e) {
    static const char *const keys[] = {"namespace", "name", "container", "gpus", NULL};
    const struct json *gpus = NULL;
    struct span container = {0};
    if (!want_object(v, e) || !json_only(v, keys, e) || !json_req_str(v, "namespace", &h->ns, e) ||
        !json_req_str(v, "name", &h->pod, e) || !json_opt_str(v, "container", &container, e) ||
        !json_req_array(v, "gpus", &gpus, e)) {
        return false;
    }
    if (h->ns.n == 0 || h->pod.n == 0) {
        return err_at(e, ERR_INPUT, h->ns.n ? "name" : "namespace",
                      "wants a name, found an empty one");
    }
    if (json_count(gpus) > GPU_MAX) {
        return err_at(e, ERR_TOO_LARGE, "gpus", "wants at most %d GPUs, found %u", GPU_MAX,
                      json_count(gpus));
    }
    for (const struct json *g = json_first(gpus); g; g = json_next(g)) {
        if (!gpu_decode(g, h, e)) {
            return err_in(e, "gpus[%u]", h->n);
        }
    }
    return true;
}

static bool head_decode(const struct json *root, int64_t *observed_at, const struct json **pods,
                        struct err *e) {
    static const char *const keys[] = {"version", "observedAt", "pods", NULL};
    uint64_t version = 0;
    struct span when = {0};
    if (!want_object(root, e) || !json_req_u64(root, "version", UINT32_MAX, &version, e)) {
        return false;
    }
    if (version != ALLOCATIONS_VERSION) {
        return err_at(e, ERR_INPUT, "version", "wants %d, found %u", ALLOCATIONS_VERSION,
                      (unsigned)version);
    }
    if (!json_only(root, keys, e) || !json_req_str(root, "observedAt", &when, e) ||
        !json_req_array(root, "pods", pods, e)) {
        return false;
    }
    if (!time_parse(when, observed_at)) {
        return err_at(e, ERR_INPUT, "observedAt",
                      "wants a time such as 2026-11-24T09:14:00Z, found \"" SPAN_FMT "\"",
                      SPAN_ARG(span_upto(when, 40)));
    }
    if (json_count(*pods) > ALLOCATIONS_PODS_MAX) {
        return err_at(e, ERR_TOO_LARGE, "pods", "wants at most %d entries, found %u",
                      ALLOCATIONS_PODS_MAX, json_count(*pods));
    }
    return true;
}

bool allocations_decode(struct span text, struct arena *a, struct allocations *out, struct err *e) {
    const struct json *root = NULL;
    const struct json *pods = NULL;
    struct allocations got = {0};
    if (!json_parse(text, a, &root, e) || !head_decode(root, &got.observed_at, &pods, e)) {
        return false;
    }
    struct held *held = ARENA_NEW(a, struct held, json_count(pods));
    if (!held) {
        return err_at(e, ERR_TOO_LARGE, "pods", "the list is too large");
    }
    for (const struct json *v = json_first(pods); v; v = json_next(v), got.n++) {
        if (!held_decode(v, &held[got.n], e)) {
            return err_in(e, "pods[%u]", got.n);
        }
    }
    got.pod = held;
    *out = got;
    return true;
}
