#include "webhook/serve_live.h"

#include <stdlib.h>
#include <unistd.h>

#include "webhook/http/server.h"
#include "webhook/http/stats.h"
#include "webhook/kube/client.h"
#include "webhook/live/autoscaler.h"
#include "webhook/live/events.h"
#include "webhook/live/issue.h"
#include "webhook/live/leader.h"
#include "webhook/live/live.h"
#include "webhook/live/steward.h"

#define NAME_MAX_BYTES      254
#define AUTOSCALER_NOT_SEEN (-1)

struct serve_live {
    const struct serve_options *options;
    struct service *service;
    char namespace[NAME_MAX_BYTES];
    char identity[NAME_MAX_BYTES];
    struct kube_client *client;
    struct live *live;
    struct events *events;
    struct leader *leader;
    struct steward *steward;
    struct autoscaler *autoscaler;
    char service_host[NAME_MAX_BYTES * 2]; /* "tpguard.tpguard-system.svc" */
    const char *names[SERVE_SANS_MAX + 4];
    struct issue_options issue_options;
    struct issue *issue;
    struct server *server;
};

/* ---- who and where ---- */

static bool name_us(struct serve_live *l, struct err *e) {
    const struct serve_options *o = l->options;
    struct buf ns = BUF_OVER(l->namespace);
    struct buf id = BUF_OVER(l->identity);
    char host[NAME_MAX_BYTES] = "";
    buf_str(&ns, o->namespace ? o->namespace : kube_client_namespace(l->client));
    if (!o->identity && gethostname(host, sizeof host - 1) != 0) {
        return err_set(e, ERR_IO, "the host has no name: say --identity");
    }
    buf_str(&id, o->identity ? o->identity : host);
    if (!ns.n) {
        buf_str(&ns, "default");
    }
    return true;
}

static bool connect_api(struct serve_live *l, struct err *e) {
    const struct serve_options *o = l->options;
    struct kube_config config;
    const struct kube_config_ask ask = {.kubeconfig = o->kubeconfig, .context = o->context};
    if (!kube_config_load(&ask, &config, e)) {
        return false;
    }
    struct log_line line = log_new(LOG_INFO, "api server");
    log_str(&line, "server", config.server);
    log_str(&line, "config", config.source);
    log_write(&line);
    bool done = kube_client_new(&config, &l->client, e);
    kube_config_done(&config);
    return done && name_us(l, e);
}

/* ---- parts, in the order of their start ---- */

static bool start_watches(struct serve_live *l, struct err *e) {
    const struct live_options o = {.cluster = l->service->cluster,
                                   .client = l->client,
                                   .policy = &l->service->policy,
                                   .namespace = l->namespace};
    return live_start(&o, &l->live, e);
}

static bool start_leading(struct serve_live *l, struct err *e) {
    if (l->options->role != ROLE_WEBHOOK) {
        return true;
    }
    struct steward_options steward = {.live = l->live,
                                      .gate = !l->options->no_binding_gate,
                                      .evict = l->options->evict,
                                      .evict_after_s = l->options->evict_after_s};
    if (!events_start(l->client, l->identity, &l->events, e) ||
        !leader_start(l->client, l->namespace, l->identity, &l->leader, e)) {
        return false;
    }
    steward.events = l->events;
    steward.leader = l->leader;
    return steward_start(&steward, &l->steward, e) &&
           autoscaler_start(l->client, &l->autoscaler, e);
}

bool serve_live_start(struct service *service, const struct serve_options *o,
                      struct serve_live **out, struct err *e) {
    struct serve_live *l = calloc(1, sizeof *l);
    if (!l) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    l->options = o;
    l->service = service;
    if (!connect_api(l, e) || !start_watches(l, e) || !start_leading(l, e)) {
        serve_live_stop(l);
        return false;
    }
    service->live = l->live;
    service->autoscaler = AUTOSCALER_NOT_SEEN;
    service->events = l->events;
    *out = l;
    return true;
}

void serve_live_look(struct serve_live *l) {
    static const int seen[] = {
        [AUTOSCALER_UNKNOWN] = AUTOSCALER_NOT_SEEN, [AUTOSCALER_NO] = 0, [AUTOSCALER_YES] = 1};
    if (!l || !l->autoscaler) {
        return;
    }
    int now = seen[autoscaler_state(l->autoscaler)];
    if (now == l->service->autoscaler) {
        return;
    }
    char why[AUTOSCALER_DETAIL_MAX];
    autoscaler_detail(l->autoscaler, why);
    struct log_line line = log_new(LOG_INFO, "do nodes come and go");
    log_str(&line, "autoscaler", autoscaler_state_name(autoscaler_state(l->autoscaler)));
    log_str(&line, "why", why);
    log_write(&line);
    l->service->autoscaler = now;
}

/* ---- the certificate ---- */

/* On the thread of the issuer. */
static bool use(void *ctx, struct span cert, struct span key, struct err *e) {
    struct serve_live *l = ctx;
    bool done = server_use_certificate(l->server, cert, key, e);
    stats_reload(false, done);
    if (done) {
        log_say(LOG_INFO, "certificate replaced", NULL);
    }
    return done;
}

static void describe_issue(struct serve_live *l) {
    const struct serve_options *o = l->options;
    struct buf host = BUF_OVER(l->service_host);
    unsigned n = 0;
    buf_fmt(&host, "%s.%s.svc", o->service, l->namespace);
    l->names[n++] = l->service_host;
    for (unsigned i = 0; i < o->n_san; i++) {
        if (!span_is(span_of(o->san[i]), l->service_host)) {
            l->names[n++] = o->san[i];
        }
    }
    l->issue_options = (struct issue_options){.client = l->client,
                                              .ns = l->namespace,
                                              .secret = o->issue_tls,
                                              .names = l->names,
                                              .n_names = n,
                                              .bundle = {.config = o->webhook_config,
                                                         .n_configs = o->n_webhook_config,
                                                         .service_ns = l->namespace,
                                                         .service_name = o->service},
                                              .leader = l->leader,
                                              .ctx = l,
                                              .use = use};
}

bool serve_live_certificate(struct serve_live *l, struct certs *out, struct err *e) {
    describe_issue(l);
    return issue_first(&l->issue_options, out, e) ||
           err_wrap(e, "--issue-tls %s: ", l->options->issue_tls);
}

bool serve_live_renew(struct serve_live *l, struct server *server, const struct certs *in_use,
                      struct err *e) {
    l->server = server;
    return issue_start(&l->issue_options, in_use, &l->issue, e);
}

void serve_live_keep(struct serve_live *l) {
    if (l) {
        issue_stop(l->issue);
        l->issue = NULL;
    }
}

void serve_live_stop(struct serve_live *l) {
    if (!l) {
        return;
    }
    issue_stop(l->issue);
    autoscaler_stop(l->autoscaler);
    steward_stop(l->steward);
    leader_stop(l->leader);
    events_stop(l->events);
    live_stop(l->live);
    kube_client_free(l->client);
    free(l);
}
