#include "webhook/live/reserve.h"

#include "topology/jw.h"
#include "webhook/codec/ledger.h"

#define NAME_PREFIX "reserved."
#define NAME_ROOM   (253 - sizeof NAME_PREFIX + 1)
#define LEASES      "/apis/coordination.k8s.io/v1/namespaces/%s/leases"
#define OBJECT_MAX  (LEDGER_TEXT_MAX * 4)
#define WAIT_MS     4000

/* The name comes from a Binding that the API server has not looked at yet: it goes into a path of
 * ours only when it can be the name of an object (RFC 1123). */
static bool is_name(struct span s) {
    bool good = s.n > 0 && s.n <= 253 && s.p[0] != '-' && s.p[0] != '.';
    for (size_t i = 0; good && i < s.n; i++) {
        char c = s.p[i];
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    }
    return good;
}

/* A node name that leaves no room for the prefix is cut, and told apart by a hash (FNV-1a). */
static void name_object(struct span node, struct buf *out) {
    buf_str(out, NAME_PREFIX);
    if (node.n <= NAME_ROOM) {
        buf_span(out, node);
        return;
    }
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < node.n; i++) {
        hash = (hash ^ (unsigned char)node.p[i]) * UINT64_C(1099511628211);
    }
    buf_span(out, span_upto(node, NAME_ROOM - 17));
    buf_fmt(out, "-%016llx", (unsigned long long)hash);
}

/* Nobody's bad request. */
static bool is_garbage(struct live *l, const char *name, struct err *e) {
    if (e) {
        e->code = ERR_UNKNOWN;
    }
    return err_wrap(e, "Lease %s/%s cannot be read, delete it: ", live_namespace(l), name);
}

bool reserve_read(struct live *l, struct span node, struct arena *a, struct reserve *out,
                  struct err *e) {
    struct kube_response got = {0};
    struct span body = {0};
    struct buf name = BUF_OVER(out->name);
    struct buf path = BUF_OVER(out->path);
    if (!is_name(node)) {
        return err_set(e, ERR_INPUT, "no node can have the name of the binding's target");
    }
    name_object(node, &name);
    buf_fmt(&path, LEASES "/%s", live_namespace(l), out->name);
    const struct kube_request ask = {
        .method = "GET", .path = out->path, .timeout_ms = WAIT_MS, .max_response = OBJECT_MAX};
    out->ledger.n = 0;
    out->resource_version = (struct span){0};
    if (!kube_call(live_client(l), &ask, &got, e)) {
        return err_wrap(e, "reservations: ");
    }
    bool good = got.status == 404;
    out->now = got.date;
    if (got.status == 200) {
        struct ledger_lease *lease = ARENA_NEW(a, struct ledger_lease, 1);
        good = lease && arena_span(a, buf_view(&got.body), &body);
        if (!good) {
            err_set(e, ERR_TOO_LARGE, "reservations need too much memory");
        } else {
            good = ledger_lease_decode(body, a, lease, e) || is_garbage(l, out->name, e);
        }
        if (good) {
            out->ledger = lease->ledger;
            out->resource_version = lease->resource_version;
        }
    } else if (!good) {
        err_set(e, ERR_IO, "reservations: GET Lease %s/%s: %u %s", live_namespace(l), out->name,
                got.status, got.message);
    }
    buf_done(&got.body);
    return good;
}

static void put_notes(struct jw *w, const struct ledger *ledger) {
    struct buf text = buf_new(LEDGER_TEXT_MAX);
    ledger_encode(ledger, &text);
    jw_key(w, "annotations");
    jw_object(w);
    jw_kv_span(w, ANN_RESERVATIONS, buf_view(&text));
    jw_object_end(w);
    w->out->failed = w->out->failed || !buf_ok(&text);
    buf_done(&text);
}

static void put_new(const struct live_options *o, const struct reserve *r, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_kv_str(&w, "apiVersion", "coordination.k8s.io/v1");
    jw_kv_str(&w, "kind", "Lease");
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_str(&w, "name", r->name);
    jw_kv_str(&w, "namespace", o->namespace);
    jw_key(&w, "labels");
    jw_object(&w);
    jw_kv_str(&w, "app.kubernetes.io/managed-by", "tpguard");
    jw_object_end(&w);
    put_notes(&w, &r->ledger);
    jw_object_end(&w);
    jw_object_end(&w);
}

static void put_change(const struct reserve *r, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_span(&w, "resourceVersion", r->resource_version);
    put_notes(&w, &r->ledger);
    jw_object_end(&w);
    jw_object_end(&w);
}

bool reserve_write(struct live *l, const struct reserve *r, bool *lost, struct err *e) {
    struct kube_response got = {0};
    struct buf body = buf_new(OBJECT_MAX);
    char leases[400];
    struct buf path = BUF_OVER(leases);
    bool fresh = r->resource_version.n == 0;
    buf_fmt(&path, LEASES, live_namespace(l));
    if (fresh) {
        const struct live_options names = {.namespace = live_namespace(l)};
        put_new(&names, r, &body);
    } else {
        put_change(r, &body);
    }
    const struct kube_request ask = {.method = fresh ? "POST" : "PATCH",
                                     .path = fresh ? leases : r->path,
                                     .body = buf_view(&body),
                                     .body_type = fresh ? KUBE_JSON : KUBE_MERGE_PATCH,
                                     .timeout_ms = WAIT_MS,
                                     .max_response = OBJECT_MAX};
    bool good = buf_ok(&body) || err_set(e, ERR_TOO_LARGE, "too many reservations of one node");
    if (good && !kube_call(live_client(l), &ask, &got, e)) {
        good = err_wrap(e, "reservations: ");
    } else if (good) {
        bool done = got.status >= 200 && got.status < 300;
        /* 404: deleted since it was read. */
        *lost = got.status == 409 || got.status == 404;
        good = done || *lost ||
               err_set(e, ERR_IO, "reservations: %s Lease %s/%s: %u %s", ask.method,
                       live_namespace(l), r->name, got.status, got.message);
    }
    buf_done(&got.body);
    buf_done(&body);
    return good;
}
