#include "webhook/core/preempt.h"

#include "tests/tap.h"

int main(void) {
    const struct node_answer fits = {.code = REASON_NONE};
    ok(decide_preempt(2, &fits) == PREEMPT_KEEP, "where the pod fits afterwards the node is kept");
    ok(decide_preempt(0, &fits) == PREEMPT_NO_VICTIMS, "not without a victim");
    ok(decide_preempt(2, NULL) == PREEMPT_NO_NODE, "nor a node that is not known");
    for (unsigned i = REASON_NONE + 1; i <= REASON_NO_GPU; i++) {
        const struct node_answer no = {.code = (uint8_t)i};
        ok(decide_preempt(2, &no) == PREEMPT_IN_VAIN, "evicting is in vain: %s",
           reason_row((enum reason)i)->code);
        ok(decide_preempt(0, &no) == PREEMPT_NO_VICTIMS, "and nobody is evicted for it");
    }
    is_str(preempt_name(PREEMPT_IN_VAIN), "in_vain", "outcomes have names");
    is_str(preempt_name(PREEMPT_COUNT), "invalid", "and no others");
    return tap_done();
}
