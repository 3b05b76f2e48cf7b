#include "webhook/serve_options.h"

#include "webhook/http/limits.h"
#include "webhook/live/evict.h"
#include "webhook/option_words.h"
#include "webhook/policy_options.h"

static bool set_listen(struct serve_options *o, const char *v, struct err *e) {
    o->listen = v;
    return v[0] || err_set(e, ERR_INPUT, "wants HOST:PORT");
}
static bool set_extender_listen(struct serve_options *o, const char *v, struct err *e) {
    (void)e;
    o->extender_listen = v;
    return true;
}
static bool set_cluster(struct serve_options *o, const char *v, struct err *e) {
    o->cluster_file = v;
    return (v[0] && !span_is(span_of(v), "-")) ||
           err_set(e, ERR_INPUT, "wants a file, to be read again at every SIGHUP");
}
static bool set_live(struct serve_options *o, const char *v, struct err *e) {
    (void)v;
    (void)e;
    o->live = true;
    return true;
}
static bool set_kubeconfig(struct serve_options *o, const char *v, struct err *e) {
    o->kubeconfig = v;
    o->live = true;
    return v[0] || err_set(e, ERR_INPUT, "wants a file");
}
static bool set_context(struct serve_options *o, const char *v, struct err *e) {
    o->context = v;
    return v[0] || err_set(e, ERR_INPUT, "wants the name of a context");
}
static bool set_namespace(struct serve_options *o, const char *v, struct err *e) {
    o->namespace = v;
    return (v[0] && strlen(v) <= 63) || err_set(e, ERR_INPUT, "wants the name of a namespace");
}
static bool set_identity(struct serve_options *o, const char *v, struct err *e) {
    o->identity = v;
    return (v[0] && strlen(v) <= 253) || err_set(e, ERR_INPUT, "wants a name, the pod's");
}
static bool set_role(struct serve_options *o, const char *v, struct err *e) {
    o->role = span_is(span_of(v), "scheduler") ? ROLE_SCHEDULER : ROLE_WEBHOOK;
    return o->role == ROLE_SCHEDULER || span_is(span_of(v), "webhook") ||
           err_set(e, ERR_INPUT, "wants webhook or scheduler");
}
static bool set_issue_tls(struct serve_options *o, const char *v, struct err *e) {
    o->issue_tls = v;
    return (v[0] && strlen(v) <= 253) || err_set(e, ERR_INPUT, "wants the name of a Secret");
}
static bool set_service(struct serve_options *o, const char *v, struct err *e) {
    o->service = v;
    return (v[0] && strlen(v) <= 63) || err_set(e, ERR_INPUT, "wants the name of a Service");
}
static bool set_webhook_config(struct serve_options *o, const char *v, struct err *e) {
    if (o->n_webhook_config == SERVE_CONFIGS_MAX) {
        return err_set(e, ERR_TOO_LARGE, "at most %d times", SERVE_CONFIGS_MAX);
    }
    o->webhook_config[o->n_webhook_config++] = v;
    return v[0] || err_set(e, ERR_INPUT, "wants the name of a MutatingWebhookConfiguration");
}
static bool set_cert(struct serve_options *o, const char *v, struct err *e) {
    o->tls_cert = v;
    return v[0] || err_set(e, ERR_INPUT, "wants a file");
}
static bool set_key(struct serve_options *o, const char *v, struct err *e) {
    o->tls_key = v;
    return v[0] || err_set(e, ERR_INPUT, "wants a file");
}
static bool set_write_ca(struct serve_options *o, const char *v, struct err *e) {
    o->write_ca = v;
    return v[0] || err_set(e, ERR_INPUT, "wants a file");
}
static bool set_san(struct serve_options *o, const char *v, struct err *e) {
    if (o->n_san == SERVE_SANS_MAX) {
        return err_set(e, ERR_TOO_LARGE, "at most %d times", SERVE_SANS_MAX);
    }
    o->san[o->n_san++] = v;
    return true;
}
static bool set_log_level(struct serve_options *o, const char *v, struct err *e) {
    return log_level_parse(span_of(v), &o->log_level) ||
           err_set(e, ERR_INPUT, "wants debug, info, warn or error");
}
static bool set_log_format(struct serve_options *o, const char *v, struct err *e) {
    o->log_text = span_is(span_of(v), "text");
    return o->log_text || span_is(span_of(v), "json") ||
           err_set(e, ERR_INPUT, "wants json or text");
}
static bool set_max_body(struct serve_options *o, const char *v, struct err *e) {
    uint64_t n = 0;
    if (!span_u64(span_of(v), HTTP_BODY_MAX, &n) || n == 0) {
        return err_set(e, ERR_INPUT, "wants bytes, 1 to %zu", HTTP_BODY_MAX);
    }
    o->max_body = (size_t)n;
    return true;
}
static bool set_deadline(struct serve_options *o, const char *v, struct err *e) {
    uint32_t n = 0;
    if (!span_u32(span_of(v), HTTP_DEADLINE_MAX, &n) || n == 0) {
        return err_set(e, ERR_INPUT, "wants seconds, 1 to %d", HTTP_DEADLINE_MAX);
    }
    o->deadline_s = n;
    return true;
}
static bool set_across_pcie(struct serve_options *o, const char *v, struct err *e) {
    o->evict = span_is(span_of(v), "evict");
    return o->evict || span_is(span_of(v), "tell") || err_set(e, ERR_INPUT, "wants tell or evict");
}
static bool set_across_pcie_after(struct serve_options *o, const char *v, struct err *e) {
    return span_u32(span_of(v), SERVE_EVICT_AFTER_MAX, &o->evict_after_s) ||
           err_set(e, ERR_INPUT, "wants seconds, 0 to %d", SERVE_EVICT_AFTER_MAX);
}
static bool set_no_binding_gate(struct serve_options *o, const char *v, struct err *e) {
    (void)v;
    (void)e;
    o->no_binding_gate = true;
    return true;
}
static bool set_bench_echo(struct serve_options *o, const char *v, struct err *e) {
    (void)v;
    (void)e;
    o->bench_echo = true;
    return true;
}
static bool set_help(struct serve_options *o, const char *v, struct err *e) {
    (void)v;
    (void)e;
    o->help = true;
    return true;
}

static const struct option_row {
    const char *name;
    const char *value; /* NULL: takes none */
    const char *help;
    bool (*set)(struct serve_options *o, const char *v, struct err *e);
} rows[] = {
    {"listen", "ADDR", "HOST:PORT for all routes, HTTPS; port 0 is any free one (0.0.0.0:9443)",
     set_listen},
    {"extender-listen", "ADDR", "/scheduler/... once more, on a listener of its own (none)",
     set_extender_listen},
    {"cluster", "FILE",
     "recorded cluster: kubectl get nodes,pods -A -o yaml > FILE; SIGHUP reads it again; none: "
     "never ready (built-in example)",
     set_cluster},
    {"live", NULL, "watch the cluster itself: as the pod's ServiceAccount, else as kubectl does",
     set_live},
    {"kubeconfig", "FILE", "the cluster to watch, as kubectl reads it (implies --live)",
     set_kubeconfig},
    {"context", "NAME", "of the kubeconfig (its current-context)", set_context},
    {"namespace", "NAME", "tpguard's own: reservations, lease, certificate (the pod's)",
     set_namespace},
    {"identity", "NAME", "name of this replica in the lease of the leader (the host's)",
     set_identity},
    {"role", "ROLE",
     "webhook: admission, one replica leads; scheduler: beside kube-scheduler, only answers it "
     "(webhook)",
     set_role},
    {"issue-tls", "SECRET", "make and renew the certificate in this Secret, shared by all replicas",
     set_issue_tls},
    {"service", "NAME", "the Service that the API server calls (with --issue-tls)", set_service},
    {"webhook-config", "NAME",
     "MutatingWebhookConfiguration whose caBundle is kept right, may repeat (with --issue-tls)",
     set_webhook_config},
    {"across-pcie", "HOW",
     "pods that run with a TP group across PCIe: tell, or evict where a healthy set is free (tell)",
     set_across_pcie},
    {"across-pcie-after", "SECONDS", "evict when it has been so for so long (120)",
     set_across_pcie_after},
    {"no-binding-gate", NULL,
     "bindings are not sent here: a pod that is bound without a reserved set is no news",
     set_no_binding_gate},
    {"tls-cert", "FILE", "certificate and chain, PEM; read again when it changes (self-signed)",
     set_cert},
    {"tls-key", "FILE", "its key, PEM", set_key},
    {"tls-san", "NAME",
     "one more DNS name or address in the self-signed certificate, may repeat: "
     "tpguard.NAMESPACE.svc",
     set_san},
    {"write-ca", "FILE", "where to write the CA of the self-signed certificate, PEM", set_write_ca},
    {"max-body", "BYTES", "largest body of /scheduler/...; admission takes 8 MiB of it (33554432)",
     set_max_body},
    {"deadline", "SECONDS", "a request that takes longer is cut (10)", set_deadline},
    {"log-level", "LEVEL", "debug, info, warn or error (info)", set_log_level},
    {"log-format", "FORMAT", "json or text (json)", set_log_format},
    {"bench-echo", NULL,
     "for make bench: POST /bench/echo?bytes=N answers N bytes, what the wire alone costs",
     set_bench_echo},
    {"help", NULL, "this text", set_help},
};
#define ROWS (sizeof rows / sizeof rows[0])

static const struct option_row *find(struct span name) {
    for (size_t i = 0; i < ROWS; i++) {
        if (span_is(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool set_one(struct serve_options *o, struct span name, const char *value, struct err *e) {
    const struct option_row *r = find(name);
    if (!r) {
        return policy_option_set(&o->policy, name, span_of(value), e);
    }
    if (r->set(o, value, e)) {
        return true;
    }
    return option_word_wrap(name, r->value != NULL, value, e);
}

static bool take(struct serve_options *o, int argc, char **argv, int *i, struct err *e) {
    struct option_word w = {0};
    const char *value = NULL;
    if (!option_word_read(argv[*i], &w, e)) {
        return false;
    }
    const struct option_row *r = find(w.name);
    bool takes_value = r && r->value;
    if (!r && !policy_option_known(w.name, &takes_value)) {
        return err_set(e, ERR_INPUT, "no option --" SPAN_FMT ": tpguard serve --help lists them",
                       SPAN_ARG(span_upto(w.name, 80)));
    }
    return option_word_value(&w, takes_value, argc, argv, i, &value, e) &&
           set_one(o, w.name, value, e);
}

/* Options that mean something only together with another. */
static bool agree_live(const struct serve_options *o, struct err *e) {
    if (o->live && o->cluster_file) {
        return err_set(e, ERR_INPUT, "--live and --cluster exclude each other");
    }
    bool lives =
        o->issue_tls || o->context || o->namespace || o->identity || o->no_binding_gate || o->evict;
    if (!o->live && lives) {
        return err_set(e, ERR_INPUT,
                       "--issue-tls, --context, --namespace, --identity, --across-pcie and "
                       "--no-binding-gate are for a live cluster: --live or --kubeconfig is "
                       "missing");
    }
    if (o->issue_tls && o->tls_cert) {
        return err_set(e, ERR_INPUT, "--issue-tls makes the certificate, found --tls-cert as well");
    }
    if (!o->issue_tls && (o->n_webhook_config || o->service)) {
        return err_set(e, ERR_INPUT, "--webhook-config and --service go with --issue-tls");
    }
    if (o->issue_tls && !o->service) {
        return err_set(e, ERR_INPUT,
                       "--issue-tls wants --service, the name that goes into the "
                       "certificate");
    }
    return true;
}

static bool agree(const struct serve_options *o, struct err *e) {
    if (!o->tls_cert != !o->tls_key) {
        return err_set(e, ERR_INPUT, "--tls-cert and --tls-key go together, found only --tls-%s",
                       o->tls_cert ? "cert" : "key");
    }
    if (o->tls_cert && (o->n_san || o->write_ca)) {
        return err_set(e, ERR_INPUT,
                       "--%s is for the self-signed certificate, found --tls-cert as well",
                       o->n_san ? "tls-san" : "write-ca");
    }
    return agree_live(o, e);
}

bool serve_options_read(int argc, char **argv, struct serve_options *out, struct err *e) {
    struct serve_options o = {.listen = "0.0.0.0:9443",
                              .extender_listen = "",
                              .policy = policy_default(),
                              .log_level = LOG_INFO,
                              .evict_after_s = EVICT_AFTER_S,
                              .deadline_s = HTTP_DEADLINE_S,
                              .max_body = HTTP_BODY_DEFAULT};
    for (int i = 1; i < argc; i++) {
        if (!take(&o, argc, argv, &i, e)) {
            return false;
        }
    }
    if (!o.help && !agree(&o, e)) {
        return false;
    }
    *out = o;
    return true;
}

void serve_options_help(struct buf *out) {
    buf_str(out, "Serves admission of pods, the scheduler extender and metrics over HTTPS.\n\n"
                 "Usage: tpguard serve [OPTIONS]\n\n");
    for (size_t i = 0; i < ROWS; i++) {
        option_word_help(rows[i].name, rows[i].value, rows[i].help, out);
    }
    buf_str(out, "\nPolicy, the same words as for tpguard explain:\n");
    policy_options_help(out);
    buf_str(out, "\nRoutes: POST /admit/pods, /admit/workloads, /admit/bindings, "
                 "/scheduler/filter, /scheduler/prioritize, /scheduler/preempt; GET /healthz, "
                 "/readyz, /metrics.\n"
                 "SIGHUP reads the cluster file and the certificate again, SIGTERM lets requests "
                 "in flight finish.\n"
                 "Exit codes: 0 stopped by a signal, 2 wrong input or usage.\n");
}
