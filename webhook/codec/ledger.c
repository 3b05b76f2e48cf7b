#include "webhook/codec/ledger.h"

#include "topology/json.h"
#include "topology/jw.h"
#include "webhook/codec/parts.h"

#define AT_MAX UINT64_C(253402300799) /* the year 9999 */

static bool entry_decode(const struct json *o, struct ledger_entry *out, struct err *e) {
    struct ledger_entry r = {0};
    uint64_t gpus = 0;
    uint64_t at = 0;
    if (!want_object(o, e) || !json_req_str(o, "namespace", &r.ns, e) ||
        !json_req_str(o, "name", &r.name, e) || !json_req_str(o, "uid", &r.uid, e) ||
        !json_opt_u64(o, "gpus", COUNT_MAX, &gpus, e) || !json_opt_str(o, "set", &r.set, e) ||
        !json_req_u64(o, "at", AT_MAX, &at, e)) {
        return false;
    }
    r.gpus = (uint32_t)gpus;
    r.at = (int64_t)at;
    *out = r;
    return true;
}

static bool read(const struct json *root, struct ledger *out, struct err *e) {
    const struct json *list = NULL;
    uint64_t version = 0;
    if (!json_req_u64(root, "version", 1, &version, e)) {
        return false;
    }
    if (version != 1) {
        return err_at(e, ERR_INPUT, "version", "wants 1, found 0");
    }
    if (!list_member(root, "pods", LEDGER_MAX, &list, e)) {
        return false;
    }
    out->n = 0;
    for (const struct json *v = list ? json_first(list) : NULL; v; v = json_next(v)) {
        if (!entry_decode(v, &out->entry[out->n], e)) {
            return err_in(e, "pods[%u]", out->n);
        }
        out->n++;
    }
    return true;
}

bool ledger_decode(struct span text, struct arena *a, struct ledger *out, struct err *e) {
    const struct json *root = NULL;
    struct ledger *fresh = ARENA_NEW(a, struct ledger, 1);
    if (!fresh) {
        return err_set(e, ERR_TOO_LARGE, "reservations need too much memory");
    }
    if (text.n > LEDGER_TEXT_MAX) {
        return err_set(e, ERR_TOO_LARGE, "wants at most %zu bytes, found %zu", LEDGER_TEXT_MAX,
                       text.n);
    }
    if (text.n && (!json_parse(text, a, &root, e) || !read(root, fresh, e))) {
        return false;
    }
    *out = *fresh;
    return true;
}

void ledger_encode(const struct ledger *l, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_kv_u64(&w, "version", 1);
    jw_key(&w, "pods");
    jw_array(&w);
    for (unsigned i = 0; i < l->n; i++) {
        const struct ledger_entry *r = &l->entry[i];
        jw_object(&w);
        jw_kv_span(&w, "namespace", r->ns);
        jw_kv_span(&w, "name", r->name);
        jw_kv_span(&w, "uid", r->uid);
        jw_kv_u64(&w, "gpus", r->gpus);
        jw_kv_span(&w, "set", r->set);
        jw_kv_i64(&w, "at", r->at);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_object_end(&w);
}

bool ledger_lease_decode(struct span object, struct arena *a, struct ledger_lease *out,
                         struct err *e) {
    const struct json *root = NULL;
    const struct json *meta = NULL;
    const struct json *notes = NULL;
    struct span text = {0};
    struct span version = {0};
    if (!json_parse(object, a, &root, e) || !json_req_object(root, "metadata", &meta, e)) {
        return false;
    }
    if (!json_req_str(meta, "resourceVersion", &version, e) ||
        !json_opt_object(meta, "annotations", &notes, e) ||
        !map_str(notes, ANN_RESERVATIONS, &text, e)) {
        return err_in(e, "metadata");
    }
    if (!ledger_decode(text, a, &out->ledger, e)) {
        return err_in(e, "metadata.annotations['" ANN_RESERVATIONS "']");
    }
    out->resource_version = version;
    return true;
}
