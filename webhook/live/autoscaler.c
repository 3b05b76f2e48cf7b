#include "webhook/live/autoscaler.h"

#include <stdlib.h>

#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"
#include "webhook/sys/pace.h"

#define EVERY_US    INT64_C(60000000)
#define SOON_US     INT64_C(5000000) /* until it was found out once */
#define ANSWER_MAX  ((size_t)2 * 1024 * 1024)
#define STATUS_PATH "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status"
#define GROUP_PATH  "/apis/karpenter.sh"

/* One of the two that are looked for. */
struct part {
    enum autoscaler_state state; /* the last that was known */
    bool stuck;                  /* the last look found nothing out; said */
    char detail[AUTOSCALER_DETAIL_MAX];
};

struct autoscaler {
    struct kube_client *client;
    int64_t every_us;
    struct part cluster; /* the thread's alone */
    struct part karpenter;
    _Atomic int state;
    char detail[AUTOSCALER_DETAIL_MAX]; /* under pace.lock */
    struct pace pace;
};

/* Status 0: no answer. */
static unsigned get(struct autoscaler *a, const char *path, struct buf *body) {
    struct kube_request q = {
        .method = "GET", .path = path, .max_response = ANSWER_MAX, .stop = &a->pace.stop};
    struct err e = {0};
    unsigned status = 0;
    if (!kube_want(a->client, &q, body, &status, &e)) {
        buf_reset(body);
        return status == 200 ? 0 : status;
    }
    return status;
}

static enum autoscaler_state look_cluster(struct autoscaler *a, struct buf *detail) {
    struct buf body = buf_new(ANSWER_MAX);
    unsigned status = get(a, STATUS_PATH, &body);
    enum autoscaler_state s =
        autoscaler_of_configmap(status, buf_view(&body), clock_unix_s(), detail);
    buf_done(&body);
    return s;
}

static enum autoscaler_state look_karpenter(struct autoscaler *a, struct buf *detail) {
    char version[64];
    char path[128];
    struct buf body = buf_new(ANSWER_MAX);
    unsigned status = get(a, GROUP_PATH, &body);
    enum autoscaler_state s = autoscaler_of_group(status, buf_view(&body), version, detail);
    if (version[0]) {
        buf_reset(&body);
        buf_reset(detail);
        struct buf p = BUF_OVER(path);
        buf_fmt(&p, GROUP_PATH "/%s/nodepools?limit=1", version);
        status = get(a, path, &body);
        s = autoscaler_of_nodepools(status, buf_view(&body), detail);
    }
    buf_done(&body);
    return s;
}

/* What is not known now is what it was; why not is said once. */
static void learn(struct part *p, enum autoscaler_state s, const char *detail) {
    if (s == AUTOSCALER_UNKNOWN) {
        if (!p->stuck) {
            struct log_line l = log_new(LOG_WARN, "whether nodes come and go cannot be found out");
            log_str(&l, "error", detail);
            log_str(&l, "taken_for", p->state == AUTOSCALER_NO ? "no" : "yes");
            log_write(&l);
        }
        p->stuck = true;
        if (p->state != AUTOSCALER_UNKNOWN) {
            return;
        }
    } else {
        p->stuck = false;
        p->state = s;
    }
    memcpy(p->detail, detail, sizeof p->detail);
}

static void publish(struct autoscaler *a) {
    const struct part *c = &a->cluster;
    const struct part *k = &a->karpenter;
    bool yes = c->state == AUTOSCALER_YES || k->state == AUTOSCALER_YES;
    bool no = c->state == AUTOSCALER_NO && k->state == AUTOSCALER_NO;
    enum autoscaler_state s = yes ? AUTOSCALER_YES : no ? AUTOSCALER_NO : AUTOSCALER_UNKNOWN;
    char text[AUTOSCALER_DETAIL_MAX * 2 + 2];
    struct buf b = BUF_OVER(text);
    buf_str(&b, c->state == s ? c->detail : k->detail);
    if (no) {
        buf_fmt(&b, ", %s", k->detail);
    }
    pthread_mutex_lock(&a->pace.lock);
    struct buf to = BUF_OVER(a->detail);
    buf_span(&to, span_upto(buf_view(&b), AUTOSCALER_DETAIL_MAX - 1));
    pthread_mutex_unlock(&a->pace.lock);
    if ((int)s != a->state) {
        struct log_line l = log_new(LOG_INFO, "nodes come and go");
        log_str(&l, "state", autoscaler_state_name(s));
        log_str(&l, "why", text);
        log_write(&l);
    }
    a->state = (int)s;
}

static void *run(void *ctx) {
    struct autoscaler *a = ctx;
    int64_t wait = 0;
    while (pace_wait(&a->pace, wait)) {
        char text[AUTOSCALER_DETAIL_MAX];
        struct buf detail = BUF_OVER(text);
        enum autoscaler_state s = look_cluster(a, &detail);
        if (a->pace.stop) {
            break; /* a call that was ended by it says nothing */
        }
        learn(&a->cluster, s, text);
        buf_reset(&detail);
        s = look_karpenter(a, &detail);
        if (a->pace.stop) {
            break;
        }
        learn(&a->karpenter, s, text);
        publish(a);
        bool known = a->state != AUTOSCALER_UNKNOWN;
        wait = known || a->every_us < SOON_US ? a->every_us : SOON_US;
    }
    return NULL;
}

bool autoscaler_start_every(struct kube_client *client, int64_t every_us, struct autoscaler **out,
                            struct err *e) {
    struct autoscaler *a = calloc(1, sizeof *a);
    if (!a) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    a->client = client;
    a->every_us = every_us;
    if (!pace_start(&a->pace, run, a, e)) {
        free(a);
        return false;
    }
    *out = a;
    return true;
}

bool autoscaler_start(struct kube_client *client, struct autoscaler **out, struct err *e) {
    return autoscaler_start_every(client, EVERY_US, out, e);
}

void autoscaler_stop(struct autoscaler *a) {
    if (a) {
        pace_stop(&a->pace);
        free(a);
    }
}

enum autoscaler_state autoscaler_state(const struct autoscaler *a) {
    return a ? (enum autoscaler_state)a->state : AUTOSCALER_UNKNOWN;
}

void autoscaler_detail(struct autoscaler *a, char out[AUTOSCALER_DETAIL_MAX]) {
    pthread_mutex_lock(&a->pace.lock);
    memcpy(out, a->detail, AUTOSCALER_DETAIL_MAX);
    pthread_mutex_unlock(&a->pace.lock);
}
