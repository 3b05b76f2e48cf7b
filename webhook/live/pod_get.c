#include "webhook/live/pod_get.h"

#include "webhook/codec/object.h"

#define POD_TEXT_MAX ((size_t)4 * 1024 * 1024)
#define WAIT_MS      4000

static bool read(struct span text, struct span uid, struct arena *a, struct pod_got *out,
                 struct err *e) {
    struct span kept = {0};
    const struct json *o = NULL;
    if (!arena_span(a, text, &kept)) {
        return err_set(e, ERR_TOO_LARGE, "a pod needs too much memory");
    }
    if (!json_parse(kept, a, &o, e) || !pod_decode(o, a, &out->pod, e)) {
        /* Nobody's bad request. */
        if (e) {
            e->code = ERR_UNKNOWN;
        }
        return false;
    }
    out->there = uid.n == 0 || span_eq(uid, out->pod.uid);
    return true;
}

bool pod_get(struct live *l, struct span ns, struct span name, struct span uid, struct arena *a,
             struct pod_got *out, struct err *e) {
    char text[1200];
    struct buf path = BUF_OVER(text);
    struct kube_response got = {0};
    buf_str(&path, "/api/v1/namespaces/");
    kube_escape(ns, &path);
    buf_str(&path, "/pods/");
    kube_escape(name, &path);
    if (!buf_ok(&path)) {
        return err_set(e, ERR_INPUT, "no pod has such a long name");
    }
    const struct kube_request ask = {
        .method = "GET", .path = text, .timeout_ms = WAIT_MS, .max_response = POD_TEXT_MAX};
    if (!kube_call(live_client(l), &ask, &got, e)) {
        return false;
    }
    bool good = true;
    out->there = false;
    if (got.status == 200) {
        good = read(buf_view(&got.body), uid, a, out, e);
    } else if (got.status != 404) {
        good = err_set(e, ERR_IO, "GET %.200s: %u %s", text, got.status, got.message);
    }
    buf_done(&got.body);
    return good;
}
