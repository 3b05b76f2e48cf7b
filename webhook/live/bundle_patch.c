#include "topology/json.h"
#include "topology/jw.h"
#include "webhook/codec/review.h"
#include "webhook/live/bundle.h"
#include "webhook/sys/certs.h"

#define TREE_MAX     ((size_t)32 * 1024 * 1024)
#define WEBHOOKS_MAX 256

struct found {
    struct span name[WEBHOOKS_MAX]; /* of webhooks of ours whose bundle is another */
    unsigned n;
};

static bool is_ours(const struct json *client, const struct bundle_target *t, bool *ours,
                    struct err *e) {
    const struct json *service = NULL;
    struct span ns = SPAN("");
    struct span name = SPAN("");
    if (!json_opt_object(client, "service", &service, e) ||
        (service && (!json_opt_str(service, "namespace", &ns, e) ||
                     !json_opt_str(service, "name", &name, e)))) {
        return false;
    }
    *ours = service && span_is(ns, t->service_ns) && span_is(name, t->service_name);
    return true;
}

static bool look_at(const struct json *webhook, const struct bundle_target *t, struct span text,
                    struct found *f, struct err *e) {
    const struct json *client = NULL;
    struct span name = SPAN("");
    struct span bundle = SPAN("");
    bool ours = false;
    if (!json_req_str(webhook, "name", &name, e) ||
        !json_req_object(webhook, "clientConfig", &client, e) || !is_ours(client, t, &ours, e) ||
        !json_opt_str(client, "caBundle", &bundle, e)) {
        return false;
    }
    if (!ours || span_eq(bundle, text)) {
        return true;
    }
    if (f->n == WEBHOOKS_MAX) {
        return err_set(e, ERR_TOO_LARGE, "at most %d webhooks of one configuration", WEBHOOKS_MAX);
    }
    f->name[f->n++] = name;
    return true;
}

static void put_patch(const struct found *f, struct span version, struct span text,
                      struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_span(&w, "resourceVersion", version);
    jw_object_end(&w);
    jw_key(&w, "webhooks");
    jw_array(&w);
    for (unsigned i = 0; i < f->n; i++) {
        jw_object(&w);
        jw_kv_span(&w, "name", f->name[i]);
        jw_key(&w, "clientConfig");
        jw_object(&w);
        jw_kv_span(&w, "caBundle", text);
        jw_object_end(&w);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_object_end(&w);
}

static bool look_at_all(const struct json *root, const struct bundle_target *t, struct span text,
                        struct buf *out, unsigned *n, struct err *e) {
    const struct json *meta = NULL;
    const struct json *webhooks = NULL;
    struct span version = SPAN("");
    struct found f;
    f.n = 0;
    if (!json_req_object(root, "metadata", &meta, e) ||
        !json_req_str(meta, "resourceVersion", &version, e) ||
        !json_opt_array(root, "webhooks", &webhooks, e)) {
        return false;
    }
    for (const struct json *v = webhooks ? json_first(webhooks) : NULL; v; v = json_next(v)) {
        if (!look_at(v, t, text, &f, e)) {
            return err_in(e, "webhooks");
        }
    }
    if (f.n) {
        put_patch(&f, version, text, out);
    }
    *n = f.n;
    return buf_ok(out) || err_set(e, ERR_TOO_LARGE, "the patch has no room");
}

bool bundle_patch(struct span config, const struct bundle_target *t, struct span pem,
                  struct buf *out, unsigned *n, struct err *e) {
    if (config.n > BUNDLE_CONFIG_MAX) {
        return err_set(e, ERR_TOO_LARGE, "a configuration of %zu bytes, at most %zu are read",
                       config.n, BUNDLE_CONFIG_MAX);
    }
    AUTO(arena_done) struct arena a = arena_new(TREE_MAX);
    struct buf text = buf_new(CERT_PEM_MAX * 2);
    base64_put(pem, &text);
    const struct json *root = NULL;
    bool done =
        json_parse(config, &a, &root, e) && look_at_all(root, t, buf_view(&text), out, n, e);
    buf_done(&text);
    return done;
}
