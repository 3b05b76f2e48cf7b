#include "webhook/core/issue_plan.h"

const char *issue_action_name(enum issue_action a) {
    static const char *const name[ISSUE_ACTION_COUNT] = {
        "keep",      "create Secret",     "fill Secret", "sign certificate", "publish next CA",
        "note time", "switch to next CA", "drop old CA"};
    return (unsigned)a < ISSUE_ACTION_COUNT ? name[a] : "";
}

static bool usable(const struct issue_facts *f, int64_t now) {
    return f->pair && f->chain && now < f->not_after;
}

static bool signer_works(const struct issue_facts *f, int64_t now) {
    return f->signer && now < f->signer_to;
}

static bool next_works(const struct issue_facts *f, int64_t now) {
    return f->next && now < f->next_to;
}

/* A stamp that is not there, or is of a clock that was wrong. */
static bool unsaid(int64_t since, int64_t now) {
    return since <= 0 || since > now + ISSUE_SKEW_S;
}

static bool settled(const struct issue_facts *f, const struct issue_times *t, int64_t now) {
    int64_t wait = signer_works(f, now) && t->overlap_s > t->settle_s ? t->overlap_s : t->settle_s;
    return !unsaid(f->next_since, now) && now - f->next_since >= wait &&
           f->published_s >= t->settle_s;
}

static struct issue_plan act(const struct issue_facts *f, int64_t now, enum issue_action a,
                             const char *why) {
    return (struct issue_plan){.action = a, .usable = usable(f, now), .why = why};
}

/* Nobody can be served with what is there. */
static struct issue_plan repair(const struct issue_facts *f, int64_t now) {
    const char *why = f->empty    ? "the Secret holds no certificate yet"
                      : !f->pair  ? "the certificate and the key in the Secret are no pair"
                      : !f->chain ? "no CA in the Secret signed the certificate"
                                  : "the certificate has ended";
    enum issue_action a = signer_works(f, now) ? ISSUE_SIGN
                          : next_works(f, now) ? ISSUE_SWITCH
                                               : ISSUE_FILL;
    struct issue_plan p = act(f, now, a, why);
    p.anyone = true;
    return p;
}

/* Why the certificate should be replaced though it still works; NULL: it should not. One that
 * already lives as long as its CA lets it is not made again and again. */
static const char *outdated(const struct issue_facts *f, const struct issue_times *t, int64_t now) {
    if (!f->names) {
        return "the certificate does not hold every name that is asked for";
    }
    if (f->signer && !f->by_signer) {
        return "another CA than the present one signed the certificate";
    }
    int64_t end = now + t->server_life_s;
    if (f->signer && end > f->signer_to) {
        end = f->signer_to;
    }
    if (f->not_after - now <= t->server_life_s / 3 && end > f->not_after) {
        return "less than a third of the certificate's life is left";
    }
    return NULL;
}

static bool ca_due(const struct issue_facts *f, const struct issue_times *t, int64_t now) {
    return !signer_works(f, now) || f->signer_to - now <= t->ca_life_s / 5;
}

/* The CA's own turn: begun when it is due, and finished once begun. */
static struct issue_plan rotate(const struct issue_facts *f, const struct issue_times *t,
                                int64_t now) {
    if (!next_works(f, now)) {
        if (!ca_due(f, t, now)) {
            return act(f, now, ISSUE_KEEP, "");
        }
        return act(f, now, ISSUE_PUBLISH,
                   signer_works(f, now) ? "less than a fifth of the CA's life is left"
                                        : "the CA's key is not usable any more");
    }
    if (unsaid(f->next_since, now)) {
        return act(f, now, ISSUE_STAMP, "when the next CA was published is not known");
    }
    if (settled(f, t, now)) {
        return act(f, now, ISSUE_SWITCH, "the next CA has been published for long enough");
    }
    return act(f, now, ISSUE_KEEP, "the next CA is published and does not sign yet");
}

static struct issue_plan clean(const struct issue_facts *f, const struct issue_times *t,
                               int64_t now) {
    if (f->n_ca <= (unsigned)f->signer + (unsigned)f->next) {
        return act(f, now, ISSUE_KEEP, "");
    }
    if (unsaid(f->old_since, now)) {
        return act(f, now, ISSUE_STAMP, "since when the old CA signs no more is not known");
    }
    if (now - f->old_since >= t->drop_s) {
        return act(f, now, ISSUE_DROP, "the old CA has signed nothing for long enough");
    }
    return act(f, now, ISSUE_KEEP, "the old CA is still published");
}

static struct issue_plan others(const struct issue_facts *f, int64_t now) {
    struct issue_plan p = {.action = ISSUE_KEEP, .usable = f->pair, .foreign = true};
    p.why = !f->pair ? "the Secret is somebody else's, and its certificate and key are no pair"
            : now >= f->not_after ? "the Secret is somebody else's, and its certificate has ended"
                                  : "the Secret is somebody else's and is used as it is";
    return p;
}

struct issue_plan issue_plan(const struct issue_facts *f, const struct issue_times *t,
                             int64_t now) {
    if (!f->exists) {
        return (struct issue_plan){.action = ISSUE_CREATE, .anyone = true, .why = "there is none"};
    }
    if (!f->ours && !f->empty) {
        return others(f, now);
    }
    if (f->signer && f->signer_from > now + ISSUE_SKEW_S) {
        return act(f, now, ISSUE_KEEP, "the clock here is behind the beginning of the CA");
    }
    if (!usable(f, now)) {
        return repair(f, now);
    }
    const char *why = outdated(f, t, now);
    if (why && next_works(f, now) && settled(f, t, now)) {
        return act(f, now, ISSUE_SWITCH, why);
    }
    if (why && signer_works(f, now)) {
        return act(f, now, ISSUE_SIGN, why);
    }
    struct issue_plan p = rotate(f, t, now);
    return p.action == ISSUE_KEEP && f->signer && !f->next ? clean(f, t, now) : p;
}
