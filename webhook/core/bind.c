#include "webhook/core/bind.h"

static const char *why(enum reason code) {
    switch (code) {
    case REASON_NVLINK_SET_BUSY:
        return "the last free healthy NVLink set of the chosen node has just been reserved for "
               "another pod";
    case REASON_GPUS_BUSY:
        return "the chosen node's GPUs have just been given to other pods: with this one it would "
               "hold more than it has";
    case REASON_PIN_BUSY:
        return "the GPUs it is pinned to have just been reserved for another pod";
    case REASON_NODE_UNKNOWN:
        return "the chosen node is not known to tpguard (yet)";
    default:
        return NULL;
    }
}

void bind_denial(const struct shape *s, enum reason code, struct buf *out) {
    const char *known = why(code);
    if (s->tp > 1) {
        buf_fmt(out, "TP=%u: ", (unsigned)s->tp);
    }
    buf_fmt(out, "%s%s. Scheduling goes on by itself (%s)", known ? "" : "the chosen node: ",
            known ? known : reason_row(code)->meaning, reason_row(code)->code);
}
