#include "webhook/codec/review.h"

#include "topology/jw.h"

#define REVIEW_VERSION "admission.k8s.io/v1"
#define REVIEW_KIND    "AdmissionReview"

/* The API server sends warnings as HTTP headers: it drops one with control characters in it, and
 * from 4096 characters in all it cuts each to 256 and drops the rest. */
#define WARNING_MAX  256
#define WARNINGS_MAX 4096

static bool head_decode(const struct json *root, struct err *e) {
    struct span version = {0};
    struct span kind = {0};
    if (json_kind(root) != JSON_OBJECT) {
        return err_set(e, ERR_INPUT, "wants an " REVIEW_KIND ", found %s",
                       json_kind_name(json_kind(root)));
    }
    if (!json_req_str(root, "apiVersion", &version, e) || !json_req_str(root, "kind", &kind, e)) {
        return false;
    }
    if (!span_is(kind, REVIEW_KIND)) {
        return err_at(e, ERR_INPUT, "kind", "wants " REVIEW_KIND ", found \"" SPAN_FMT "\"",
                      SPAN_ARG(span_upto(kind, 64)));
    }
    if (!span_is(version, REVIEW_VERSION)) {
        return err_at(e, ERR_INPUT, "apiVersion",
                      "wants " REVIEW_VERSION ", found \"" SPAN_FMT
                      "\" (the webhook configuration must say admissionReviewVersions: [\"v1\"])",
                      SPAN_ARG(span_upto(version, 64)));
    }
    return true;
}

static bool names_decode(const struct json *req, struct review *r, struct err *e) {
    const struct json *kind = NULL;
    const struct json *resource = NULL;
    const struct json *user = NULL;
    if (!json_req_str(req, "uid", &r->uid, e) ||
        !json_req_str(req, "operation", &r->operation, e) ||
        !json_opt_str(req, "namespace", &r->ns, e) || !json_opt_str(req, "name", &r->name, e) ||
        !json_opt_str(req, "subResource", &r->sub_resource, e) ||
        !json_opt_object(req, "kind", &kind, e) ||
        !json_opt_object(req, "resource", &resource, e) ||
        !json_opt_object(req, "userInfo", &user, e)) {
        return false;
    }
    if (r->uid.n == 0) {
        return err_at(e, ERR_INPUT, "uid", "wants the request's uid, found an empty one");
    }
    if (kind && !json_opt_str(kind, "kind", &r->kind, e)) {
        return err_in(e, "kind");
    }
    if (resource && !json_opt_str(resource, "resource", &r->resource, e)) {
        return err_in(e, "resource");
    }
    if (user && !json_opt_str(user, "username", &r->user, e)) {
        return err_in(e, "userInfo");
    }
    return true;
}

static bool request_decode(const struct json *req, struct review *r, struct err *e) {
    if (!names_decode(req, r, e) || !json_opt_bool(req, "dryRun", &r->dry_run, e) ||
        !json_opt_object(req, "oldObject", &r->old_object, e)) {
        return false;
    }
    return span_is(r->operation, "DELETE") ? json_opt_object(req, "object", &r->object, e)
                                           : json_req_object(req, "object", &r->object, e);
}

bool review_decode(struct span body, struct arena *a, struct review *out, struct err *e) {
    const struct json *root = NULL;
    const struct json *req = NULL;
    struct review r = {0};
    if (!json_parse(body, a, &root, e) || !head_decode(root, e) ||
        !json_req_object(root, "request", &req, e)) {
        return false;
    }
    if (!request_decode(req, &r, e)) {
        return err_in(e, "request");
    }
    *out = r;
    return true;
}

/* One warning without control characters (C0, DEL and, in UTF-8, C1), at most WARNING_MAX
 * characters; *n_runes is how many it has. */
static struct span warning_clean(const char *text, struct buf *out, unsigned *n_runes) {
    unsigned runes = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool lead = (*p & 0xC0) != 0x80;
        if (lead && runes == WARNING_MAX) {
            break;
        }
        runes += lead;
        bool c1 = p[0] == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0;
        p += c1;
        buf_char(out, *p < ' ' || *p == 0x7F || c1 ? ' ' : (char)*p);
    }
    *n_runes = runes;
    return span_trim(buf_view(out));
}

static void warnings_encode(const struct review_answer *a, struct jw *w) {
    unsigned total = 0;
    bool open = false;
    for (unsigned i = 0; i < a->n_warnings && i < REVIEW_WARNINGS_MAX; i++) {
        char text[WARNING_MAX * 4 + 1];
        struct buf clean = BUF_OVER(text);
        unsigned runes = 0;
        struct span said = warning_clean(a->warnings[i], &clean, &runes);
        if (said.n == 0 || total + runes > WARNINGS_MAX) {
            continue;
        }
        total += runes;
        if (!open) {
            jw_key(w, "warnings");
            jw_array(w);
            open = true;
        }
        jw_span(w, said);
    }
    if (open) {
        jw_array_end(w);
    }
}

static void status_encode(const struct review_answer *a, struct jw *w) {
    jw_key(w, "status");
    jw_object(w);
    jw_kv_u64(w, "code", a->code ? a->code : 403);
    if (a->message && a->message[0]) {
        jw_kv_str(w, "message", a->message);
    }
    jw_kv_str(w, "reason", a->reason ? a->reason : "Forbidden");
    jw_object_end(w);
}

static void patch_encode(struct span patch, struct jw *w) {
    jw_key(w, "patch");
    jw_raw(w, SPAN("\"")); /* the opening quote; base64 needs no escapes and no copy */
    base64_put(patch, w->out);
    buf_char(w->out, '"');
    jw_kv_str(w, "patchType", "JSONPatch");
}

static void audit_encode(const struct review_answer *a, struct jw *w) {
    jw_key(w, "auditAnnotations");
    jw_object(w);
    for (unsigned i = 0; i < a->n_audit && i < REVIEW_AUDIT_MAX; i++) {
        jw_kv_span(w, a->audit[i].key, a->audit[i].value);
    }
    jw_object_end(w);
}

void review_encode(const struct review_answer *a, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_kv_str(&w, "apiVersion", REVIEW_VERSION);
    jw_kv_str(&w, "kind", REVIEW_KIND);
    jw_key(&w, "response");
    jw_object(&w);
    jw_kv_span(&w, "uid", a->uid);
    jw_kv_bool(&w, "allowed", a->allowed);
    if (!a->allowed) {
        status_encode(a, &w);
    }
    if (a->allowed && a->patch.n) {
        patch_encode(a->patch, &w);
    }
    if (a->n_audit) {
        audit_encode(a, &w);
    }
    warnings_encode(a, &w);
    jw_object_end(&w);
    jw_object_end(&w);
}
