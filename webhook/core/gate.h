/* What a person who applies a workload is told: the decisions on its pod templates, folded into a
 * few lines for kubectl, one denial, one verdict for the records. Pure. */
#ifndef TPGUARD_CORE_GATE_H
#define TPGUARD_CORE_GATE_H

#include "webhook/core/decide.h"

#define GATE_LINES_MAX 16
#define GATE_ROLE_MAX  24
struct gate_line {
    char text[128]; /* as in decision.warning */
    char role[GATE_ROLE_MAX];
    bool shared; /* several templates say it */
};
struct gate {
    bool several;    /* templates, so that lines say whose they are */
    unsigned judged; /* of them ours to judge */
    bool denied;
    char message[401];    /* the denial; "" none */
    enum verdict verdict; /* of the template that is worst off */
    enum reason code;
    unsigned worst; /* which one, in the order of gate_add among those judged */
    unsigned n_lines;
    unsigned dropped; /* lines beyond the maximum */
    struct gate_line line[GATE_LINES_MAX];
};

/* templates: how many the workload has. */
void gate_begin(struct gate *g, unsigned templates);

/* One template, decided with the policy of its namespace. When that denies its pods, `plain` must
 * be what mode warn would say of them (that one has the lines); else it may be NULL. role:
 * "leader",
 * "" none. A decision that leaves the pod alone counts for nothing. */
struct gate_in {
    struct span role;
    const struct policy *policy;
    const struct decision *decision;
    const struct decision *plain;
};
void gate_add(struct gate *g, const struct gate_in *in);

/* A workload that shows no pod, of a kind whose pods an operator makes. */
void gate_untold(struct gate *g, const struct policy *policy);

/* Line i < gate_lines(g) as kubectl shows it: at most 120 characters. */
unsigned gate_lines(const struct gate *g);
void gate_line_text(const struct gate *g, unsigned i, char out[static 128]);

#endif
