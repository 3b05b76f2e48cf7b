#include "webhook/http/handle.h"

struct policy service_policy(struct service *s, enum mode mode) {
    struct policy p = s->policy;
    p.mode = mode;
    p.autoscaler = p.autoscaler || s->autoscaler != 0;
    return p;
}
