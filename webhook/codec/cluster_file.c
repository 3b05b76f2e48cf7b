#include "topology/json.h"
#include "webhook/codec/manifest.h"
#include "webhook/codec/yaml_stream.h"

/* Heap for one object: a tree of cJSON takes about forty times the text at worst. */
#define OBJECT_ARENA_MAX ((size_t)192 * 1024 * 1024)

struct reading {
    const struct cluster_sink *sink;
    struct cluster_file_counts counts;
    struct arena arena;
};

static bool take_node(struct reading *r, const struct json *o, struct err *e) {
    struct node_object n = {0};
    r->counts.nodes++;
    return node_decode(o, &r->arena, &n, e) &&
           (!r->sink->node || r->sink->node(r->sink->ctx, &n, e));
}

static bool take_pod(struct reading *r, const struct json *o, struct err *e) {
    struct pod *p = ARENA_NEW(&r->arena, struct pod, 1);
    r->counts.pods++;
    if (!p) {
        return err_set(e, ERR_TOO_LARGE, "a pod needs more memory than it may have");
    }
    return pod_decode(o, &r->arena, p, e) && (!r->sink->pod || r->sink->pod(r->sink->ctx, p, e));
}

static bool take_namespace(struct reading *r, const struct json *o, struct err *e) {
    struct namespace_object n = {0};
    r->counts.namespaces++;
    return namespace_decode(o, &n, e) && (!r->sink->ns || r->sink->ns(r->sink->ctx, &n, e));
}

static bool take_other(struct reading *r, const struct json *o, struct err *e) {
    (void)o;
    (void)e;
    r->counts.others++;
    return true;
}

static const struct kind_row {
    const char *kind;
    const char *list; /* items of a raw API list have no kind of their own */
    bool (*take)(struct reading *r, const struct json *o, struct err *e);
} kinds[] = {
    {"Node", "NodeList", take_node},
    {"Pod", "PodList", take_pod},
    {"Namespace", "NamespaceList", take_namespace},
};

static bool take(struct reading *r, const struct json *o, const struct stream_item *item,
                 struct err *e) {
    if (json_kind(o) != JSON_OBJECT) {
        return err_set(e, ERR_INPUT, "wants a Kubernetes object, found %s",
                       json_kind_name(json_kind(o)));
    }
    struct span kind = {0};
    struct span version = SPAN("v1");
    if (!json_opt_str(o, "kind", &kind, e) || !json_opt_str(o, "apiVersion", &version, e)) {
        return false;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        bool said = span_is(kind, kinds[i].kind);
        bool meant = kind.n == 0 && span_is(item->list_kind, kinds[i].list);
        if ((said || meant) && span_is(version, "v1")) {
            return kinds[i].take(r, o, e);
        }
    }
    if (kind.n == 0 && item->list_kind.n == 0) {
        return err_at(e, ERR_INPUT, "kind",
                      "wants a kind (List, Node, Pod, Namespace), found none");
    }
    return take_other(r, o, e);
}

/* "nodes gpu-a" says more than a line number in a file that nobody wrote by hand. */
static void name_object(const struct json *o, struct err *e) {
    const struct json *meta = NULL;
    struct span name = {0};
    struct span ns = {0};
    struct err ignored;
    if (json_kind(o) == JSON_OBJECT && json_opt_object(o, "metadata", &meta, &ignored) && meta &&
        json_opt_str(meta, "namespace", &ns, &ignored) &&
        json_opt_str(meta, "name", &name, &ignored) && name.n) {
        (void)err_wrap(e, SPAN_FMT "%s" SPAN_FMT ": ", SPAN_ARG(span_upto(ns, 64)), ns.n ? "/" : "",
                       SPAN_ARG(span_upto(name, 64)));
    }
}

static bool take_item(void *ctx, const struct stream_item *item, struct err *e) {
    struct reading *r = ctx;
    const struct json *o = NULL;
    arena_reset(&r->arena);
    bool good = json_parse(item->json, &r->arena, &o, e);
    if (good) {
        good = take(r, o, item, e);
        if (!good) {
            name_object(o, e);
        }
    }
    if (!good) {
        (void)err_wrap(e, "line %u: ", item->line);
        return item->in_list ? err_in(e, "items[%u]", item->at) : false;
    }
    return true;
}

bool cluster_file_read(struct span text, const struct cluster_sink *sink,
                       struct cluster_file_counts *counts, struct err *e) {
    if (text.n > CLUSTER_FILE_MAX) {
        return err_set(e, ERR_TOO_LARGE, "a cluster file of more than %zu MiB",
                       CLUSTER_FILE_MAX >> 20);
    }
    struct reading r = {.sink = sink, .arena = arena_new(OBJECT_ARENA_MAX)};
    bool good = stream_each(text, take_item, &r, e);
    arena_done(&r.arena);
    if (!good) {
        return false;
    }
    *counts = r.counts;
    return true;
}
