#include "webhook/agent/pods.h"

#include "topology/json.h"

/* Of a whole list; the tree is let go of when the names have been copied. */
#define TREE_MAX ((size_t)1024 * 1024 * 1024)

/* The API server gives a static pod's mirror a uid of its own; the kubelet's books and its cgroups
 * know the pod by this one. */
static bool read_static_uid(const struct json *meta, struct span *uid, struct err *e) {
    const struct json *notes = NULL;
    struct span hash = {0};
    if (!json_opt_object(meta, "annotations", &notes, e) ||
        (notes && !json_opt_str(notes, "kubernetes.io/config.hash", &hash, e))) {
        return false;
    }
    *uid = hash.n ? hash : *uid;
    return true;
}

static bool read_pod(const struct json *o, struct node_pod *out, struct err *e) {
    const struct json *meta = NULL;
    const struct json *status = NULL;
    struct node_pod p = {0};
    struct span phase = {0};
    if (!json_req_object(o, "metadata", &meta, e) || !json_req_str(meta, "namespace", &p.ns, e) ||
        !json_req_str(meta, "name", &p.name, e) || !json_req_str(meta, "uid", &p.uid, e) ||
        !read_static_uid(meta, &p.uid, e) || !json_opt_object(o, "status", &status, e) ||
        (status && !json_opt_str(status, "phase", &phase, e))) {
        return false;
    }
    p.ended = span_is(phase, "Succeeded") || span_is(phase, "Failed");
    *out = p;
    return true;
}

static bool keep(struct arena *a, struct node_pod *p, struct err *e) {
    return (arena_span(a, p->ns, &p->ns) && arena_span(a, p->name, &p->name) &&
            arena_span(a, p->uid, &p->uid)) ||
           err_set(e, ERR_TOO_LARGE, "the pods of the node need too much memory");
}

static bool read_list(const struct json *root, struct arena *a, const struct node_pod **out,
                      uint32_t *n, struct err *e) {
    const struct json *items = NULL;
    if (!json_req_array(root, "items", &items, e)) {
        return false;
    }
    unsigned count = json_count(items);
    if (count > PODS_OF_NODE_MAX) {
        return err_set(e, ERR_TOO_LARGE, "more than %d pods on one node", PODS_OF_NODE_MAX);
    }
    struct node_pod *list = ARENA_NEW(a, struct node_pod, count);
    if (!list) {
        return err_set(e, ERR_TOO_LARGE, "the pods of the node need too much memory");
    }
    unsigned at = 0;
    for (const struct json *v = json_first(items); v; v = json_next(v)) {
        if (!read_pod(v, &list[at], e) || !keep(a, &list[at], e)) {
            return false;
        }
        at++;
    }
    *out = list;
    *n = at;
    return true;
}

bool pods_decode(struct span text, struct arena *a, const struct node_pod **out, uint32_t *n,
                 struct err *e) {
    AUTO(arena_done) struct arena tree = arena_new(TREE_MAX);
    const struct json *root = NULL;
    return json_parse(text, &tree, &root, e) && read_list(root, a, out, n, e);
}

bool pods_of_node(struct kube_client *client, const char *node, struct arena *a,
                  const struct node_pod **out, uint32_t *n, struct err *e) {
    char path[1024];
    struct buf p = BUF_OVER(path);
    buf_str(&p, "/api/v1/pods?fieldSelector=spec.nodeName%3D");
    kube_escape(span_of(node), &p);
    struct buf body = {0};
    const struct kube_request ask = {.method = "GET", .path = path, .max_response = PODS_TEXT_MAX};
    bool done =
        kube_want(client, &ask, &body, NULL, e) && pods_decode(buf_view(&body), a, out, n, e);
    buf_done(&body);
    return done || err_wrap(e, "pods of the node: ");
}
