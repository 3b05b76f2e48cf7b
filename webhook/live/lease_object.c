#include "webhook/live/lease_object.h"

#include "topology/annotation.h"
#include "topology/json.h"
#include "topology/jw.h"

/* A tree of a text of LEASE_OBJECT_MAX that is nothing but commas. */
#define LEASE_TREE_MAX ((size_t)8 * 1024 * 1024)

static void keep(struct span from, char *to, size_t cap) {
    struct buf b = buf_over(to, cap);
    buf_span(&b, span_upto(from, cap - 1));
}

static bool read_text(const struct json *o, const char *key, char *to, size_t cap, struct err *e) {
    struct span s = SPAN("");
    if (!json_opt_str(o, key, &s, e)) {
        return false;
    }
    keep(s, to, cap);
    return true;
}

static bool read_number(const struct json *o, const char *key, uint32_t *out, struct err *e) {
    uint64_t v = 0;
    if (!json_opt_u64(o, key, INT32_MAX, &v, e)) {
        return false;
    }
    *out = (uint32_t)v;
    return true;
}

static bool read_spec(const struct json *o, struct lease_record *r, struct err *e) {
    return read_text(o, "holderIdentity", r->holder, sizeof r->holder, e) &&
           read_text(o, "preferredHolder", r->preferred, sizeof r->preferred, e) &&
           read_text(o, "strategy", r->strategy, sizeof r->strategy, e) &&
           read_text(o, "acquireTime", r->acquired, sizeof r->acquired, e) &&
           read_text(o, "renewTime", r->renewed, sizeof r->renewed, e) &&
           read_number(o, "leaseDurationSeconds", &r->duration_s, e) &&
           read_number(o, "leaseTransitions", &r->transitions, e);
}

static bool read_object(const struct json *root, struct lease_record *out, struct err *e) {
    const struct json *meta = NULL;
    const struct json *spec = NULL;
    struct lease_record r = {0};
    if (!json_req_object(root, "metadata", &meta, e) || !json_opt_object(root, "spec", &spec, e)) {
        return false;
    }
    struct span version = SPAN("");
    if (!json_req_str(meta, "resourceVersion", &version, e) || (spec && !read_spec(spec, &r, e))) {
        return false;
    }
    if (version.n >= sizeof r.version) {
        return err_at(e, ERR_TOO_LARGE, "metadata.resourceVersion", "at most %zu bytes",
                      sizeof r.version - 1);
    }
    keep(version, r.version, sizeof r.version);
    *out = r;
    return true;
}

bool lease_decode(struct span text, struct lease_record *out, struct err *e) {
    if (text.n > LEASE_OBJECT_MAX) {
        return err_set(e, ERR_TOO_LARGE, "a Lease of %zu bytes, at most %zu are read", text.n,
                       LEASE_OBJECT_MAX);
    }
    AUTO(arena_done) struct arena a = arena_new(LEASE_TREE_MAX);
    const struct json *root = NULL;
    return json_parse(text, &a, &root, e) && read_object(root, out, e);
}

static void put_spec(struct jw *w, const struct lease_record *r) {
    jw_key(w, "spec");
    jw_object(w);
    jw_kv_str(w, "holderIdentity", r->holder);
    jw_kv_u64(w, "leaseDurationSeconds", r->duration_s);
    jw_kv_str(w, "acquireTime", r->acquired);
    jw_kv_str(w, "renewTime", r->renewed);
    jw_kv_u64(w, "leaseTransitions", r->transitions);
    jw_object_end(w);
}

void lease_encode_new(const struct lease_record *r, const char *name, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_kv_str(&w, "apiVersion", "coordination.k8s.io/v1");
    jw_kv_str(&w, "kind", "Lease");
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_str(&w, "name", name);
    jw_object_end(&w);
    put_spec(&w, r);
    jw_object_end(&w);
}

void lease_encode_patch(const struct lease_record *r, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_str(&w, "resourceVersion", r->version);
    jw_object_end(&w);
    put_spec(&w, r);
    jw_object_end(&w);
}

void lease_time_text(int64_t unix_ms, char out[LEASE_TIME_MAX]) {
    struct buf b = buf_over(out, LEASE_TIME_MAX);
    int64_t ms = unix_ms % 1000;
    time_text(unix_ms / 1000, &b);
    buf_back(&b, b.n - 1); /* the Z */
    buf_fmt(&b, ".%03u000Z", (unsigned)(ms < 0 ? 0 : ms));
}
