/* The verdict on a pod. First what can never be right in any cluster, then what the cluster
 * answers, then what is only worth a warning; the mode of the namespace last. Repair and waiting
 * cure most things, and a denied ReplicaSet backs off for minutes: what they can cure is allowed
 * and waits. */
#include "webhook/core/admit_parts.h"

const char *verdict_name(enum verdict v) {
    static const char *const names[VERDICT_COUNT] = {"allow", "warn", "deny", "wait", "unknown"};
    return (unsigned)v < VERDICT_COUNT ? names[v] : "invalid";
}

unsigned asked_tp(const struct admit_in *in) {
    const struct workload *w = in->w;
    return w->tp.known && w->scope != SCOPE_NONE && w->tp.n ? w->tp.n : in->shape->tp;
}

const struct evidence *said_tp(const struct admit_in *in) {
    return &in->w->evidence[EV_TP];
}

static bool is_foreign(const struct workload *w) {
    return w->mig || w->shared || w->other_gpus || w->claims;
}

bool exceeds_pod(const struct admit_in *in) {
    const struct workload *w = in->w;
    if (w->scope != SCOPE_SINGLE || !w->tp.known || w->tp.n < 2 || is_foreign(w)) {
        return false;
    }
    uint32_t sees = w->pin.kind == PIN_NODE ? w->pin.n : w->gpus;
    if (sees && w->visible_known && w->n_order < sees) {
        return w->tp.n > w->n_order;
    }
    return sees && w->tp.n > sees;
}

bool is_tp_unknown(const struct workload *w) {
    bool unread = !w->tp.known || w->scope == SCOPE_UNKNOWN;
    bool several = w->gpus > 1 || (w->pin.kind == PIN_NODE && w->pin.n > 1);
    return unread && w->scope != SCOPE_NONE && several && !is_foreign(w);
}

/* These refuse to start when heads do not divide; others split rows, or are not known to us. */
static bool splits_heads(const struct workload *w) {
    static const char *const names[] = {"vllm",     "sglang",   "tgi",
                                        "tensorrt", "lmdeploy", "aphrodite"};
    struct span engine = span_of(w->engine ? w->engine : "");
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_has(engine, names[i])) {
            return true;
        }
    }
    return false;
}

static enum verdict say(const struct admit_in *in, struct decision *d, enum verdict v,
                        enum reason code) {
    reason_push(in, d, code);
    return v;
}

/* Every node that has the pinned GPUs at all has PCIe between them. */
static bool pinned_across(const struct census *c) {
    uint32_t hopeless = c->by_code[REASON_PINNED_ACROSS_PCIE] + c->by_code[REASON_NO_GPU] +
                        c->by_code[REASON_NODE_UNKNOWN] + c->by_code[REASON_PIN_MISSING] +
                        c->by_code[REASON_TP_EXCEEDS_GPUS];
    return c->by_code[REASON_PINNED_ACROSS_PCIE] && hopeless == c->nodes;
}

/* Nodes that come and go may bring what none has today. */
static bool may_deny(const struct admit_in *in) {
    enum unsatisfiable u = in->policy->unsatisfiable;
    if (in->shape->tp < 2 || is_tp_unknown(in->w)) {
        return false;
    }
    return u == UNSAT_DENY || (u == UNSAT_AUTO && !in->policy->autoscaler && in->asked->gpu_nodes);
}

static enum verdict judge_places(const struct admit_in *in, struct decision *d) {
    const struct census *c = in->asked;
    if (c->fits) {
        return VERDICT_ALLOW;
    }
    if (c->gpu_nodes == 0) {
        return say(in, d, may_deny(in) ? VERDICT_DENY : VERDICT_WAIT, REASON_NO_GPU_NODES);
    }
    /* Denied is what no node can do, one that the pod may not use included: its constraints are
     * changed more easily than nodes are. */
    bool nowhere = c->by_code[REASON_NONE] == 0;
    if (nowhere && in->shape->pinned && pinned_across(c)) {
        bool known = !is_tp_unknown(in->w);
        return say(in, d, known ? VERDICT_DENY : VERDICT_WAIT, REASON_PINNED_ACROSS_PCIE);
    }
    if (nowhere && c->ever == 0 && may_deny(in)) {
        return say(in, d, VERDICT_DENY, REASON_UNSATISFIABLE);
    }
    bool blind = c->unknown && c->ever - c->off_ever <= c->unknown;
    return say(in, d, blind ? VERDICT_UNKNOWN : VERDICT_WAIT, census_reason(c));
}

/* Slices, other vendors, claims: their wiring is not ours to know. */
static enum verdict judge_foreign(const struct admit_in *in, struct decision *d) {
    const struct workload *w = in->w;
    bool group = w->tp.known && w->tp.n > 1 && w->scope != SCOPE_NONE;
    if (group && (w->mig || w->shared)) {
        return say(in, d, VERDICT_WARN, REASON_SHARED_GPU);
    }
    return VERDICT_ALLOW;
}

static enum verdict judge_pod(const struct admit_in *in, struct decision *d) {
    const struct workload *w = in->w;
    if (is_foreign(w)) {
        return judge_foreign(in, d);
    }
    if (exceeds_pod(in)) {
        return say(in, d, VERDICT_DENY, REASON_TP_EXCEEDS_GPUS);
    }
    unsigned heads = model_heads(d);
    bool split = splits_heads(w) && w->tp.known && asked_tp(in) > 1;
    if (split && heads % asked_tp(in) != 0) {
        return say(in, d, VERDICT_DENY, REASON_HEADS_NOT_DIVISIBLE);
    }
    if (in->shape->any && in->shape->gpus == 0) {
        return VERDICT_ALLOW;
    }
    return judge_places(in, d);
}

/* Nodes of one rack-scale NVLink domain: a group over pods may stay on NVLink there. */
static bool is_rack(const struct admit_in *in) {
    struct span p = span_of(case_of(in)->product);
    return span_has(p, "GB200") || span_has(p, "GB300");
}

static enum verdict warn(enum verdict v) {
    return v == VERDICT_ALLOW ? VERDICT_WARN : v;
}

static enum verdict judge_oddities(const struct admit_in *in, struct decision *d, enum verdict v) {
    const struct workload *w = in->w;
    if (is_foreign(w)) {
        return v;
    }
    if (is_tp_unknown(w)) {
        bool wave = in->policy->unknown_tp == UNKNOWN_ALLOW && v == VERDICT_ALLOW;
        v = say(in, d, wave ? VERDICT_UNKNOWN : warn(v), REASON_TP_UNKNOWN);
    }
    if (w->scope == SCOPE_MULTI && w->tp.known && w->tp.n > in->shape->tp && !is_rack(in)) {
        v = say(in, d, warn(v), REASON_TP_ACROSS_PODS);
    }
    bool counted = w->engine_found && w->in_pod.known && w->in_pod.n && w->gpus;
    bool told = d->n_reasons && d->reason[0].code == REASON_TP_EXCEEDS_GPUS;
    if (counted && w->in_pod.n != w->gpus && !told && !is_tp_unknown(w)) {
        v = say(in, d, warn(v), REASON_GPU_COUNT_MISMATCH);
    }
    bool fits = d->weights.fits_known && d->weights.fits_one && !w->latency_critical;
    if (fits && asked_tp(in) > 1 && !is_tp_unknown(w)) {
        reason_push(in, d, REASON_FITS_ONE_GPU);
    }
    return v;
}

/* The variable that pins, where its text stands in the pod; the last of a name wins. */
static bool find_pin(const struct admit_in *in, struct decision *d) {
    const struct evidence *e = &in->w->evidence[EV_PIN];
    struct span name = {e->name, strnlen(e->name, sizeof e->name)};
    int at = in->w->container;
    if (e->source != FROM_ENV || at < 0 || at >= in->pod->n_containers) {
        return false;
    }
    const struct container *c = &in->pod->containers[at];
    for (unsigned i = c->n_env; i-- > 0;) {
        if (span_eq(c->env[i].name, name)) {
            d->repin_container = at;
            d->repin_env = (int)i;
            return !c->env[i].ref;
        }
    }
    return false;
}

static bool try_repin(const struct admit_in *in, struct decision *d, unsigned rewrites) {
    bool asked = d->n_reasons && d->reason[0].code == REASON_PINNED_ACROSS_PCIE;
    if (!asked || !(rewrites & REWRITE_REPIN) || !can_repin(in) || !find_pin(in, d)) {
        return false;
    }
    struct buf value = BUF_OVER(d->repin);
    buf_str(&value, in->unpinned->best.gpus);
    d->rewrites |= REWRITE_REPIN;
    d->n_reasons = 0;
    reason_push(in, d, REASON_REPINNED);
    return true;
}

/* What is free is preferred, never required: an autoscaler gives the nodes that it would add the
 * labels of those that are there, and would add none when all of them are in use. */
static void prefer(const struct admit_in *in, struct decision *d) {
    const struct shape *s = in->shape;
    if (!policy_shows_free(in->policy) || s->any || s->pinned) {
        return;
    }
    d->prefer_above = s->tp > 1 ? s->tp - 1U : 0;
    d->prefer_stranded = s->tp == 1 && s->gpus == 1;
}

static void steer(const struct admit_in *in, struct decision *d, unsigned rewrites) {
    const struct pod *p = in->pod;
    if (!(rewrites & REWRITE_STEER) || p->node_name.n || d->verdict == VERDICT_DENY) {
        return;
    }
    bool free_choice = p->scheduler_name.n == 0 || span_is(p->scheduler_name, "default-scheduler");
    bool counted = in->shape->gpus || in->shape->pinned;
    /* One that has it already was steered by us before: asked again, we say the same. */
    bool ours = span_eq(p->scheduler_name, in->policy->scheduler_name);
    if (counted && (free_choice || ours) && in->policy->scheduler_name.n) {
        d->set_scheduler = true;
    }
    /* A node whose wiring is not known has no such label: it would be shut out against the policy.
     */
    bool labelled = in->policy->unknown_topology == UNKNOWN_STRICT;
    /* Our own scheduler asks about every node and says why not; affinity would only hide the reason
     * behind its own ("didn't match Pod's node affinity"). An autoscaler never asks: it needs it.
     * Nor does kube-scheduler ask an extender about a pod that names GPUs and requests none: on its
     * own it would try nodes without GPUs for ever. */
    bool unasked = in->shape->pinned && in->w->gpus == 0;
    bool asked = in->policy->scheduler_name.n && !unasked &&
                 (d->set_scheduler || span_eq(p->scheduler_name, in->policy->scheduler_name));
    bool needed = !asked || in->policy->autoscaler;
    bool wired = in->shape->tp > 1 && !in->shape->any && (!in->shape->pinned || unasked);
    if (wired && labelled && needed) {
        d->affinity_above = in->shape->tp - 1U;
    }
    prefer(in, d);
    if (d->set_scheduler || d->affinity_above || d->prefer_above || d->prefer_stranded) {
        d->rewrites |= REWRITE_STEER;
    }
}

static bool rewrites_of(const struct admit_in *in, unsigned *out, struct err *e) {
    struct span said = pod_annotation(in->pod, ANN_REWRITE);
    unsigned accepts = in->policy->rewrites;
    if (said.p && !rewrites_parse(said, &accepts, e)) {
        return err_in(e, "metadata.annotations[%s]", ANN_REWRITE);
    }
    *out = in->policy->rewrites & accepts;
    return true;
}

/* What the API server and kubectl are told. */
static void apply_mode(const struct admit_in *in, struct decision *d) {
    bool denied = d->verdict == VERDICT_DENY;
    d->allowed = !denied || in->policy->mode != MODE_ENFORCE;
    if (!d->allowed) {
        denial_write(in, d);
        return;
    }
    for (unsigned i = 0; i < d->n_reasons && in->policy->mode != MODE_AUDIT; i++) {
        warning_push(in, d, (enum reason)d->reason[i].code);
    }
}

static bool is_left_alone(const struct admit_in *in) {
    return !in->w->gpu_pod || in->policy->mode == MODE_OFF ||
           span_is(pod_label(in->pod, LABEL_IGNORE), "true");
}

void decide_admit(const struct admit_in *in, struct decision *out) {
    unsigned rewrites = 0;
    struct err e = {0};
    *out = (struct decision){.allowed = true, .code = REASON_IGNORED};
    if (is_left_alone(in)) {
        return;
    }
    if (!rewrites_of(in, &rewrites, &e)) {
        decide_malformed(&e, in->policy->mode, out);
        return;
    }
    /* Who only wants to be told is not rewritten either. */
    rewrites = in->policy->mode == MODE_ENFORCE ? rewrites : 0;
    out->guessed = in->w->model.n && model_find(in->w->model, &out->model);
    cost_view_fill(in, out);
    weights_view_fill(in, out);
    enum verdict v = judge_pod(in, out);
    v = try_repin(in, out, rewrites) ? VERDICT_ALLOW : v;
    out->verdict = judge_oddities(in, out, v);
    bool quiet = out->verdict == VERDICT_ALLOW && !out->repin[0];
    out->code = quiet || !out->n_reasons ? REASON_NONE : (enum reason)out->reason[0].code;
    steer(in, out, rewrites);
    advice_fill(in, out);
    apply_mode(in, out);
}
