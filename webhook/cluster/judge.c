/* The one path from a pod to a verdict. */
#include "webhook/cluster/cluster.h"

static bool is_ignored(const struct pod *p, const struct judgement *j) {
    return !j->is_gpu_pod || j->mode == MODE_OFF || span_is(pod_label(p, LABEL_IGNORE), "true");
}

/* The same question as if the pod named no GPUs. */
static struct shape without_pin(const struct shape *s) {
    struct shape free = *s;
    free.pinned = false;
    memset(&free.pin, 0, sizeof free.pin);
    return free;
}

/* Where a pin could be moved to. Nodes that the pod may not use count where no other fits and the
 * pin fits nowhere at all: else it would be denied for what it asks of its node. */
static void count_unpinned(struct cluster *c, const struct pod *p, int64_t now,
                           struct judgement *out) {
    const struct shape free = without_pin(&out->shape);
    struct cluster_ask ask = {.shape = &free, .pod = p, .now = now};
    cluster_census(c, &ask, &out->unpinned);
    bool nowhere = out->asked.by_code[REASON_NONE] == 0;
    if (nowhere && !out->unpinned.fits && out->unpinned.off[REASON_NONE]) {
        ask.pod = NULL;
        cluster_census(c, &ask, &out->unpinned);
    }
}

void judge_pod(struct cluster *c, const struct policy *policy, const struct pod *p, struct span ns,
               int64_t now, struct judgement *out) {
    memset(out, 0, sizeof *out);
    out->is_gpu_pod = pod_is_gpu(p);
    out->mode = cluster_mode(c, ns);
    if (is_ignored(p, out)) {
        out->decision.verdict = VERDICT_ALLOW;
        out->decision.allowed = true;
        out->decision.code = REASON_IGNORED;
        return;
    }
    struct policy here = *policy;
    here.mode = out->mode;
    if (!workload_read(p, &out->w, &out->bad)) {
        out->malformed = true;
        decide_malformed(&out->bad, out->mode, &out->decision);
        return;
    }
    shape_of(&out->w, &here, &out->shape);
    const struct cluster_ask ask = {.shape = &out->shape, .pod = p, .now = now};
    cluster_census(c, &ask, &out->asked);
    out->has_unpinned = out->shape.pinned;
    if (out->has_unpinned) {
        count_unpinned(c, p, now, out);
    }
    const struct admit_in in = {.pod = p,
                                .w = &out->w,
                                .shape = &out->shape,
                                .policy = &here,
                                .asked = &out->asked,
                                .unpinned = out->has_unpinned ? &out->unpinned : NULL};
    decide_admit(&in, &out->decision);
}

void judge_anew(struct cluster *c, const struct policy *policy, const struct pod *p, int64_t now,
                struct judgement *out) {
    struct policy plain = *policy;
    struct pod successor = *p;
    plain.rewrites = 0;
    successor.node_name = (struct span){0};
    judge_pod(c, &plain, &successor, p->ns, now, out);
}
