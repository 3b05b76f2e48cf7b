#include "topology/annotation.h"
#include "topology/topo.h"
#include "webhook/codec/object.h"
#include "webhook/codec/parts.h"

#define ALLOCATIONS_VERSION        1
#define ALLOCATIONS_PODS_MAX       512
#define ALLOCATIONS_UNASSIGNED_MAX 128

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

static bool gpus_decode(const struct json *v, struct held *h, struct err *e) {
    const struct json *gpus = NULL;
    if (!json_req_array(v, "gpus", &gpus, e)) {
        return false;
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

static bool held_decode(const struct json *v, struct held *h, struct err *e) {
    static const char *const keys[] = {"namespace", "name", "container", "gpus", NULL};
    struct span container = {0};
    if (!want_object(v, e) || !json_only(v, keys, e) || !json_req_str(v, "namespace", &h->ns, e) ||
        !json_req_str(v, "name", &h->pod, e) || !json_opt_str(v, "container", &container, e)) {
        return false;
    }
    if (h->ns.n == 0 || h->pod.n == 0) {
        return err_at(e, ERR_INPUT, h->ns.n ? "name" : "namespace",
                      "wants a name, found an empty one");
    }
    return gpus_decode(v, h, e);
}

static bool unassigned_decode(const struct json *v, struct held *h, struct err *e) {
    static const char *const keys[] = {"namespace", "name", "uid", "pid", "gpus", NULL};
    uint64_t pid = 0;
    if (!want_object(v, e) || !json_only(v, keys, e) || !json_opt_str(v, "namespace", &h->ns, e) ||
        !json_opt_str(v, "name", &h->pod, e) || !json_opt_str(v, "uid", &h->uid, e) ||
        !json_opt_u64(v, "pid", ALLOCATIONS_PID_MAX, &pid, e)) {
        return false;
    }
    if ((h->ns.n == 0) != (h->pod.n == 0)) {
        return err_at(e, ERR_INPUT, h->ns.n ? "name" : "namespace",
                      "wants namespace and name, found one of them");
    }
    h->pid = (uint32_t)pid;
    return gpus_decode(v, h, e);
}

struct head {
    int64_t observed_at;
    const struct json *pods;
    const struct json *unassigned; /* NULL none */
};

static bool at_most(const struct json *list, const char *key, unsigned max, struct err *e) {
    return json_count(list) <= max ||
           err_at(e, ERR_TOO_LARGE, key, "wants at most %u entries, found %u", max,
                  json_count(list));
}

static bool head_decode(const struct json *root, struct head *out, struct err *e) {
    static const char *const keys[] = {"version", "observedAt", "pods", "unassigned", NULL};
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
        !json_req_array(root, "pods", &out->pods, e) ||
        !json_opt_array(root, "unassigned", &out->unassigned, e)) {
        return false;
    }
    if (!time_parse(when, &out->observed_at)) {
        return err_at(e, ERR_INPUT, "observedAt",
                      "wants a time such as 2026-11-24T09:14:00Z, found \"" SPAN_FMT "\"",
                      SPAN_ARG(span_upto(when, 40)));
    }
    return at_most(out->pods, "pods", ALLOCATIONS_PODS_MAX, e) &&
           at_most(out->unassigned, "unassigned", ALLOCATIONS_UNASSIGNED_MAX, e);
}

typedef bool entry_decode(const struct json *v, struct held *h, struct err *e);

static bool list_decode(const struct json *list, const char *key, entry_decode *decode,
                        struct arena *a, const struct held **out, struct err *e) {
    struct held *held = ARENA_NEW(a, struct held, json_count(list));
    unsigned n = 0;
    if (!held) {
        return err_at(e, ERR_TOO_LARGE, key, "the list is too large");
    }
    for (const struct json *v = json_first(list); v; v = json_next(v), n++) {
        if (!decode(v, &held[n], e)) {
            return err_in(e, "%s[%u]", key, n);
        }
    }
    *out = held;
    return true;
}

bool allocations_decode(struct span text, struct arena *a, struct allocations *out, struct err *e) {
    const struct json *root = NULL;
    struct head head = {0};
    struct allocations got = {0};
    if (!json_parse(text, a, &root, e) || !head_decode(root, &head, e) ||
        !list_decode(head.pods, "pods", held_decode, a, &got.pod, e) ||
        !list_decode(head.unassigned, "unassigned", unassigned_decode, a, &got.unassigned, e)) {
        return false;
    }
    got.observed_at = head.observed_at;
    got.n = json_count(head.pods);
    got.n_unassigned = json_count(head.unassigned);
    *out = got;
    return true;
}
