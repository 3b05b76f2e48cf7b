#include "topology/annotation.h"
#include "topology/json.h"
#include "webhook/live/autoscaler.h"

#define TREE_MAX     ((size_t)32 * 1024 * 1024)
#define LAST_UPDATED "cluster-autoscaler.kubernetes.io/last-updated"

const char *autoscaler_state_name(enum autoscaler_state s) {
    return s == AUTOSCALER_YES ? "yes" : s == AUTOSCALER_NO ? "no" : "unknown";
}

/* "2026-11-22 12:00:00.123456789 +0000 UTC m=+1.5": Go prints times so. The offset is not read, the
 * autoscaler prints UTC. */
static bool go_time(struct span s, int64_t *unix_s) {
    if (s.n < 19 || s.p[10] != ' ') {
        return false;
    }
    char text[20 + 1];
    memcpy(text, s.p, 19);
    text[10] = 'T';
    text[19] = 'Z';
    text[20] = 0;
    return time_parse(span_of(text), unix_s);
}

static enum autoscaler_state refused(unsigned status, const char *what, const char *right,
                                     struct buf *detail) {
    if (status == 401 || status == 403) {
        buf_fmt(detail, "%s may not be read: the ClusterRole must allow %s", what, right);
    } else if (status) {
        buf_fmt(detail, "%s cannot be read (HTTP %u)", what, status);
    } else {
        buf_fmt(detail, "%s cannot be read (no answer)", what);
    }
    return AUTOSCALER_UNKNOWN;
}

/* When the ConfigMap was written last, as it says itself; false: it does not say. */
static bool last_updated(const struct json *root, int64_t *at) {
    const struct json *meta = NULL;
    const struct json *annotations = NULL;
    struct span text = SPAN("");
    struct err e = {0};
    return json_opt_object(root, "metadata", &meta, &e) && meta &&
           json_opt_object(meta, "annotations", &annotations, &e) && annotations &&
           json_opt_str(annotations, LAST_UPDATED, &text, &e) && go_time(text, at);
}

enum autoscaler_state autoscaler_of_configmap(unsigned status, struct span body, int64_t now,
                                              struct buf *detail) {
    if (status == 404) {
        buf_str(detail, "no Cluster Autoscaler");
        return AUTOSCALER_NO;
    }
    if (status != 200) {
        return refused(status, "ConfigMap kube-system/cluster-autoscaler-status", "\"get\" on it",
                       detail);
    }
    AUTO(arena_done) struct arena a = arena_new(TREE_MAX);
    struct err e = {0};
    const struct json *root = NULL;
    int64_t at = 0;
    if (!json_parse(body, &a, &root, &e)) {
        buf_fmt(detail, "the status of Cluster Autoscaler cannot be read: %.80s", e.msg);
        return AUTOSCALER_UNKNOWN;
    }
    if (!last_updated(root, &at)) {
        buf_str(detail, "Cluster Autoscaler has a status without a time");
        return AUTOSCALER_YES;
    }
    int64_t age = now - at;
    if (age > AUTOSCALER_FRESH_S) {
        buf_fmt(detail, "Cluster Autoscaler wrote its status for the last time %lld min ago",
                (long long)(age / 60));
        return AUTOSCALER_NO;
    }
    buf_str(detail, "Cluster Autoscaler runs");
    return AUTOSCALER_YES;
}

/* A version is a word like v1 or v1beta1: it goes into a path. */
static bool is_version(struct span s) {
    if (s.n < 2 || s.n >= 64 || s.p[0] != 'v') {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9'))) {
            return false;
        }
    }
    return true;
}

enum autoscaler_state autoscaler_of_group(unsigned status, struct span body, char version[64],
                                          struct buf *detail) {
    version[0] = 0;
    if (status == 404) {
        buf_str(detail, "no Karpenter");
        return AUTOSCALER_NO;
    }
    if (status != 200) {
        return refused(status, "API group karpenter.sh", "\"get\" on nonResourceURL /apis/*",
                       detail);
    }
    AUTO(arena_done) struct arena a = arena_new(TREE_MAX);
    struct err e = {0};
    const struct json *root = NULL;
    const struct json *preferred = NULL;
    struct span text = SPAN("");
    if (!json_parse(body, &a, &root, &e) ||
        !json_req_object(root, "preferredVersion", &preferred, &e) ||
        !json_req_str(preferred, "version", &text, &e) || !is_version(text)) {
        buf_str(detail, "API group karpenter.sh names no version");
        return AUTOSCALER_UNKNOWN;
    }
    memcpy(version, text.p, text.n);
    version[text.n] = 0;
    buf_str(detail, "API group karpenter.sh is there");
    return AUTOSCALER_UNKNOWN;
}

enum autoscaler_state autoscaler_of_nodepools(unsigned status, struct span body,
                                              struct buf *detail) {
    if (status == 404) {
        buf_str(detail, "Karpenter without NodePools");
        return AUTOSCALER_NO;
    }
    if (status != 200) {
        return refused(status, "Karpenter's NodePools", "\"list\" on nodepools.karpenter.sh",
                       detail);
    }
    AUTO(arena_done) struct arena a = arena_new(TREE_MAX);
    struct err e = {0};
    const struct json *root = NULL;
    const struct json *items = NULL;
    if (!json_parse(body, &a, &root, &e) || !json_opt_array(root, "items", &items, &e)) {
        buf_fmt(detail, "Karpenter's NodePools cannot be read: %.80s", e.msg);
        return AUTOSCALER_UNKNOWN;
    }
    bool some = items && json_first(items);
    buf_str(detail, some ? "Karpenter has NodePools" : "Karpenter without NodePools");
    return some ? AUTOSCALER_YES : AUTOSCALER_NO;
}
