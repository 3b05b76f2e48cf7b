#include "webhook/codec/parts.h"
#include "webhook/codec/review.h"
#include "webhook/core/workload.h"

#define MARKS 3

static const struct json *object_in(const struct json *o, const char *key) {
    const struct json *v = o && json_kind(o) == JSON_OBJECT ? map_find(o, key) : NULL;
    return v && json_kind(v) == JSON_OBJECT ? v : NULL;
}

/* Keys of ours that are there; of what value does not matter. */
static struct kv_list marks_in(const struct json *map, const char *const keys[MARKS],
                               struct arena *a) {
    struct kv *kv = ARENA_NEW(a, struct kv, MARKS);
    struct kv_list out = {.kv = kv};
    for (unsigned i = 0; kv && i < MARKS && keys[i]; i++) {
        if (map_find(map, keys[i])) {
            kv[out.n++] = (struct kv){.key = span_of(keys[i]), .value = SPAN("")};
        }
    }
    return out;
}

void pod_marks(const struct json *object, struct arena *a, struct pod *out) {
    static const char *const notes[MARKS] = {ANN_DECISION, ANN_GPUS, ANN_GPU_UUIDS};
    static const char *const names[MARKS] = {LABEL_GATED};
    const struct json *meta = object_in(object, "metadata");
    const struct json *annotations = object_in(meta, "annotations");
    const struct json *labels = object_in(meta, "labels");
    struct kv_list found = marks_in(annotations, notes, a);
    *out = (struct pod){.has_metadata = meta != NULL,
                        .has_annotations = annotations != NULL,
                        .has_labels = labels != NULL,
                        .annotations = found.kv,
                        .n_annotations = found.n};
    found = marks_in(labels, names, a);
    out->labels = found.kv;
    out->n_labels = found.n;
}
