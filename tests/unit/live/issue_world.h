/* Replicas that share a Secret and keep a webhook configuration, and a caller that trusts what
 * stood in that configuration a moment ago. */
#ifndef TPGUARD_TESTS_ISSUE_WORLD_H
#define TPGUARD_TESTS_ISSUE_WORLD_H

#include "tests/unit/live/fake_kube.h"
#include "webhook/kube/config_inner.h"
#include "webhook/live/issue_work.h"
#include "webhook/sys/log.h"

#define SECRET "/api/v1/namespaces/ns/secrets/tls"
#define HOOKS  "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tpguard"

static const char *const world_names[] = {"tpguard.ns.svc", "127.0.0.1"};
static const char *const world_configs[] = {"tpguard"};

static struct kube_client world_api(void) {
    struct kube_client c = fake_new();
    c.hooks_path = HOOKS;
    c.hook[0] = (struct fake_hook){"pods.tpguard.io", "ns", "tpguard", {0}};
    c.hook[1] = (struct fake_hook){"other.example.org", "ns", "other", {0}};
    c.hook[2] = (struct fake_hook){"bindings.tpguard.io", "ns", "tpguard", {0}};
    return c;
}

/* What the replica serves: the last that use() was given. */
struct served {
    struct buf cert;
    struct buf key;
    _Atomic unsigned times;
    _Atomic bool refuse;
};

static bool world_use(void *ctx, struct span cert, struct span key, struct err *e) {
    struct served *s = ctx;
    s->times++;
    if (s->refuse) {
        return err_set(e, ERR_INPUT, "refused");
    }
    buf_done(&s->cert);
    buf_done(&s->key);
    s->cert = buf_new(CERT_PEM_MAX);
    s->key = buf_new(CERT_PEM_MAX);
    buf_span(&s->cert, cert);
    buf_span(&s->key, key);
    return true;
}

static void served_done(struct served *s) {
    buf_done(&s->cert);
    buf_done(&s->key);
}

static struct issue_options world_options(struct kube_client *c, struct served *s) {
    return (struct issue_options){
        .client = c,
        .ns = "ns",
        .secret = "tls",
        .names = world_names,
        .n_names = 2,
        .bundle = {world_configs, 1, "ns", "tpguard", NULL},
        .ctx = s,
        .use = world_use,
    };
}

static struct buf world_bundle(struct kube_client *c, unsigned hook) {
    struct buf pem = buf_new(CERT_PEM_MAX);
    struct err e = {0};
    pthread_mutex_lock(&c->lock);
    if (!config_base64(buf_view(&c->hook[hook].bundle), &pem, &e)) {
        buf_reset(&pem);
    }
    pthread_mutex_unlock(&c->lock);
    return pem;
}

/* Would a caller who trusts this bundle talk to it now? */
static bool world_trusts(struct span bundle, struct span cert, struct span key, int64_t now) {
    struct certs_texts t = {
        .cert = cert, .key = key, .ca = bundle, .names = world_names, .n_names = 2};
    struct certs_seen s;
    certs_look(&t, &s);
    return s.pair && s.chain && s.names && now < s.life.not_after && now >= s.life.not_before;
}

#endif
