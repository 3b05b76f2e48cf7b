#include "webhook/live/heartbeat.h"

#include "topology/annotation.h"
#include "topology/jw.h"
#include "webhook/live/lease_object.h"

void heartbeat_path(const char *ns, struct buf *out) {
    buf_str(out, "/apis/coordination.k8s.io/v1");
    if (ns) {
        buf_fmt(out, "/namespaces/%s", ns);
    }
    buf_str(out, "/leases");
}

bool heartbeat_node(struct span lease, struct span *node) {
    if (!span_starts(lease, HEARTBEAT_PREFIX) || lease.n == sizeof HEARTBEAT_PREFIX - 1) {
        return false;
    }
    *node = span_from(lease, sizeof HEARTBEAT_PREFIX - 1);
    return true;
}

bool heartbeat_decode(const struct json *lease, struct heartbeat *out, struct err *e) {
    const struct json *meta = NULL;
    const struct json *spec = NULL;
    const struct json *notes = NULL;
    struct span name = {0};
    struct span books = {0};
    struct span when = {0};
    struct heartbeat got = {0};
    if (!json_req_object(lease, "metadata", &meta, e) || !json_req_str(meta, "name", &name, e) ||
        !json_opt_object(meta, "annotations", &notes, e) ||
        (notes && !json_opt_str(notes, HEARTBEAT_BOOKS, &books, e)) ||
        !json_req_object(lease, "spec", &spec, e) || !json_req_str(spec, "renewTime", &when, e)) {
        return false;
    }
    got.books = span_is(books, "read");
    if (!heartbeat_node(name, &got.node)) {
        return err_at(e, ERR_INPUT, "metadata.name", "wants " HEARTBEAT_PREFIX "NODE");
    }
    if (!time_parse(when, &got.at)) {
        return err_at(e, ERR_INPUT, "spec.renewTime", "wants a time");
    }
    *out = got;
    return true;
}

static void put_owner(const struct heartbeat_lease *l, struct jw *w) {
    jw_key(w, "ownerReferences");
    jw_array(w);
    jw_object(w);
    jw_kv_str(w, "apiVersion", "v1");
    jw_kv_str(w, "kind", "Node");
    jw_kv_str(w, "name", l->node);
    jw_kv_str(w, "uid", l->node_uid);
    jw_object_end(w);
    jw_array_end(w);
}

static void put_meta(const struct heartbeat_lease *l, bool create, struct jw *w) {
    jw_key(w, "metadata");
    jw_object(w);
    if (create) {
        jw_key(w, "name");
        jw_fmt(w, HEARTBEAT_PREFIX "%s", l->node);
    }
    jw_key(w, "labels");
    jw_object(w);
    jw_kv_str(w, "app.kubernetes.io/managed-by", "tpguard");
    jw_kv_str(w, HEARTBEAT_LABEL, "agent");
    jw_object_end(w);
    if (l->books || !create) {
        jw_key(w, "annotations");
        jw_object(w);
        jw_key(w, HEARTBEAT_BOOKS);
        l->books ? jw_str(w, "read") : jw_null(w); /* null: a merge patch takes it off */
        jw_object_end(w);
    }
    if (l->node_uid[0]) {
        put_owner(l, w);
    }
    jw_object_end(w);
}

void heartbeat_encode(const struct heartbeat_lease *l, bool create, struct buf *out) {
    char renewed[LEASE_TIME_MAX];
    struct jw w = jw_new(out, 0);
    lease_time_text(l->at * 1000, renewed);
    jw_object(&w);
    if (create) {
        jw_kv_str(&w, "apiVersion", "coordination.k8s.io/v1");
        jw_kv_str(&w, "kind", "Lease");
    }
    put_meta(l, create, &w);
    jw_key(&w, "spec");
    jw_object(&w);
    jw_kv_str(&w, "holderIdentity", l->node);
    jw_kv_u64(&w, "leaseDurationSeconds", l->for_s);
    jw_kv_str(&w, "renewTime", renewed);
    jw_object_end(&w);
    jw_object_end(&w);
}
