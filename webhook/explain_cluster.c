#include "webhook/explain_cluster.h"

#include "webhook/cmd.h"
#include "webhook/codec/manifest.h"
#include "webhook/kube/client.h"
#include "webhook/live/live.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/file.h"
#include "webhook/sys/log.h"

#define LIVE_WAIT_S 30
#define REACH_MS    5000
#define LIVE_LOOK   ((struct timespec){.tv_nsec = 20 * 1000 * 1000})

const char *explain_source_name(const struct explain_source *s) {
    if (s->live) {
        return "the live cluster";
    }
    return s->file ? s->file : "the built-in example";
}

static bool from_file(const struct explain_source *s, struct cluster *c, struct err *e) {
    struct buf text = buf_new(CLUSTER_FILE_MAX);
    bool done = file_read(s->file, CLUSTER_FILE_MAX, &text, e);
    if (done && !cluster_load(c, buf_view(&text), e)) {
        done = err_file(e, s->file);
    }
    buf_done(&text);
    return done;
}

/* The same watches as the server's, for as long as it takes to fill the cache. */
static bool wait_full(struct live *l, struct err *e) {
    char why[400] = "";
    int64_t until = clock_mono_us() + INT64_C(1000000) * LIVE_WAIT_S;
    while (!live_ready(l, why, sizeof why)) {
        if (clock_mono_us() > until) {
            return err_set(e, ERR_IO, "%s", why);
        }
        const struct timespec look = LIVE_LOOK;
        nanosleep(&look, NULL);
    }
    return true;
}

/* A server that is not there, or not for us, is said at once: the watches would try again and
 * again.
 */
static bool answers(struct kube_client *client, struct err *e) {
    const struct kube_request ask = {
        .method = "GET", .path = "/api/v1/namespaces?limit=1", .timeout_ms = REACH_MS};
    return kube_want(client, &ask, NULL, NULL, e);
}

static bool from_live(const struct explain_source *s, const struct policy *policy,
                      struct cluster *c, struct err *e) {
    struct kube_config config;
    struct kube_client *client = NULL;
    struct live *live = NULL;
    const struct kube_config_ask ask = {.kubeconfig = s->kubeconfig, .context = s->context};
    /* For a person at a terminal: what is tried again is not said; what is given up is an error. */
    log_setup(LOG_ERROR, true);
    if (!kube_config_load(&ask, &config, e)) {
        return false;
    }
    bool done = kube_client_new(&config, &client, e);
    kube_config_done(&config);
    const struct live_options o = {
        .cluster = c, .client = client, .policy = policy, .namespace = ""};
    done = done && answers(client, e) && live_start(&o, &live, e) && wait_full(live, e);
    live_stop(live);
    kube_client_free(client);
    return done;
}

bool explain_cluster(const struct explain_source *s, const struct policy *policy,
                     struct cluster **out, struct err *e) {
    *out = cluster_new(policy);
    if (!*out) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    if (s->live) {
        return from_live(s, policy, *out, e) || err_wrap(e, "the live cluster: ");
    }
    if (s->file) {
        return from_file(s, *out, e);
    }
    return cluster_load(*out, demo_cluster(), e) || err_wrap(e, "the built-in example: ");
}
