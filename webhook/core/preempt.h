/* Preemption: kube-scheduler names nodes and, for each, the pods it would evict there; it counts
 * GPUs and knows nothing of wires. Which of the nodes are worth it? Pure. */
#ifndef TPGUARD_CORE_PREEMPT_H
#define TPGUARD_CORE_PREEMPT_H

#include "webhook/core/node.h"

enum preempt {
    PREEMPT_KEEP = 0,
    PREEMPT_IN_VAIN,    /* with these pods gone the pod would not fit either */
    PREEMPT_NO_VICTIMS, /* nobody is named: by count the pod fits as it is */
    PREEMPT_NO_NODE,    /* the node is not known */
    PREEMPT_COUNT
};
const char *preempt_name(enum preempt p); /* keep, in_vain, no_victims, no_node */

/* after: the node's answer as if the victims were gone; NULL when the node is not known.
 *
 * A node without victims is never kept. kube-scheduler up to 1.36 sends none and takes one in the
 * answer for an error; later ones send those that an extender's filter alone refused. Whom to evict
 * there is not ours to choose: priorities and budgets are the scheduler's. */
enum preempt decide_preempt(unsigned victims, const struct node_answer *after);

#endif
