#include "webhook/core/preempt.h"

const char *preempt_name(enum preempt p) {
    static const char *const names[PREEMPT_COUNT] = {"keep", "in_vain", "no_victims", "no_node"};
    return (unsigned)p < PREEMPT_COUNT ? names[p] : "invalid";
}

enum preempt decide_preempt(unsigned victims, const struct node_answer *after) {
    if (!after) {
        return PREEMPT_NO_NODE;
    }
    if (!victims) {
        return PREEMPT_NO_VICTIMS;
    }
    return after->code == REASON_NONE ? PREEMPT_KEEP : PREEMPT_IN_VAIN;
}
