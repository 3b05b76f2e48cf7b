#include "webhook/core/holders_id.h"

static struct device device(enum device_kind kind, int at, struct span id) {
    return (struct device){(uint8_t)kind, (int16_t)at, id};
}

static bool ends_a_name(char c) {
    return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

/* Position of the GPU whose UUID s is, or begins with: NVIDIA's plugin appends "::3" to make
 * shares, others "-3". */
static int find_uuid(const struct topo *t, struct span s) {
    for (unsigned i = 0; i < t->n; i++) {
        size_t n = strnlen(t->gpu[i].uuid, GPU_UUID_MAX);
        if (n && s.n >= n && memcmp(s.p, t->gpu[i].uuid, n) == 0 &&
            (s.n == n || ends_a_name(s.p[n]))) {
            return (int)i;
        }
    }
    return -1;
}

static int find_minor(const struct holders_in *in, uint32_t minor) {
    for (unsigned i = 0; in->minor && i < in->topo->n; i++) {
        if (in->minor[i] >= 0 && (uint32_t)in->minor[i] == minor) {
            return (int)i;
        }
    }
    return -1;
}

static struct span without(struct span s, const char *tail) {
    return span_upto(s, span_search(s, tail));
}

/* "MIG-<uuid>"; drivers before 470: "MIG-GPU-<uuid of the GPU>/<gi>/<ci>". */
static struct device mig_device(const struct holders_in *in, struct span id) {
    id = without(id, "::");
    for (uint32_t i = 0; i < in->n_slice; i++) {
        if (span_eq(in->slice[i].uuid, id) && in->slice[i].gpu < in->topo->n) {
            return device(DEVICE_SLICE, in->slice[i].gpu, id);
        }
    }
    return device(DEVICE_SLICE, find_uuid(in->topo, span_from(id, 4)), id);
}

/* A number, then the end or `more`. */
static bool read_minor(struct span s, const char *more, uint32_t *minor, bool *slice) {
    struct span number = s;
    number.n = 0;
    while (number.n < s.n && s.p[number.n] >= '0' && s.p[number.n] <= '9') {
        number.n++;
    }
    struct span rest = span_from(s, number.n);
    *slice = rest.n > 0;
    return span_u32(number, GPU_INDEX_MAX, minor) && (rest.n == 0 || span_starts(rest, more));
}

static struct device by_minor(const struct holders_in *in, uint32_t minor, bool slice,
                              struct span id) {
    int at = find_minor(in, minor);
    return device(slice ? DEVICE_SLICE : at < 0 ? DEVICE_LOST : DEVICE_GPU, at, id);
}

struct device device_of(const struct holders_in *in, struct span resource, struct span id) {
    uint32_t minor = 0;
    bool slice = false;
    int at = find_uuid(in->topo, id);
    if (at >= 0) {
        return device(DEVICE_GPU, at, id);
    }
    if (span_starts(id, "MIG-")) {
        return mig_device(in, id);
    }
    bool dra = span_is(resource, "gpu.nvidia.com");
    bool gpu = dra || span_starts(resource, "nvidia.com/gpu");
    struct span whole = without(id, "/vgpu");
    if (gpu && span_starts(id, "nvidia") &&
        read_minor(span_from(whole, 6), "/gi", &minor, &slice)) {
        return by_minor(in, minor, slice, whole);
    }
    if (dra && span_starts(id, "gpu-") && read_minor(span_from(id, 4), "-mig-", &minor, &slice)) {
        return by_minor(in, minor, slice, id);
    }
    if (span_starts(resource, "nvidia.com/mig-")) {
        return device(DEVICE_SLICE, -1, without(id, "::"));
    }
    bool named = span_starts(id, "GPU-") && span_starts(resource, "nvidia.com/");
    return device(gpu || named ? DEVICE_LOST : DEVICE_NONE, -1, without(id, "::"));
}
