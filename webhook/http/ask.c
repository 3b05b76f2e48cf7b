#include "webhook/http/ask.h"

#include "webhook/core/workload.h"

void pod_ask(struct service *s, const struct pod *pod, struct pod_ask *out) {
    out->mode = cluster_mode(s->cluster, pod->ns);
    out->advisory = out->mode == MODE_WARN || out->mode == MODE_AUDIT;
    bool ignored = span_is(pod_label(pod, LABEL_IGNORE), "true");
    if (out->mode == MODE_OFF || ignored || !pod_is_gpu(pod)) {
        out->question = KEEP_ALL;
        return;
    }
    if (!workload_read(pod, &out->w, &out->malformed)) {
        out->question = REFUSE_ALL;
        return;
    }
    struct policy policy = service_policy(s, out->mode);
    shape_of(&out->w, &policy, &out->shape);
    out->question = ASK_NODES;
}
