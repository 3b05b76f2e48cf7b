/* The caBundle of tpguard's webhooks, kept right: the CA that the API server must trust when it
 * calls us. Only clientConfig.caBundle is written, only of webhooks whose clientConfig.service is
 * ours, and only on the version of the configuration that was read. One caller at a time. */
#ifndef TPGUARD_LIVE_BUNDLE_H
#define TPGUARD_LIVE_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/kube/client.h"

#define BUNDLE_CONFIGS_MAX 8
#define BUNDLE_CONFIG_MAX  ((size_t)2 * 1024 * 1024) /* bytes of one configuration */

struct bundle_target {
    const char *const *config; /* names of MutatingWebhookConfigurations */
    unsigned n_configs;        /* at most BUNDLE_CONFIGS_MAX */
    const char *service_ns;
    const char *service_name;
    const _Atomic bool *stop; /* ends calls that read; NULL never */
};

/* What one pass remembers for the next; zeroed at first, and when others had the lead. */
struct bundle_state {
    struct buf pem;                   /* of the last pass */
    int64_t right_since_us;           /* everything that was found has held it since; 0: not so */
    bool missing[BUNDLE_CONFIGS_MAX]; /* said already */
    char last_error[240];             /* said already; "" none */
};
void bundle_forget(struct bundle_state *s);

/* Looks at all of them, mends what differs. now_us of a monotonic clock. Logs what it does, and
 * each trouble once. */
void bundle_pass(struct kube_client *client, const struct bundle_target *t, struct span pem,
                 struct bundle_state *s, int64_t now_us);

/* One configuration as it was read -> the strategic merge patch that mends it; *n webhooks in it,
 * 0: nothing to do and nothing written. */
NODISCARD bool bundle_patch(struct span config, const struct bundle_target *t, struct span pem,
                            struct buf *out, unsigned *n, struct err *e);

#endif
