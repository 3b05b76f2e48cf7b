/* Proxies as Go's HTTP clients, kubectl among them, take them from the environment; libcurl's own
 * rules differ (ALL_PROXY, lower case first), so it is never let near the environment. */
#include <stdlib.h>

#include "webhook/kube/config_inner.h"

static const char *either(const char *upper, const char *lower) {
    const char *v = getenv(upper);
    if (!v || !v[0]) {
        v = getenv(lower);
    }
    return v && v[0] ? v : NULL;
}

static struct span host_of(const char *server) {
    struct span s = span_of(server);
    s = span_from(s, span_search(s, "://") + 3);
    s = span_upto(s, span_find(s, '/'));
    if (s.n && s.p[0] == '[') {
        return span_upto(s, span_find(s, ']') + 1);
    }
    return span_upto(s, span_find(s, ':'));
}

/* Go never asks a proxy for the machine it runs on. */
static bool is_here(struct span host) {
    return span_ieq(host, SPAN("localhost")) || span_starts(host, "127.") || span_is(host, "[::1]");
}

bool config_proxy(struct kube_config *c, struct err *e) {
    bool tls = span_starts(span_of(c->server), "https://");
    const char *proxy =
        tls ? either("HTTPS_PROXY", "https_proxy") : either("HTTP_PROXY", "http_proxy");
    if (!proxy || is_here(host_of(c->server))) {
        return true;
    }
    const char *without = either("NO_PROXY", "no_proxy");
    if (!config_text(span_of(proxy), c->proxy, sizeof c->proxy, e)) {
        return err_wrap(e, "%s: ", tls ? "HTTPS_PROXY" : "HTTP_PROXY");
    }
    return config_text(span_of(without), c->no_proxy, sizeof c->no_proxy, e) ||
           err_wrap(e, "NO_PROXY: ");
}
