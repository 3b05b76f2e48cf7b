/* What a pod asks of nodes, as the scheduler's verbs put it: read once a call. */
#ifndef TPGUARD_HTTP_ASK_H
#define TPGUARD_HTTP_ASK_H

#include "webhook/core/node.h"
#include "webhook/http/handle.h"

enum question {
    ASK_NODES, /* each node is judged */
    KEEP_ALL,  /* not ours to judge */
    REFUSE_ALL /* the pod itself can never be right */
};

struct pod_ask {
    enum question question;
    enum mode mode;
    bool advisory; /* mode warn or audit: nodes are judged and counted, none is refused */
    struct workload w;
    struct shape shape;   /* of ASK_NODES */
    struct err malformed; /* why REFUSE_ALL */
};
/* out zeroed by the caller; large, so keep it in an arena. */
void pod_ask(struct service *s, const struct pod *pod, struct pod_ask *out);

#endif
