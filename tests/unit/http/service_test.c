#include "webhook/http/handle.h"

#include "tests/tap.h"

int main(void) {
    static struct service s;
    s.policy = policy_default();
    ok(service_policy(&s, MODE_AUDIT).mode == MODE_AUDIT, "the mode is the namespace's");
    ok(s.policy.mode == MODE_ENFORCE, "and the service's own stays");
    ok(!service_policy(&s, MODE_ENFORCE).autoscaler, "no autoscaler: nodes stay as they are");
    s.autoscaler = 1;
    ok(service_policy(&s, MODE_ENFORCE).autoscaler, "one that was seen brings nodes");
    s.autoscaler = -1;
    ok(service_policy(&s, MODE_ENFORCE).autoscaler, "not known yet is never read as no");
    s.autoscaler = 0;
    s.policy.autoscaler = true;
    ok(service_policy(&s, MODE_ENFORCE).autoscaler, "what the operator said holds");
    return tap_done();
}
