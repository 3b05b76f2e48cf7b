#include "webhook/codec/binding.h"

#include "topology/jw.h"
#include "webhook/codec/parts.h"
#include "webhook/core/workload.h"

bool binding_decode(const struct json *o, struct binding *out, struct err *e) {
    const struct json *meta = NULL;
    const struct json *notes = NULL;
    const struct json *labels = NULL;
    const struct json *target = NULL;
    struct binding b = {0};
    struct span kind = {0};
    if (!want_object(o, e) || !json_opt_object(o, "metadata", &meta, e) ||
        !json_req_object(o, "target", &target, e)) {
        return false;
    }
    if (meta &&
        (!json_opt_str(meta, "name", &b.name, e) || !json_opt_str(meta, "namespace", &b.ns, e) ||
         !json_opt_str(meta, "uid", &b.uid, e) ||
         !json_opt_object(meta, "annotations", &notes, e) ||
         !json_opt_object(meta, "labels", &labels, e))) {
        return err_in(e, "metadata");
    }
    if (!json_opt_str(target, "kind", &kind, e) || !json_req_str(target, "name", &b.node, e)) {
        return err_in(e, "target");
    }
    if (kind.n && !span_is(kind, "Node")) {
        b.node = (struct span){0};
    }
    b.has_metadata = meta != NULL;
    b.has_annotations = notes != NULL;
    b.has_labels = labels != NULL;
    b.has_gpus = map_find(notes, ANN_GPUS) != NULL;
    b.has_uuids = map_find(notes, ANN_GPU_UUIDS) != NULL;
    b.has_gated = map_find(labels, LABEL_GATED) != NULL;
    *out = b;
    return true;
}

static void put_add(struct jw *w, const char *path) {
    jw_object(w);
    jw_kv_str(w, "op", "add");
    jw_kv_str(w, "path", path);
    jw_key(w, "value");
}

static void put_empty(struct jw *w, const char *path) {
    put_add(w, path);
    jw_object(w);
    jw_object_end(w);
    jw_object_end(w);
}

static void put_text(struct jw *w, const char *path, const char *value) {
    put_add(w, path);
    jw_str(w, value);
    jw_object_end(w);
}

static void put_remove(struct jw *w, const char *path) {
    jw_object(w);
    jw_kv_str(w, "op", "remove");
    jw_kv_str(w, "path", path);
    jw_object_end(w);
}

#define AT_GPUS  "/metadata/annotations/tpguard.io~1gpus"
#define AT_UUIDS "/metadata/annotations/tpguard.io~1gpu-uuids"
#define AT_GATED "/metadata/labels/tpguard.io~1gated"

static void put_label(struct jw *w, const struct binding *b, bool reserved) {
    if (reserved) {
        if (!b->has_labels) {
            put_empty(w, "/metadata/labels");
        }
        put_text(w, AT_GATED, "bound");
    } else if (b->has_gated) {
        put_remove(w, AT_GATED);
    }
}

void binding_patch(const struct binding *b, const char *gpus, const char *uuids, bool gated,
                   struct buf *out) {
    bool names = gpus && uuids[0];
    if (!gpus && !b->has_gpus && !b->has_uuids && !b->has_gated) {
        return;
    }
    struct jw w = jw_new(out, 0);
    jw_array(&w);
    if (!b->has_metadata) {
        put_empty(&w, "/metadata");
    }
    if (gpus && !b->has_annotations) {
        put_empty(&w, "/metadata/annotations");
    }
    if (gpus) {
        put_text(&w, AT_GPUS, gpus);
    } else if (b->has_gpus) {
        put_remove(&w, AT_GPUS);
    }
    if (names) {
        put_text(&w, AT_UUIDS, uuids);
    } else if (b->has_uuids) {
        put_remove(&w, AT_UUIDS);
    }
    put_label(&w, b, gpus && gated);
    jw_array_end(&w);
}
