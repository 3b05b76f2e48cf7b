#include "webhook/core/nodestate.h"

#include "webhook/core/admit_parts.h"
#include "webhook/core/node_parts.h"
#include "webhook/core/nodestate_parts.h"

#define PAIRS_NAMED  4
#define FAULTS_NAMED 2
#define PROBLEM_MOST 300

static void set_text(char *out, size_t cap, const char *text) {
    struct buf b = buf_over(out, cap);
    buf_str(&b, text);
}
#define SET(field, text) set_text((field), sizeof(field), (text))

/* ---- what is wrong ---- */

static bool is_damage(uint8_t pair) {
    return pair == PAIR_DOWN || pair == PAIR_DEGRADED || pair == PAIR_ASYMMETRIC;
}

/* A fault or an unfinished fabric costs NVLink only where there is some. Of a GPU that fell off the
 * bus nothing may be known but that its node has NVLink. */
static bool lost_nvlink(const struct health *h, unsigned i) {
    for (unsigned j = 0; j < h->n; j++) {
        uint8_t s = h->pair[i][j];
        if (j != i && s != PAIR_ABSENT && (s != PAIR_UNKNOWN || h->any_nvlink)) {
            return true;
        }
    }
    return false;
}

static struct gpuset blocked(const struct health *h, enum gpu_block block) {
    struct gpuset set = gpuset_none();
    for (unsigned i = 0; i < h->n; i++) {
        if (h->block[i] == block) {
            set = gpuset_with(set, i);
        }
    }
    return set;
}

static struct gpuset lost_by(const struct health *h, enum gpu_block block) {
    struct gpuset set = blocked(h, block);
    for (GPUSET_EACH(i, set)) {
        if (!lost_nvlink(h, i)) {
            set = gpuset_without(set, i);
        }
    }
    return set;
}

/* Bits of enum pair_cause; 0 nothing is wrong. */
static unsigned damage_of(const struct health *h) {
    static const unsigned causes[PAIR_STATE_COUNT] = {[PAIR_DOWN] = CAUSE_DOWN,
                                                      [PAIR_DEGRADED] = CAUSE_DEGRADED,
                                                      [PAIR_ASYMMETRIC] = CAUSE_ASYMMETRIC};
    unsigned all = 0;
    for (unsigned a = 0; a < h->n; a++) {
        for (unsigned b = a + 1; b < h->n; b++) {
            all |= is_damage(h->pair[a][b]) ? causes[h->pair[a][b]] : 0;
        }
    }
    all |= gpuset_empty(lost_by(h, BLOCK_FAULT)) ? 0 : CAUSE_FAULT;
    all |= gpuset_empty(lost_by(h, BLOCK_FABRIC)) ? 0 : CAUSE_FABRIC;
    return all;
}

/* ---- sentences ---- */

static void put_faults(const struct node_view *n, struct gpuset faulty, struct buf *out) {
    unsigned named = 0;
    for (GPUSET_EACH(i, faulty)) {
        if (named++ == FAULTS_NAMED) {
            buf_fmt(out, "; and %u more", gpuset_count(faulty) - FAULTS_NAMED);
            return;
        }
        buf_fmt(out, "%sGPU %u: ", out->n ? "; " : "", (unsigned)n->topo->gpu[i].index);
        put_fault(&n->topo->gpu[i], out);
    }
}

static void put_fabric(const struct node_view *n, struct gpuset waiting, struct buf *out) {
    if (gpuset_empty(waiting)) {
        return;
    }
    const struct gpu *first = &n->topo->gpu[gpuset_next(waiting, 0)];
    buf_str(out, out->n ? "; " : "");
    put_gpu_words(n->topo, waiting, out);
    buf_fmt(out, ": NVSwitch fabric %s", fabric_name((enum fabric_state)first->fabric));
}

static void say_pair(const struct topo *t, unsigned a, unsigned b, enum pair_state s,
                     char out[static PAIR_WORDS_MAX]) {
    struct buf b64 = buf_over(out, PAIR_WORDS_MAX);
    if (s == PAIR_ASYMMETRIC) {
        put_disagreement(t, a, b, &b64);
    } else if (s == PAIR_UNKNOWN) {
        buf_str(&b64, "wire not known");
    } else {
        buf_fmt(&b64, "%u of %u lanes up", pair_lanes(t, a, b), pair_expected(t, a, b));
    }
}

/* Pairs in these states, the first state first. A faulty GPU's are said with its fault. */
static void put_pairs(const struct node_view *n, const enum pair_state *states, unsigned n_states,
                      struct buf *out) {
    const struct health *h = n->health;
    struct pair_list list = {.t = n->topo, .out = out, .most = PAIRS_NAMED};
    for (unsigned k = 0; k < n_states; k++) {
        for (unsigned a = 0; a < h->n; a++) {
            for (unsigned b = a + 1; b < h->n; b++) {
                char what[PAIR_WORDS_MAX];
                if (h->pair[a][b] != states[k] || h->block[a] == BLOCK_FAULT ||
                    h->block[b] == BLOCK_FAULT) {
                    continue;
                }
                say_pair(n->topo, a, b, states[k], what);
                if (!list.n && out->n) {
                    buf_str(out, "; ");
                }
                pair_list_add(&list, a, b, what);
            }
        }
    }
    pair_list_end(&list);
}

static void put_kept_out(const struct node_view *n, enum gpu_block block, const char *word,
                         struct buf *out) {
    struct gpuset set = blocked(n->health, block);
    if (!gpuset_empty(set)) {
        buf_fmt(out, "; %s: ", word);
        put_gpus(n->topo, set, out);
    }
}

/* " Largest healthy set: 2 GPUs (2,3); cordoned: 0,1." */
static void put_largest(const struct node_view *n, const struct policy *policy, unsigned size,
                        struct buf *out) {
    const char *word = policy->allow_degraded ? "allowed" : "healthy";
    struct gpuset set = gpuset_none();
    (void)fit_sets(n->health, FIT_NOW, n->health->all, &set, 1);
    if (size) {
        buf_fmt(out, " Largest %s set: %u GPUs", word, size);
    } else {
        buf_fmt(out, " No %s set", word);
    }
    if (size && gpuset_count(set) == size) {
        buf_str(out, " (");
        put_gpus(n->topo, set, out);
        buf_char(out, ')');
    }
    put_kept_out(n, BLOCK_MIG, "MIG", out);
    put_kept_out(n, BLOCK_CORDONED, "cordoned", out);
    buf_char(out, '.');
}

static void put_damage(const struct node_view *n, struct buf *out) {
    static const enum pair_state telling[] = {PAIR_DOWN, PAIR_DEGRADED, PAIR_ASYMMETRIC};
    put_faults(n, lost_by(n->health, BLOCK_FAULT), out);
    put_fabric(n, lost_by(n->health, BLOCK_FABRIC), out);
    put_pairs(n, telling, sizeof telling / sizeof *telling, out);
    buf_char(out, '.');
}

static void put_unknown(const struct node_view *n, struct buf *out) {
    static const enum pair_state unknown = PAIR_UNKNOWN;
    put_pairs(n, &unknown, 1, out);
    buf_str(out, out->n ? "." : "The wires of a faulty GPU are not known.");
}

/* ---- the state ---- */

static void take(struct node_state *s, const char *status, enum reason reason,
                 const struct buf *message) {
    SET(s->status, status);
    s->reason = reason;
    text_take(message, s->message, sizeof s->message);
}

static void unreadable_state(struct node_state *s, enum reason why, struct span problem,
                             const struct policy *policy) {
    char text[NODE_MESSAGE_MAX + 200];
    struct buf b = BUF_OVER(text);
    if (why == REASON_TOPOLOGY_STALE) {
        buf_fmt(&b, "The last report of the GPU wiring is older than %u s: is the agent running?",
                (unsigned)policy->freshness_s);
    } else if (why == REASON_TOPOLOGY_INVALID) {
        buf_str(&b, "The report of the GPU wiring cannot be read");
        buf_str(&b, problem.n ? ": " : "");
        text_clean(&b, problem, PROBLEM_MOST);
        buf_char(&b, '.');
    } else {
        buf_str(&b, "Nobody has reported the wiring of these GPUs: run the agent, or annotate the "
                    "node with what `nvidia-smi topo -m` prints.");
    }
    SET(s->nvlink, "unknown");
    take(s, "Unknown", why, &b);
}

static void set_labels(struct node_state *s, const struct health *h, unsigned damage,
                       unsigned size) {
    SET(s->nvlink, damage ? "degraded" : health_label(h).nvlink);
    struct buf b = BUF_OVER(s->nvlink_set);
    if (size || !h->any_unknown) {
        buf_u64(&b, size);
    }
}

static void readable_state(const struct node_view *n, const struct policy *policy,
                           struct node_state *s) {
    char text[1200];
    struct buf b = BUF_OVER(text);
    const struct health *h = n->health;
    unsigned damage = damage_of(h);
    unsigned size = fit_largest(h, FIT_NOW, h->all);
    const char *status = "False";
    enum reason reason = REASON_NO_NVLINK;
    s->readable = true;
    set_labels(s, h, damage, size);
    if (damage) {
        status = "True";
        reason = cause_reason(damage);
        put_damage(n, &b);
    } else if (h->any_unknown) {
        status = "Unknown";
        reason = REASON_TOPOLOGY_UNKNOWN;
        put_unknown(n, &b);
    } else if (h->any_nvlink) {
        reason = REASON_NVLINK_HEALTHY;
        buf_str(&b, "All NVLinks are up.");
    } else {
        buf_str(&b, h->n == 1 ? "There is one GPU, and no pair to link."
                              : "These GPUs have no NVLink.");
    }
    if (h->any_nvlink || h->any_unknown) {
        put_largest(n, policy, size, &b);
    }
    take(s, status, reason, &b);
}

void node_state_of(const struct node_view *n, struct span problem, const struct policy *policy,
                   int64_t now, struct node_state *out) {
    memset(out, 0, sizeof *out);
    if (!n->gpus && n->topo_state == NODE_TOPO_MISSING) {
        return;
    }
    out->concerns = true;
    enum reason why = node_unreadable(n, policy, now);
    if (why == REASON_NONE) {
        readable_state(n, policy, out);
        node_free_of(n, policy, now, out);
    } else {
        unreadable_state(out, why, problem, policy);
    }
}
