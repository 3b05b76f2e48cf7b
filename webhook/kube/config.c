#include "webhook/kube/config.h"

#include <stdlib.h>
#include <unistd.h>

#include "webhook/kube/config_inner.h"
#include "webhook/sys/file.h"

#define ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

static void wipe(struct buf *b) {
    if (b->p) {
        explicit_bzero(b->p, b->cap);
    }
    buf_done(b);
}

void kube_config_done(struct kube_config *c) {
    wipe(&c->token);
    wipe(&c->key);
    buf_done(&c->ca);
    buf_done(&c->cert);
    explicit_bzero(c->proxy, sizeof c->proxy);
}

/* ---- in a pod ---- */

static bool account_file(const char *dir, const char *name, char *out, struct err *e) {
    int n = snprintf(out, KUBE_PATH_MAX, "%s/%s", dir, name);
    return (n > 0 && n < KUBE_PATH_MAX) || err_set(e, ERR_TOO_LARGE, "%.100s: too long", dir);
}

static bool account_ca(const char *dir, struct kube_config *c, struct err *e) {
    c->ca = buf_new(KUBE_PEM_MAX);
    if (!account_file(dir, "ca.crt", c->ca_file, e) ||
        !file_read(c->ca_file, KUBE_PEM_MAX, &c->ca, e)) {
        return false;
    }
    return config_pem(buf_view(&c->ca), e) || err_wrap(e, "%.200s: ", c->ca_file);
}

/* Read here only to fail early: the client reads it again, as it changes. */
static bool account_token(const char *dir, struct kube_config *c, struct err *e) {
    struct buf text = buf_new(KUBE_TOKEN_MAX);
    struct buf token = buf_new(KUBE_TOKEN_MAX);
    bool done =
        account_file(dir, "token", c->token_file, e) &&
        file_read(c->token_file, KUBE_TOKEN_MAX, &text, e) &&
        (config_token(buf_view(&text), &token, e) || err_wrap(e, "%.200s: ", c->token_file));
    wipe(&text);
    wipe(&token);
    return done;
}

/* Older clusters have no such file. */
static void account_namespace(const char *dir, struct kube_config *c) {
    char path[KUBE_PATH_MAX];
    struct buf text = buf_new(sizeof c->namespace);
    bool there = account_file(dir, "namespace", path, NULL) &&
                 file_read(path, sizeof c->namespace - 1, &text, NULL) &&
                 config_text(span_trim(buf_view(&text)), c->namespace, sizeof c->namespace, NULL);
    if (!there) {
        c->namespace[0] = '\0';
    }
    buf_done(&text);
}

bool kube_config_in_cluster(const char *dir, const char *host, const char *port,
                            struct kube_config *out, struct err *e) {
    struct kube_config c = {.source = "in-cluster"};
    char server[sizeof c.server];
    uint32_t number = 0;
    bool v6 = strchr(host, ':') != NULL;
    if (!span_u32(span_of(port), 65535, &number) || number == 0) {
        return err_set(e, ERR_INPUT, "KUBERNETES_SERVICE_PORT: wants 1 to 65535, found \"%.20s\"",
                       port);
    }
    (void)snprintf(server, sizeof server, "https://%s%.400s%s:%u", v6 ? "[" : "", host,
                   v6 ? "]" : "", number);
    if (!config_server(span_of(server), c.server, sizeof c.server, e)) {
        return err_wrap(e, "KUBERNETES_SERVICE_HOST: ");
    }
    if (!account_token(dir, &c, e) || !account_ca(dir, &c, e)) {
        kube_config_done(&c);
        return err_wrap(e, "in a pod without a usable ServiceAccount "
                           "(automountServiceAccountToken: true gives it one): ");
    }
    account_namespace(dir, &c);
    *out = c;
    return true;
}

/* ---- which place ---- */

static const char *env(const char *name) {
    const char *v = getenv(name);
    return v && v[0] ? v : NULL;
}

static bool first_existing(const char *list, char *out, unsigned *more, struct err *e) {
    struct span rest = span_of(list);
    out[0] = '\0';
    while (rest.n) {
        struct span one = span_cut(&rest, ':');
        char path[KUBE_PATH_MAX];
        if (one.n == 0 || !config_text(one, path, sizeof path, NULL) || access(path, F_OK) != 0) {
            continue;
        }
        if (out[0]) {
            (*more)++;
        } else {
            memcpy(out, path, one.n + 1);
        }
    }
    return out[0] || err_set(e, ERR_INPUT,
                             "KUBECONFIG: wants a kubeconfig file, found none at \"%.200s\"", list);
}

static bool from_env_list(const char *list, const char *context, struct kube_config *out,
                          struct err *e) {
    char path[KUBE_PATH_MAX];
    unsigned more = 0;
    if (!first_existing(list, path, &more, e)) {
        return false;
    }
    if (!kubeconfig_load(path, context, out, e)) {
        /* kubectl merges them: what is missed may stand in another one. */
        return more ? err_wrap(e, "of %u files in KUBECONFIG only the first is read: ", more + 1)
                    : false;
    }
    if (more) {
        (void)snprintf(out->source, sizeof out->source, "kubeconfig (first of %u in KUBECONFIG)",
                       more + 1);
    }
    return true;
}

static bool from_home(const char *context, struct kube_config *out, struct err *e) {
    char path[KUBE_PATH_MAX];
    const char *home = env("HOME");
    int n = snprintf(path, sizeof path, "%s/.kube/config", home ? home : "");
    if (!home || n < 0 || (size_t)n >= sizeof path || access(path, F_OK) != 0) {
        return err_set(e, ERR_INPUT,
                       "no API server is known: not in a pod, no KUBECONFIG, no ~/.kube/config");
    }
    return kubeconfig_load(path, context, out, e);
}

bool kube_config_load(const struct kube_config_ask *ask, struct kube_config *out, struct err *e) {
    const char *host = env("KUBERNETES_SERVICE_HOST");
    const char *port = env("KUBERNETES_SERVICE_PORT");
    const char *list = env("KUBECONFIG");
    if (ask->kubeconfig) {
        return kubeconfig_load(ask->kubeconfig, ask->context, out, e);
    }
    /* A pod of somebody who brings a kubeconfig because there is no ServiceAccount is none of ours.
     */
    bool account = access(ACCOUNT_DIR "/token", F_OK) == 0;
    if (host && port && (account || !list)) {
        return kube_config_in_cluster(ACCOUNT_DIR, host, port, out, e);
    }
    return list ? from_env_list(list, ask->context, out, e) : from_home(ask->context, out, e);
}
