/* What is said of a TP group that runs, or will, on GPUs that nobody would have chosen for it. */
#include "webhook/core/admit_parts.h"
#include "webhook/core/landed.h"

static void put_group(const struct landed_case *c, struct buf *out) {
    if (c->group.groups > 1) {
        buf_fmt(out, "%u x ", (unsigned)c->group.groups);
    }
    buf_fmt(out, "TP=%u", (unsigned)c->group.tp);
}

static void put_where(const struct landed_case *c, struct buf *out) {
    text_clean(out, span_of(c->at.name), 63);
    if (c->at.gpus[0]) {
        buf_fmt(out, " GPUs %s", c->at.gpus);
    }
}

/* ---- what is wrong ---- */

static void put_wrong(const struct landed_case *c, struct buf *out) {
    enum reason code = (enum reason)c->landed.code;
    if (code == REASON_GPU_FAULT) {
        buf_fmt(out, "GPU %u is faulty", (unsigned)c->look);
        if (c->fault[0]) {
            buf_str(out, " (");
            text_clean(out, (struct span){c->fault, strnlen(c->fault, GPU_FAULT_MAX)}, 60);
            buf_char(out, ')');
        }
    } else if (code == REASON_FABRIC_NOT_READY) {
        buf_str(out, "the NVSwitch fabric is not ready");
    } else if (code == REASON_TP_ACROSS_PCIE && c->at.bad_state == PAIR_ABSENT) {
        buf_fmt(out, "%s has no NVLink", c->at.bad);
    } else if (c->at.bad[0]) {
        text_pair(out, &c->at);
    } else {
        buf_str(out, reason_row(code)->meaning);
    }
}

void landed_line(const struct landed_case *c, struct buf *out) {
    put_group(c, out);
    buf_str(out, " on ");
    put_where(c, out);
    buf_str(out, ": ");
    if (!c->landed.known) {
        buf_str(out, "cannot be told: its GPUs are not reported, or their wiring is not known");
    } else if (c->landed.code == REASON_NONE) {
        buf_str(out, "healthy NVLink");
    } else {
        put_wrong(c, out);
    }
}

/* What it takes on this wire, beside what it would on a healthy one. */
static void put_price(const struct cost_view *v, struct buf *out) {
    const struct cost_line *many = &v->line[1];
    if (!v->known || many->pcie_us <= many->nvlink_us) {
        return;
    }
    buf_str(out, v->model_known ? " Its " : " The");
    if (v->model_known) {
        buf_fmt(out, "%u", v->allreduces);
    }
    buf_fmt(out, " all-reduces per step at %u streams take about ", (unsigned)many->tokens);
    text_us(out, many->pcie_us);
    buf_str(out, " across PCIe instead of ");
    text_us(out, many->nvlink_us);
    if (!v->model_known) {
        buf_fmt(out, " (reckoned for %u layers)", v->layers);
    }
    buf_char(out, '.');
}

/* ---- what to do ---- */

static void put_better(const struct census *asked, struct buf *out) {
    buf_str(out, " Free and healthy now: ");
    text_clean(out, span_of(asked->best.name), 63);
    if (asked->best.gpus[0]) {
        buf_fmt(out, " GPUs %s", asked->best.gpus);
    }
}

static void put_remedy(const struct landed_case *c, const struct census *asked, struct buf *out) {
    if (asked->fits && asked->best.set) {
        put_better(asked, out);
        buf_str(out, "; deleted, the pod's successor is placed there.");
    } else {
        buf_str(out, " No healthy set is free now: a successor would wait.");
    }
    if (c->landed.code == REASON_GPU_FAULT || c->landed.code == REASON_FABRIC_NOT_READY) {
        buf_fmt(out, " Look: nvidia-smi -q -i %u", (unsigned)c->look);
    } else if (c->at.bad_state != PAIR_ABSENT) {
        buf_fmt(out, " Look: nvidia-smi nvlink --status -i %u", (unsigned)c->look);
    }
}

void event_landed(const struct landed_case *c, const struct decision *d, const struct census *asked,
                  struct buf *out) {
    put_group(c, out);
    buf_str(out, " runs on ");
    put_where(c, out);
    buf_str(out, ": ");
    put_wrong(c, out);
    buf_char(out, '.');
    if (c->landed.code == REASON_TP_ACROSS_PCIE) {
        put_price(&d->cost, out);
    }
    put_remedy(c, asked, out);
}

void event_mended(const struct landed_case *c, struct buf *out) {
    put_group(c, out);
    buf_str(out, " on ");
    put_where(c, out);
    buf_str(out, ": NVLink is healthy between its GPUs again.");
}

void event_unreserved(const struct landed_case *c, struct buf *out) {
    text_clean(out, span_of(c->at.name), 63);
    buf_str(out, " was chosen for ");
    put_group(c, out);
    buf_str(out, " while tpguard could not be asked: no NVLink set is reserved for the pod, so it "
                 "may run across PCIe. Once the node's agent has reported its GPUs, a TPAcrossPCIe "
                 "event says if it does.");
}

void event_moved(const struct census *asked, struct buf *out) {
    buf_str(out, "Evicted, because its TP group runs across PCIe.");
    if (asked->best.set) {
        put_better(asked, out);
        buf_str(out, ": its successor is placed there.");
    }
}
