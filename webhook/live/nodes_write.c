/* One job: labels, condition, then the events. */
#include "topology/annotation.h"
#include "topology/jw.h"
#include "webhook/live/nodes_inner.h"
#include "webhook/sys/log.h"

#define SECOND     INT64_C(1000000)
#define BODY_MAX   4096
#define PATH_BYTES 1024
#define LATER_US   (30 * SECOND) /* a node whose patch was refused */
#define REPLACE_US (2 * SECOND)  /* one that was replaced: the watch brings the new one */
#define SILENT_US  (5 * SECOND)  /* no answer at all */
#define DENIED_US  (30 * SECOND)
#define BUSY_MOST  60 /* seconds of a Retry-After that are believed */
#define LOG_US     (60 * SECOND)
#define WAIT_MS    5000
/* Of the answer only the status counts. */
#define ACCEPT "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

static void kv_or_null(struct jw *w, const char *key, const char *value) {
    if (value[0]) {
        jw_kv_str(w, key, value);
    } else {
        jw_kv_null(w, key);
    }
}

/* metadata, left open. The uid makes the API server refuse when the node is another one by now. */
static void open_metadata(struct jw *w, const struct node_job *job) {
    jw_object(w);
    jw_key(w, "metadata");
    jw_object(w);
    if (job->uid[0]) {
        jw_kv_str(w, "uid", job->uid);
    }
}

void nodes_put_labels(const struct node_job *job, struct buf *out) {
    struct jw w = jw_new(out, 0);
    open_metadata(&w, job);
    jw_key(&w, "labels");
    jw_object(&w);
    kv_or_null(&w, LABEL_NVLINK, job->state.nvlink);
    kv_or_null(&w, LABEL_NVLINK_SET, job->state.nvlink_set);
    kv_or_null(&w, LABEL_NVLINK_FREE, job->state.nvlink_free);
    kv_or_null(&w, LABEL_STRANDED, job->state.stranded);
    jw_object_end(&w);
    jw_object_end(&w);
    jw_object_end(&w);
}

void nodes_put_condition(const struct node_job *job, int64_t now, struct buf *out) {
    char text[32];
    struct buf time = BUF_OVER(text);
    struct jw w = jw_new(out, 0);
    time_text(now, &time);
    open_metadata(&w, job);
    jw_object_end(&w);
    jw_key(&w, "status");
    jw_object(&w);
    jw_key(&w, "conditions");
    jw_array(&w);
    jw_object(&w);
    if (!job->state.concerns) {
        jw_kv_str(&w, "$patch", "delete");
    }
    jw_kv_str(&w, "type", CONDITION_NVLINK);
    if (job->state.concerns) {
        jw_kv_str(&w, "status", job->state.status);
        jw_kv_str(&w, "reason", reason_row(job->state.reason)->code);
        jw_kv_str(&w, "message", job->state.message);
        jw_kv_str(&w, "lastHeartbeatTime", text);
        jw_kv_str(&w, "lastTransitionTime", job->since[0] ? job->since : text);
    }
    jw_object_end(&w);
    jw_array_end(&w);
    jw_object_end(&w);
    jw_object_end(&w);
}

/* ---- requests ---- */

struct writing {
    const struct nodes_ends *ends;
    struct nodes_memory *m;
    const struct node_job *job;
    struct nodes_done *done;
};

static int64_t now_us(const struct writing *w) {
    return w->ends->mono_us(w->ends->ctx);
}

static void log_failure(const struct writing *w, int64_t *last_us, const char *msg,
                        const char *error) {
    if (*last_us && now_us(w) - *last_us < LOG_US) {
        return;
    }
    *last_us = now_us(w);
    struct log_line line = log_new(LOG_WARN, msg);
    log_str(&line, "node", w->job->name);
    log_str(&line, "error", error);
    log_write(&line);
}

static enum nodes_outcome be_quiet(const struct writing *w, int64_t us, const char *msg,
                                   const char *error) {
    w->m->quiet_us = now_us(w) + us;
    log_failure(w, &w->m->logged_us, msg, error);
    return NODES_OVER;
}

/* The API server says 422 where metadata.uid differs and no other precondition was given. */
static bool is_replaced(const struct kube_response *got) {
    return got->status == 409 || got->status == 404 ||
           (got->status == 422 && span_has(span_of(got->message), "metadata.uid"));
}

static enum nodes_outcome refused(const struct writing *w, const struct kube_response *got,
                                  bool status) {
    char text[600];
    struct buf b = BUF_OVER(text);
    buf_fmt(&b, "%u %s: %s", got->status, got->reason, got->message);
    if (is_replaced(got)) {
        (void)nodes_put_off(w->m, w->job, now_us(w) + REPLACE_US);
        return NODES_FAILED;
    }
    w->done->failures++;
    if (got->status == 403 || got->status == 401) {
        buf_fmt(&b,
                ". RBAC: a ClusterRole needs apiGroups [\"\"], resources [\"%s\"], verbs "
                "[\"patch\"]",
                status ? "nodes/status" : "nodes");
        return be_quiet(w, DENIED_US, "what nodes show cannot be written", text);
    }
    if (got->status == 429 || got->status == 503) {
        unsigned wait = got->retry_after_s ? got->retry_after_s : 1;
        wait = wait > BUSY_MOST ? BUSY_MOST : wait;
        return be_quiet(w, (int64_t)wait * SECOND, "what nodes show has to wait", text);
    }
    struct node_memory *n = nodes_put_off(w->m, w->job, now_us(w) + LATER_US);
    if (n) {
        log_failure(w, &n->logged_us, "what the node shows was refused", text);
    }
    return NODES_FAILED;
}

static enum nodes_outcome patch(const struct writing *w, bool status) {
    char path_text[PATH_BYTES];
    char body_text[BODY_MAX];
    struct buf path = BUF_OVER(path_text);
    struct buf body = BUF_OVER(body_text);
    struct kube_response got = {0};
    struct err e = {0};
    buf_str(&path, "/api/v1/nodes/");
    kube_escape(span_of(w->job->name), &path);
    buf_fmt(&path, "%s?fieldManager=tpguard", status ? "/status" : "");
    if (status) {
        nodes_put_condition(w->job, w->ends->now, &body);
    } else {
        nodes_put_labels(w->job, &body);
    }
    const struct kube_request q = {.method = "PATCH",
                                   .path = path_text,
                                   .accept = ACCEPT,
                                   .body = buf_view(&body),
                                   .body_type = status ? KUBE_STRATEGIC_PATCH : KUBE_MERGE_PATCH,
                                   .timeout_ms = WAIT_MS};
    bool whole = (buf_ok(&path) && buf_ok(&body)) || err_set(&e, ERR_TOO_LARGE, "too long");
    if (!whole || !w->ends->call(w->ends->ctx, &q, &got, &e)) {
        w->done->failures++;
        return be_quiet(w, SILENT_US, "what nodes show cannot be written", e.msg);
    }
    buf_done(&got.body);
    if (got.status < 200 || got.status > 299) {
        return refused(w, &got, status);
    }
    w->done->patches++;
    return NODES_DONE;
}

static void tell(const struct writing *w) {
    const struct node_job *job = w->job;
    for (unsigned i = 0; i < job->n_events; i++) {
        const struct reason_row *row = reason_row(job->event[i].code);
        const struct event ev = {.kind = "Node",
                                 .api_version = "v1",
                                 .name = span_of(job->name),
                                 .uid = span_of(job->uid),
                                 .reason = row->code,
                                 .warning = row->warning,
                                 .message = job->event[i].message,
                                 .about = job->event[i].message,
                                 .component = "tpguard"};
        w->ends->tell(w->ends->ctx, &ev);
        w->done->events++;
    }
}

enum nodes_outcome nodes_write(const struct nodes_ends *ends, struct nodes_memory *m,
                               struct node_job *job, struct nodes_done *done) {
    const struct writing w = {ends, m, job, done};
    enum nodes_outcome out = job->labels ? patch(&w, false) : NODES_DONE;
    if (out == NODES_DONE && job->condition) {
        out = patch(&w, true);
    }
    if (out == NODES_DONE) {
        tell(&w);
        nodes_keep(m, job, job->labels || job->condition, now_us(&w));
    }
    return out;
}
