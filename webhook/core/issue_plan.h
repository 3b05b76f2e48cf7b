/* What to do next with the Secret that holds the server's certificate and the CA that signed it.
 * One step at a time, each a single write, ordered so that every request finds a certificate that
 * its caller trusts:
 *
 *   a new CA is published beside the old one (ISSUE_PUBLISH), and only when every caller has had
 *   time to read it, it signs (ISSUE_SWITCH); the old one goes much later (ISSUE_DROP).
 *
 * Certificates begin when their CA began and a new CA when the one before it did: what a leader
 * with a clock ahead of the others issues is good for them all the same. */
#ifndef TPGUARD_CORE_ISSUE_PLAN_H
#define TPGUARD_CORE_ISSUE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define ISSUE_DAY_S INT64_C(86400)

struct issue_times {       /* seconds */
    int64_t server_life_s; /* renewed when a third of it is left */
    int64_t ca_life_s;     /* replaced when a fifth of it is left */
    int64_t settle_s;      /* the least time between PUBLISH and SWITCH, and for which every webhook
                              configuration was seen to hold the new CA */
    int64_t overlap_s; /* the usual time: a kube-scheduler reads its CA file only when it starts */
    int64_t drop_s;    /* between SWITCH and DROP */
};
#define ISSUE_TIMES                                                                                \
    ((struct issue_times){90 * ISSUE_DAY_S, 3652 * ISSUE_DAY_S, 60, 30 * ISSUE_DAY_S,              \
                          7 * ISSUE_DAY_S})

/* Stamps and certificates this far in the future are still taken for now. */
#define ISSUE_SKEW_S 300

/* The Secret as it was found; times are Unix seconds. */
struct issue_facts {
    bool exists;
    bool ours;  /* it has our mark */
    bool empty; /* neither a certificate nor a key in it */
    bool pair;  /* the certificate and the key belong together */
    bool names; /* the certificate holds every name that is asked for */
    bool chain; /* a CA of the bundle signed it */
    bool by_signer;
    int64_t not_after;
    unsigned n_ca; /* CAs in the bundle */
    bool signer;   /* there is a CA with its key */
    int64_t signer_from;
    int64_t signer_to;
    bool next; /* there is another one, published to sign later */
    int64_t next_to;
    int64_t next_since;  /* 0: not said */
    int64_t old_since;   /* since when the other CAs of the bundle sign no more; 0: not said */
    int64_t published_s; /* for how long all webhook configurations have been seen to hold the
                            bundle; -1 they do not */
};

enum issue_action {
    ISSUE_KEEP,
    ISSUE_CREATE,  /* the Secret, with a CA and a certificate */
    ISSUE_FILL,    /* the same, in the Secret that is there; CAs in its bundle stay */
    ISSUE_SIGN,    /* a certificate by the signer */
    ISSUE_PUBLISH, /* a next CA */
    ISSUE_STAMP,   /* now as the time that is not said, or cannot be true */
    ISSUE_SWITCH,  /* the next CA signs from now on, a certificate at once */
    ISSUE_DROP,    /* the CAs that sign no more */
    ISSUE_ACTION_COUNT
};

struct issue_plan {
    enum issue_action action;
    bool anyone;  /* any replica may do it, not the leader alone: nothing works without it, and the
                     version of the Secret decides who was first */
    bool usable;  /* serve with what is there */
    bool foreign; /* somebody else's: used if it can be, never written */
    const char *why; /* a clause for log lines; "" with ISSUE_KEEP when all is well */
};

struct issue_plan issue_plan(const struct issue_facts *f, const struct issue_times *t, int64_t now);

const char *issue_action_name(enum issue_action a); /* for log lines */

#endif
