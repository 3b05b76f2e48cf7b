#include "webhook/live/evict.h"

#include <stdlib.h>

#include "topology/jw.h"
#include "webhook/cluster/cluster.h"
#include "webhook/live/pod_get.h"
#include "webhook/sys/log.h"

#define POD_ARENA_MAX ((size_t)192 * 1024 * 1024)
#define NAME_BYTES    254
#define WAIT_MS       4000
#define BODY_MAX      2048
#define ANSWER_MAX    ((size_t)64 * 1024)

struct candidate {
    char ns[NAME_BYTES];
    char name[NAME_BYTES];
    char uid[NAME_BYTES];
    int64_t due;
};

struct evict {
    struct live *live;
    struct events *events;
    uint32_t after_s;
    int64_t next; /* nobody before */
    unsigned n;
    struct candidate pod[EVICT_PODS];
    struct arena arena;
    struct judgement judged;
};

struct evict *evict_new(struct live *live, struct events *events, uint32_t after_s) {
    struct evict *v = calloc(1, sizeof *v);
    if (v) {
        v->live = live;
        v->events = events;
        v->after_s = after_s;
        v->arena = arena_new(POD_ARENA_MAX);
    }
    return v;
}

void evict_free(struct evict *v) {
    if (v) {
        arena_done(&v->arena);
        free(v);
    }
}

void evict_forget(struct evict *v) {
    if (v) {
        v->n = 0;
    }
}

void evict_note(struct evict *v, struct span ns, struct span name, struct span uid, int64_t now) {
    if (!v) {
        return;
    }
    for (unsigned i = 0; i < v->n; i++) {
        if (span_is(uid, v->pod[i].uid)) {
            return;
        }
    }
    struct candidate *c = &v->pod[v->n];
    if (v->n < EVICT_PODS && uid.n && buf_copy(ns, c->ns, sizeof c->ns) &&
        buf_copy(name, c->name, sizeof c->name) && buf_copy(uid, c->uid, sizeof c->uid)) {
        c->due = now + v->after_s;
        v->n++;
    }
}

static void drop(struct evict *v, unsigned at) {
    v->n--;
    memmove(&v->pod[at], &v->pod[at + 1], (v->n - at) * sizeof v->pod[0]);
}

/* ---- may it go? ---- */

static bool is_made_again(const struct pod *p) {
    return p->owner_kind.n && !span_is(p->owner_kind, "Pod") && !span_is(p->owner_kind, "Node") &&
           !span_is(p->owner_kind, "DaemonSet");
}

/* NULL: it may. */
static const char *kept_by(struct evict *v, const struct pod *p, int64_t now) {
    struct judgement *j = &v->judged;
    judge_anew(live_cluster(v->live), live_policy(v->live), p, now, j);
    if (j->mode != MODE_ENFORCE || j->decision.code == REASON_IGNORED) {
        return "mode";
    }
    if (!is_made_again(p)) {
        return "no controller makes it again";
    }
    return j->asked.fits ? NULL : "no healthy set is free";
}

static void say(struct evict *v, const struct pod *p) {
    char text[EVENT_MESSAGE_MAX + 1];
    struct buf message = BUF_OVER(text);
    event_moved(&v->judged.asked, &message);
    const struct pod_event ev = {
        .ns = p->ns, .name = p->name, .uid = p->uid, .code = REASON_MOVED, .message = text};
    events_push_pod(v->events, &ev);
}

static void log_evict(const struct candidate *c, const char *what, const char *why, bool bad) {
    struct log_line l = log_new(bad ? LOG_WARN : LOG_INFO, "eviction of a pod across PCIe");
    log_str(&l, "ns", c->ns);
    log_str(&l, "pod", c->name);
    log_str(&l, "result", what);
    log_str(&l, "why", why);
    log_write(&l);
}

/* ---- the API server ---- */

static void encode(const struct candidate *c, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_kv_str(&w, "apiVersion", "policy/v1");
    jw_kv_str(&w, "kind", "Eviction");
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_str(&w, "name", c->name);
    jw_kv_str(&w, "namespace", c->ns);
    jw_object_end(&w);
    jw_key(&w, "deleteOptions");
    jw_object(&w);
    jw_key(&w, "preconditions");
    jw_object(&w);
    jw_kv_str(&w, "uid", c->uid);
    jw_object_end(&w);
    jw_object_end(&w);
    jw_object_end(&w);
}

static enum evict_result post(struct evict *v, const struct candidate *c) {
    char path[1200];
    char body[BODY_MAX];
    struct buf at = BUF_OVER(path);
    struct buf text = BUF_OVER(body);
    struct kube_response got = {0};
    struct err e = {0};
    buf_str(&at, "/api/v1/namespaces/");
    kube_escape(span_of(c->ns), &at);
    buf_str(&at, "/pods/");
    kube_escape(span_of(c->name), &at);
    buf_str(&at, "/eviction");
    encode(c, &text);
    const struct kube_request ask = {.method = "POST",
                                     .path = path,
                                     .body = buf_view(&text),
                                     .timeout_ms = WAIT_MS,
                                     .max_response = ANSWER_MAX};
    if (!buf_ok(&at) || !buf_ok(&text) || !kube_call(live_client(v->live), &ask, &got, &e)) {
        log_evict(c, "failed", e.msg, true);
        return EVICT_FAILED;
    }
    unsigned status = got.status;
    buf_done(&got.body);
    if (status >= 200 && status < 300) {
        log_evict(c, "evicted", "", false);
        return EVICT_DONE;
    }
    if (status == 404 || status == 409) {
        return EVICT_OVER;
    }
    log_evict(c, status == 429 ? "kept" : "failed", got.message, status != 429);
    return status == 429 ? EVICT_KEPT : EVICT_FAILED;
}

static enum evict_result go(struct evict *v, const struct candidate *c, int64_t now) {
    struct pod_got got = {0};
    struct err e = {0};
    struct cluster *cluster = live_cluster(v->live);
    arena_reset(&v->arena);
    if (cluster_landed_code(cluster, span_of(c->ns), span_of(c->name)) != REASON_TP_ACROSS_PCIE) {
        return EVICT_OVER;
    }
    if (!pod_get(v->live, span_of(c->ns), span_of(c->name), span_of(c->uid), &v->arena, &got, &e)) {
        log_evict(c, "failed", e.msg, true);
        return EVICT_FAILED;
    }
    if (!got.there || got.pod.deleting) {
        return EVICT_OVER;
    }
    const char *why = kept_by(v, &got.pod, now);
    if (why) {
        return EVICT_KEPT;
    }
    enum evict_result result = post(v, c);
    if (result == EVICT_DONE) {
        say(v, &got.pod);
    }
    return result;
}

enum evict_result evict_once(struct evict *v, int64_t now) {
    if (!v || now < v->next) {
        return EVICT_NONE;
    }
    unsigned at = 0;
    while (at < v->n && v->pod[at].due > now) {
        at++;
    }
    if (at == v->n) {
        return EVICT_NONE;
    }
    enum evict_result result = go(v, &v->pod[at], now);
    if (result == EVICT_DONE || result == EVICT_OVER) {
        drop(v, at);
    } else {
        v->pod[at].due = now + EVICT_AGAIN_S;
    }
    if (result == EVICT_DONE) {
        v->next = now + EVICT_SPACE_S;
    }
    return result;
}
