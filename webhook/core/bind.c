#include "webhook/core/bind.h"

static const struct {
    enum reason code;
    const char *text;
} lost[] = {
    {REASON_NVLINK_SET_BUSY, "the last free healthy NVLink set of the chosen node has just been "
                             "reserved for another pod"},
    {REASON_GPUS_BUSY, "the chosen node's GPUs have just been given to other pods: with this one "
                       "it would hold more than it has"},
    {REASON_PIN_BUSY, "the GPUs it is pinned to have just been reserved for another pod"},
    {REASON_NODE_UNKNOWN, "the chosen node is not known to tpguard (yet)"},
};

/* What two schedulers do to each other has words of its own; the rest is the node's reason. */
static const char *why(enum reason code) {
    for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++) {
        if (lost[i].code == code) {
            return lost[i].text;
        }
    }
    return NULL;
}

bool bind_decides(const struct shape *s) {
    return s->gpus || s->pinned || !s->any;
}

void bind_denial(const struct shape *s, enum reason code, struct buf *out) {
    const char *known = why(code);
    if (s->tp > 1) {
        buf_fmt(out, "TP=%u: ", (unsigned)s->tp);
    }
    buf_fmt(out, "%s%s. Scheduling goes on by itself (%s)",
            known ? "" : "the chosen node: ", known ? known : reason_row(code)->meaning,
            reason_row(code)->code);
}
