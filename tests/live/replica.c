/* One replica for tests/live/run.sh: takes part in the election, and with --secret keeps and serves
 * the shared certificate. While it leads it prints "TIME IDENTITY TERM" every 50 ms (the machine's
 * monotonic clock in milliseconds), so that two who lead at once show in a sorted log. Ends on
 * SIGTERM, handing the lease back.
 *
 * Usage: replica --kubeconfig FILE --ns NS --identity ID [--lease DURATION,RENEW,RETRY (ms)]
 *   [--secret NAME --listen HOST:PORT --name SAN... --config NAME --service NAME
 *    --times SERVER,CA,SETTLE,OVERLAP,DROP (s) --poll MS] [--autoscaler] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "webhook/http/server.h"
#include "webhook/http/stats.h"
#include "webhook/live/autoscaler.h"
#include "webhook/live/issue.h"
#include "webhook/live/leader.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"

#define NUMBERS_MAX 5
#define NAMES_MAX   8

struct args {
    const char *kubeconfig, *ns, *identity, *secret, *listen, *config, *service;
    const char *name[NAMES_MAX];
    unsigned n_names;
    uint64_t lease[NUMBERS_MAX], times[NUMBERS_MAX], poll_ms;
    bool autoscaler;
};

static void die(const char *what, const char *why) {
    fprintf(stderr, "replica: %s: %s\n", what, why);
    exit(2);
}

static void numbers(const char *text, uint64_t *out) {
    struct span rest = span_of(text);
    for (unsigned i = 0; rest.n && i < NUMBERS_MAX; i++) {
        if (!span_u64(span_cut(&rest, ','), 1000000000, &out[i])) {
            die(text, "wants numbers");
        }
    }
}

static void take(struct args *a, const char *key, const char *value) {
    const struct {
        const char *key;
        const char **text;
        uint64_t *number;
    } rows[] = {{"--kubeconfig", &a->kubeconfig, NULL},
                {"--ns", &a->ns, NULL},
                {"--identity", &a->identity, NULL},
                {"--secret", &a->secret, NULL},
                {"--listen", &a->listen, NULL},
                {"--config", &a->config, NULL},
                {"--service", &a->service, NULL},
                {"--lease", NULL, a->lease},
                {"--times", NULL, a->times},
                {"--poll", NULL, &a->poll_ms},
                {"--name", &a->name[a->n_names], NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(key, rows[i].key) == 0 && rows[i].text) {
            *rows[i].text = value;
            a->n_names += strcmp(key, "--name") == 0 && a->n_names < NAMES_MAX - 1;
            return;
        }
        if (strcmp(key, rows[i].key) == 0) {
            numbers(value, rows[i].number);
            return;
        }
    }
    die(key, "no such option");
}

static struct args read_args(int argc, char **argv) {
    struct args a = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--autoscaler") == 0) {
            a.autoscaler = true;
        } else if (i + 1 == argc) {
            die(argv[i], "wants a value");
        } else {
            take(&a, argv[i], argv[i + 1]);
            i++;
        }
    }
    if (!a.ns || !a.identity) {
        die("usage", "see tests/live/replica.c");
    }
    return a;
}

static struct kube_client *connect_to(const char *kubeconfig) {
    struct kube_config_ask ask = {.kubeconfig = kubeconfig};
    struct kube_config config;
    struct kube_client *c = NULL;
    struct err e = {0};
    if (!kube_config_load(&ask, &config, &e) || !kube_client_new(&config, &c, &e)) {
        die("API server", e.msg);
    }
    kube_config_done(&config);
    return c;
}

static struct leader *elect(const struct args *a, struct kube_client *c) {
    struct lease_times t = LEASE_TIMES;
    if (a->lease[0]) {
        t = (struct lease_times){(int64_t)a->lease[0] * 1000, (int64_t)a->lease[1] * 1000,
                                 (int64_t)a->lease[2] * 1000};
    }
    struct leader *l = NULL;
    struct err e = {0};
    if (!leader_start_timed(c, a->ns, a->identity, &t, &l, &e)) {
        die("leader", e.msg);
    }
    return l;
}

static bool use(void *ctx, struct span cert, struct span key, struct err *e) {
    return server_use_certificate(ctx, cert, key, e);
}

struct serving {
    struct service service;
    struct server *server;
    struct issue_options o;
    struct issue *issue;
};

static void serve(struct serving *s, const struct args *a, struct kube_client *c,
                  struct leader *l) {
    struct err e = {0};
    struct certs certs;
    s->service.policy = policy_default();
    s->service.max_body = (size_t)4 * 1024 * 1024;
    s->service.cluster = cluster_new(&s->service.policy);
    if (!cluster_load(s->service.cluster,
                      SPAN("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[]}"), &e)) {
        die("cluster", e.msg);
    }
    s->o =
        (struct issue_options){.client = c,
                               .ns = a->ns,
                               .secret = a->secret,
                               .names = a->name,
                               .n_names = a->n_names,
                               .bundle = {&a->config, a->config ? 1 : 0, a->ns, a->service, NULL},
                               .leader = l,
                               .use = use,
                               .poll_us = (int64_t)a->poll_ms * 1000};
    if (a->times[0]) {
        s->o.times =
            (struct issue_times){(int64_t)a->times[0], (int64_t)a->times[1], (int64_t)a->times[2],
                                 (int64_t)a->times[3], (int64_t)a->times[4]};
    }
    if (!issue_first(&s->o, &certs, &e)) {
        die("certificate", e.msg);
    }
    struct server_options so = {.listen = a->listen,
                                .extender_listen = "",
                                .cert = buf_view(&certs.cert),
                                .key = buf_view(&certs.key),
                                .deadline_s = 5};
    if (!server_start(&s->service, &so, &s->server, &e)) {
        die("server", e.msg);
    }
    s->o.ctx = s->server;
    if (!issue_start(&s->o, &certs, &s->issue, &e)) {
        die("certificate", e.msg);
    }
    certs_done(&certs);
}

static void attend(const struct leader *l, const char *identity) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    const struct timespec wait = {.tv_nsec = 50000000};
    while (sigtimedwait(&set, NULL, &wait) != SIGTERM) {
        if (leader_is(l)) {
            printf("%lld %s %llu\n", (long long)(clock_mono_us() / 1000), identity,
                   (unsigned long long)leader_term(l));
            fflush(stdout);
        }
    }
}

int main(int argc, char **argv) {
    struct args a = read_args(argc, argv);
    struct serving s = {0};
    struct autoscaler *scaler = NULL;
    struct err e = {0};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    stats_setup("test");
    struct kube_client *c = connect_to(a.kubeconfig);
    struct leader *l = elect(&a, c);
    if (a.secret) {
        serve(&s, &a, c, l);
    }
    if (a.autoscaler && !autoscaler_start_every(c, 1000000, &scaler, &e)) {
        die("autoscaler", e.msg);
    }
    attend(l, a.identity);
    autoscaler_stop(scaler);
    issue_stop(s.issue);
    if (s.server && !server_stop(s.server, 5)) {
        log_say(LOG_WARN, "requests were cut", NULL);
    }
    leader_stop(l);
    cluster_free(s.service.cluster);
    kube_client_free(c);
    return 0;
}
