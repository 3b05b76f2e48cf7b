#include "webhook/agent/publish.h"

#include "topology/annotation.h"
#include "topology/jw.h"
#include "webhook/codec/held.h"
#include "webhook/live/heartbeat.h"
#include "webhook/sys/log.h"

#define SECOND_US  INT64_C(1000000)
#define WAIT_S_MAX 60U
#define PATCH_MAX  ((size_t)512 * 1024)
#define LEASE_MAX  4096
#define ANSWER_MAX ((size_t)4 * 1024 * 1024)
#define TIMEOUT_MS 10000
#define META_ONLY  "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"
#define NEVER      INT64_MAX

/* ---- waiting ---- */

static void worked(struct publish_retry *r) {
    *r = (struct publish_retry){0};
}

/* Up to a fifth more, so that the agents of a thousand nodes do not come back in step. */
static void failed(struct publish_retry *r, const struct publish_want *w, uint32_t asked_s) {
    uint32_t doubled = r->wait_s ? r->wait_s * 2 : 1;
    r->wait_s = doubled > WAIT_S_MAX ? WAIT_S_MAX : doubled;
    int64_t wait = (asked_s > r->wait_s ? asked_s : r->wait_s) * SECOND_US;
    r->at_us = w->mono_us + wait + (int64_t)(w->random % 1000) * wait / 5000;
}

static void complain(const char *what, unsigned status, const char *why,
                     const struct publish_retry *r) {
    struct log_line l = log_new(LOG_WARN, what);
    log_num(&l, "status", status);
    log_str(&l, "error", why);
    log_num(&l, "again_in_s", r->wait_s);
    log_write(&l);
}

/* ---- the Node ---- */

static bool differs(struct span shown, struct span want) {
    return want.n && !span_eq(shown, want);
}

bool publish_difference(const struct own_node *own, const struct publish_want *w, struct buf *out) {
    struct span held = buf_view(&own->allocations);
    bool topology = differs(buf_view(&own->topology), w->topology);
    bool allocations = differs(held, w->allocations) && !held_same(held, w->allocations);
    if (!own->uid[0] || (!topology && !allocations)) {
        return false;
    }
    struct jw j = jw_new(out, 0);
    jw_object(&j);
    jw_key(&j, "metadata");
    jw_object(&j);
    jw_kv_str(&j, "uid", own->uid); /* 409 for another Node of the same name */
    jw_key(&j, "annotations");
    jw_object(&j);
    if (topology) {
        jw_kv_span(&j, ANNOTATION_KEY, w->topology);
    }
    if (allocations) {
        jw_kv_span(&j, HELD_KEY, w->allocations);
    }
    jw_object_end(&j);
    jw_object_end(&j);
    jw_object_end(&j);
    return true;
}

static void took(struct own_node *own, const struct publish_want *w) {
    if (w->topology.n) {
        buf_reset(&own->topology);
        buf_span(&own->topology, w->topology);
    }
    if (w->allocations.n) {
        buf_reset(&own->allocations);
        buf_span(&own->allocations, w->allocations);
    }
}

static void send_patch(struct publish *p, struct own_node *own, const struct publish_want *w,
                       struct span body) {
    char path[1024];
    struct buf b = BUF_OVER(path);
    struct kube_response got = {0};
    struct err e = {0};
    buf_str(&b, "/api/v1/nodes/");
    kube_escape(span_of(p->node), &b);
    buf_str(&b, "?fieldManager=tpguard-agent");
    const struct kube_request q = {.method = "PATCH",
                                   .path = path,
                                   .accept = META_ONLY,
                                   .body = body,
                                   .body_type = KUBE_MERGE_PATCH,
                                   .timeout_ms = TIMEOUT_MS,
                                   .max_response = ANSWER_MAX};
    bool answered = p->call(p->ctx, &q, &got, &e);
    if (answered && got.status >= 200 && got.status < 300) {
        worked(&p->patch);
        took(own, w);
        log_say(LOG_INFO, "the node shows its GPUs as they are now", NULL);
    } else {
        failed(&p->patch, w, answered ? got.retry_after_s : 0);
        complain("the node's annotations could not be written", answered ? got.status : 0,
                 answered ? got.message : e.msg, &p->patch);
    }
    if (answered) {
        buf_done(&got.body);
    }
}

/* true: the Node shows what it should. */
static bool step_node(struct publish *p, struct own_node *own, const struct publish_want *w) {
    struct buf body = buf_new(PATCH_MAX);
    bool due = publish_difference(own, w, &body);
    if (due && w->mono_us >= p->patch.at_us && buf_ok(&body)) {
        send_patch(p, own, w, buf_view(&body));
        due = p->patch.wait_s != 0;
    }
    buf_done(&body);
    return !due;
}

/* ---- the heartbeat ---- */

static bool send_lease(const struct publish *p, const struct own_node *own,
                       const struct publish_want *w, struct kube_response *got, struct err *e) {
    char text[LEASE_MAX];
    char path[1024];
    struct buf body = BUF_OVER(text);
    struct buf b = BUF_OVER(path);
    const struct heartbeat_lease lease = {.node = p->node,
                                          .node_uid = own->uid,
                                          .at = w->seen_at,
                                          .for_s = p->heartbeat_s * 4,
                                          .books = w->books};
    heartbeat_encode(&lease, p->fresh, &body);
    heartbeat_path(p->namespace, &b);
    if (!p->fresh) {
        buf_str(&b, "/" HEARTBEAT_PREFIX);
        kube_escape(span_of(p->node), &b);
    }
    buf_str(&b, "?fieldManager=tpguard-agent");
    const struct kube_request q = {.method = p->fresh ? "POST" : "PATCH",
                                   .path = path,
                                   .body = buf_view(&body),
                                   .body_type = p->fresh ? KUBE_JSON : KUBE_MERGE_PATCH,
                                   .timeout_ms = TIMEOUT_MS,
                                   .max_response = ANSWER_MAX};
    if (!buf_ok(&body) || !buf_ok(&b)) {
        return err_set(e, ERR_TOO_LARGE, "the Lease is too long");
    }
    return p->call(p->ctx, &q, got, e);
}

/* There is none yet, or somebody made it meanwhile: the other way round, at once. */
static bool other_way(const struct publish *p, unsigned status) {
    return p->fresh ? status == 409 : status == 404;
}

static void step_beat(struct publish *p, const struct own_node *own, const struct publish_want *w) {
    struct kube_response got = {0};
    struct err e = {0};
    bool answered = false;
    for (unsigned i = 0; i < 2; i++) {
        answered = send_lease(p, own, w, &got, &e);
        if (!answered || !other_way(p, got.status)) {
            break;
        }
        p->fresh = !p->fresh;
        buf_done(&got.body);
        got = (struct kube_response){0};
    }
    if (answered && got.status >= 200 && got.status < 300) {
        worked(&p->beat);
        p->fresh = false;
        p->beat_us = w->mono_us + p->heartbeat_s * SECOND_US;
    } else {
        failed(&p->beat, w, answered ? got.retry_after_s : 0);
        complain("the heartbeat could not be written", answered ? got.status : 0,
                 answered ? got.message : e.msg, &p->beat);
    }
    if (answered) {
        buf_done(&got.body);
    }
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

int64_t publish_step(struct publish *p, struct own_node *own, const struct publish_want *w) {
    if (!own->synced || !own->uid[0]) {
        return NEVER; /* the watch wakes us */
    }
    bool shown = step_node(p, own, w);
    if (!shown) {
        return later(p->patch.at_us, w->mono_us + SECOND_US);
    }
    if (!w->seen_at || !w->topology.n) {
        return NEVER;
    }
    int64_t due = later(p->beat_us, p->beat.at_us);
    if (w->mono_us >= due) {
        step_beat(p, own, w);
        due = later(p->beat_us, p->beat.at_us);
    }
    return due;
}
