#include "webhook/live/issue_secret.h"

#include "topology/annotation.h"
#include "topology/json.h"
#include "topology/jw.h"
#include "webhook/codec/review.h"
#include "webhook/kube/config_inner.h"
#include "webhook/sys/certs_issue.h"

#define TREE_MAX   ((size_t)16 * 1024 * 1024)
#define ISSUER_KEY "tpguard.io/issuer"
#define ISSUER     "tpguard"
#define NEXT_SINCE "tpguard.io/next-ca-since"
#define OLD_SINCE  "tpguard.io/old-ca-since"

static const char *const part_name[ISSUE_PART_COUNT] = {"tls.crt", "tls.key", "ca.crt", "ca.key",
                                                        "next-ca.key"};

struct issue_secret issue_secret_new(void) {
    struct issue_secret s = {0};
    for (unsigned i = 0; i < ISSUE_PART_COUNT; i++) {
        s.part[i] = buf_new(CERT_PEM_MAX);
    }
    return s;
}

void issue_secret_done(struct issue_secret *s) {
    for (unsigned i = 0; s && i < ISSUE_PART_COUNT; i++) {
        certs_wipe(&s->part[i]);
    }
}

static void read_part(const struct json *data, unsigned i, struct issue_secret *s) {
    struct span text = SPAN("");
    struct err e = {0};
    if (!json_opt_str(data, part_name[i], &text, &e)) {
        s->there[i] = true;
        return;
    }
    s->there[i] = text.n > 0;
    if (!config_base64(text, &s->part[i], &e) || !buf_ok(&s->part[i])) {
        buf_reset(&s->part[i]);
    }
}

static int64_t read_time(const struct json *annotations, const char *key) {
    struct span text = SPAN("");
    struct err e = {0};
    int64_t t = 0;
    if (!json_opt_str(annotations, key, &text, &e) || !time_parse(text, &t) || t < 0) {
        return 0;
    }
    return t;
}

static bool read_meta(const struct json *root, struct issue_secret *s, struct err *e) {
    const struct json *meta = NULL;
    const struct json *annotations = NULL;
    struct span version = SPAN("");
    struct span issuer = SPAN("");
    if (!json_req_object(root, "metadata", &meta, e) ||
        !json_req_str(meta, "resourceVersion", &version, e) ||
        !json_opt_object(meta, "annotations", &annotations, e)) {
        return false;
    }
    if (version.n >= sizeof s->version) {
        return err_at(e, ERR_TOO_LARGE, "metadata.resourceVersion", "at most %zu bytes",
                      sizeof s->version - 1);
    }
    memcpy(s->version, version.p, version.n);
    s->version[version.n] = 0;
    if (!annotations) {
        return true;
    }
    if (!json_opt_str(annotations, ISSUER_KEY, &issuer, e)) {
        return false;
    }
    s->ours = span_is(issuer, ISSUER);
    s->next_since = read_time(annotations, NEXT_SINCE);
    s->old_since = read_time(annotations, OLD_SINCE);
    return true;
}

static bool read_all(const struct json *root, struct issue_secret *s, struct err *e) {
    const struct json *data = NULL;
    if (!read_meta(root, s, e) || !json_opt_object(root, "data", &data, e)) {
        return false;
    }
    s->exists = true;
    for (unsigned i = 0; data && i < ISSUE_PART_COUNT; i++) {
        read_part(data, i, s);
    }
    return true;
}

bool issue_secret_decode(struct span text, struct issue_secret *out, struct err *e) {
    if (text.n > ISSUE_SECRET_MAX) {
        return err_set(e, ERR_TOO_LARGE, "a Secret of %zu bytes, at most %zu are read", text.n,
                       ISSUE_SECRET_MAX);
    }
    AUTO(arena_done) struct arena a = arena_new(TREE_MAX);
    struct issue_secret s = issue_secret_new();
    const struct json *root = NULL;
    if (!json_parse(text, &a, &root, e) || !read_all(root, &s, e)) {
        issue_secret_done(&s);
        return false;
    }
    *out = s;
    return true;
}

static void put_time(struct jw *w, const char *key, int64_t t, bool patch) {
    if (t > 0) {
        char text[32];
        struct buf b = BUF_OVER(text);
        time_text(t, &b);
        jw_kv_span(w, key, buf_view(&b));
    } else if (patch) {
        jw_kv_null(w, key);
    }
}

static void put_annotations(struct jw *w, const struct issue_secret *s, bool patch) {
    jw_key(w, "annotations");
    jw_object(w);
    jw_kv_str(w, ISSUER_KEY, ISSUER);
    put_time(w, NEXT_SINCE, s->next_since, patch);
    put_time(w, OLD_SINCE, s->old_since, patch);
    jw_object_end(w);
}

static void put_data(struct jw *w, const struct issue_secret *s, bool patch) {
    jw_key(w, "data");
    jw_object(w);
    for (unsigned i = 0; i < ISSUE_PART_COUNT; i++) {
        if (s->part[i].n) {
            struct buf text = buf_new(CERT_PEM_MAX * 2);
            base64_put(buf_view(&s->part[i]), &text);
            jw_kv_span(w, part_name[i], buf_view(&text));
            certs_wipe(&text);
        } else if (patch) {
            jw_kv_null(w, part_name[i]);
        }
    }
    jw_object_end(w);
}

void issue_secret_encode_new(const struct issue_secret *s, const char *name, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_kv_str(&w, "apiVersion", "v1");
    jw_kv_str(&w, "kind", "Secret");
    jw_kv_str(&w, "type", "kubernetes.io/tls");
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_str(&w, "name", name);
    put_annotations(&w, s, false);
    jw_object_end(&w);
    put_data(&w, s, false);
    jw_object_end(&w);
}

void issue_secret_encode_patch(const struct issue_secret *s, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_str(&w, "resourceVersion", s->version);
    put_annotations(&w, s, true);
    jw_object_end(&w);
    put_data(&w, s, true);
    jw_object_end(&w);
}
