#include "webhook/codec/checkpoint.h"

#include "topology/json.h"
#include "webhook/codec/parts.h"

struct ids {
    struct span *at;
    uint32_t n;
    uint32_t cap;
};

static bool take_id(const struct json *v, struct ids *ids, struct err *e) {
    struct span id = {0};
    if (!json_as_str(v, &id)) {
        return err_set(e, ERR_INPUT, "wants a device, found %s", json_kind_name(json_kind(v)));
    }
    if (ids->n == ids->cap) {
        return err_set(e, ERR_TOO_LARGE, "more than %u devices", ids->cap);
    }
    ids->at[ids->n++] = id;
    return true;
}

static bool take_list(const struct json *list, struct ids *ids, struct err *e) {
    unsigned i = 0;
    for (const struct json *v = json_first(list); v; v = json_next(v), i++) {
        if (!take_id(v, ids, e)) {
            return err_in(e, "[%u]", i);
        }
    }
    return true;
}

/* {"0":["GPU-.."],"-1":null}, the list alone, or nothing. */
static bool take_devices(const struct json *v, struct ids *ids, struct err *e) {
    enum json_kind kind = json_kind(v);
    if (!v || kind == JSON_NULL) {
        return true;
    }
    if (kind == JSON_ARRAY) {
        return take_list(v, ids, e);
    }
    if (kind != JSON_OBJECT) {
        return err_set(e, ERR_INPUT, "wants devices, found %s", json_kind_name(kind));
    }
    for (const struct json *node = json_first(v); node; node = json_next(node)) {
        enum json_kind inner = json_kind(node);
        if (inner != JSON_ARRAY && inner != JSON_NULL) {
            (void)err_set(e, ERR_INPUT, "wants a list, found %s", json_kind_name(inner));
            return in_key(e, json_key(node));
        }
        if (inner == JSON_ARRAY && !take_list(node, ids, e)) {
            return in_key(e, json_key(node));
        }
    }
    return true;
}

static bool take_entry(const struct json *v, struct ids *ids, struct held_pod *out, struct err *e) {
    const struct json *devices = NULL;
    uint32_t from = ids->n;
    if (!want_object(v, e) || !json_req_str(v, "PodUID", &out->uid, e) ||
        !json_req_str(v, "ContainerName", &out->container, e) ||
        !json_req_str(v, "ResourceName", &out->resource, e) ||
        !json_member(v, "DeviceIDs", &devices, e)) {
        return false;
    }
    if (out->uid.n == 0) {
        return err_at(e, ERR_INPUT, "PodUID", "wants a UID, found an empty one");
    }
    if (!take_devices(devices, ids, e)) {
        return err_in(e, "DeviceIDs");
    }
    out->id = ids->at + from;
    out->n = ids->n - from;
    return true;
}

static bool take_entries(const struct json *entries, struct arena *a, struct held_list *out,
                         struct err *e) {
    uint32_t n = json_count(entries);
    if (n > CHECKPOINT_ENTRIES_MAX) {
        return err_set(e, ERR_TOO_LARGE, "wants at most %d entries, found %u",
                       CHECKPOINT_ENTRIES_MAX, n);
    }
    struct held_pod *pods = ARENA_NEW(a, struct held_pod, n);
    struct ids ids = {ARENA_NEW(a, struct span, n ? CHECKPOINT_IDS_MAX : 0), 0, CHECKPOINT_IDS_MAX};
    if (!pods || !ids.at) {
        return err_set(e, ERR_TOO_LARGE, "the list is too large");
    }
    uint32_t i = 0;
    for (const struct json *v = json_first(entries); v; v = json_next(v), i++) {
        if (!take_entry(v, &ids, &pods[i], e)) {
            return err_in(e, "[%u]", i);
        }
    }
    *out = (struct held_list){pods, n};
    return true;
}

bool checkpoint_decode(struct span text, struct arena *a, struct held_list *out, struct err *e) {
    const struct json *root = NULL;
    const struct json *data = NULL;
    const struct json *entries = NULL;
    if (text.n > CHECKPOINT_MAX) {
        return err_set(e, ERR_TOO_LARGE, "wants at most %zu MiB, found %zu bytes",
                       CHECKPOINT_MAX / 1024 / 1024, text.n);
    }
    if (!json_parse(text, a, &root, e) || !want_object(root, e) ||
        !json_req_object(root, "Data", &data, e)) {
        return false;
    }
    if (!json_opt_array(data, "PodDeviceEntries", &entries, e)) {
        return err_in(e, "Data");
    }
    return take_entries(entries, a, out, e) || err_in(e, "Data.PodDeviceEntries");
}
