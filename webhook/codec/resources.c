/* Which extended resources are GPUs. One table: a new vendor or plugin is one more row. */
#include "webhook/codec/parts.h"

/* Of one list; limits and requests are compared pair by pair, so the number has to be small. */
#define RESOURCES_MAX 256

enum bucket { BUCKET_GPU, BUCKET_SHARED, BUCKET_MIG, BUCKET_OTHER, BUCKET_COUNT };

struct resource_row {
    const char *name;
    bool prefix; /* the name is the beginning of the resource's */
    bool amount; /* memory, cores, per cent: not a number of devices, so it counts as one */
    enum bucket bucket;
};

/* The first row that matches counts, so exact names stand before prefixes that cover them. */
static const struct resource_row rows[] = {
    {RESOURCE_GPU, false, false, BUCKET_GPU},
    {"nvidia.com/gpu.shared", false, false, BUCKET_SHARED},
    {"nvidia.com/mig-", true, false, BUCKET_MIG},
    /* Shares handed out by other plugins: HAMi, Volcano, Aliyun, Tencent, Koordinator. */
    {"nvidia.com/gpumem", true, true, BUCKET_OTHER},
    {"nvidia.com/gpucores", false, true, BUCKET_OTHER},
    {"nvidia.com/vgpu", true, true, BUCKET_OTHER},
    {"volcano.sh/vgpu-number", false, false, BUCKET_OTHER},
    {"volcano.sh/gpu-number", false, false, BUCKET_OTHER},
    {"volcano.sh/vgpu-", true, true, BUCKET_OTHER},
    {"volcano.sh/gpu-", true, true, BUCKET_OTHER},
    {"aliyun.com/gpu-", true, true, BUCKET_OTHER},
    {"tencent.com/vcuda-", true, true, BUCKET_OTHER},
    {"koordinator.sh/gpu", true, true, BUCKET_OTHER},
    /* Other vendors. */
    {"amd.com/gpu", false, false, BUCKET_OTHER},
    {"gpu.intel.com/i915", false, false, BUCKET_OTHER},
    {"gpu.intel.com/xe", false, false, BUCKET_OTHER},
    {"gpu.intel.com/", true, true, BUCKET_OTHER},
    {"habana.ai/gaudi", false, false, BUCKET_OTHER},
};

static const struct resource_row *row_of(struct span name) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool hit = rows[i].prefix ? span_starts(name, rows[i].name) : span_is(name, rows[i].name);
        if (hit) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool named_in(const struct json *list, struct span name) {
    for (const struct json *v = list ? json_first(list) : NULL; v; v = json_next(v)) {
        if (json_kind(v) != JSON_NULL && span_eq(json_key(v), name)) {
            return true;
        }
    }
    return false;
}

/* Adds the resources of one list; those that `over` names as well are counted there. */
static bool add_list(const struct json *list, const struct json *over, uint32_t sum[],
                     struct err *e) {
    for (const struct json *v = list ? json_first(list) : NULL; v; v = json_next(v)) {
        const struct resource_row *row = row_of(json_key(v));
        if (!row || json_kind(v) == JSON_NULL || named_in(over, json_key(v))) {
            continue;
        }
        uint32_t n = !quantity_is_zero(v);
        if (!row->amount && !count_decode(v, &n, e)) {
            return in_key(e, json_key(v));
        }
        sum[row->bucket] += n;
        if (sum[row->bucket] > COUNT_MAX) {
            return err_set(e, ERR_INPUT, "asks for more than %d GPUs", COUNT_MAX);
        }
    }
    return true;
}

static bool list_get(const struct json *res, const char *key, const struct json **out,
                     struct err *e) {
    if (!json_opt_object(res, key, out, e)) {
        return false;
    }
    if (*out && json_count(*out) > RESOURCES_MAX) {
        return err_at(e, ERR_TOO_LARGE, key, "wants at most %d resources, found %u", RESOURCES_MAX,
                      json_count(*out));
    }
    return true;
}

static bool read_all(const struct json *res, struct container *c, struct err *e) {
    const struct json *limits = NULL;
    const struct json *requests = NULL;
    const struct json *claims = NULL;
    uint32_t sum[BUCKET_COUNT] = {0};
    if (!list_get(res, "limits", &limits, e) || !list_get(res, "requests", &requests, e) ||
        !json_opt_array(res, "claims", &claims, e)) {
        return false;
    }
    if (!add_list(limits, NULL, sum, e)) {
        return err_in(e, "limits");
    }
    if (!add_list(requests, limits, sum, e)) {
        return err_in(e, "requests");
    }
    c->gpus = sum[BUCKET_GPU];
    c->gpus_shared = sum[BUCKET_SHARED];
    c->mig = sum[BUCKET_MIG];
    c->other_gpus = sum[BUCKET_OTHER];
    c->claims = claims && json_count(claims) > 0;
    return true;
}

bool resources_decode(const struct json *container, struct container *c, struct err *e) {
    const struct json *res = NULL;
    if (!json_opt_object(container, "resources", &res, e)) {
        return false;
    }
    if (res && !read_all(res, c, e)) {
        return err_in(e, "resources");
    }
    return true;
}
