/* What the wires cost this group, and whether its model fits one GPU. */
#include "webhook/core/admit_parts.h"

/* Typical of a 70B model: used, and said so, where the model is not known. */
#define TYPICAL_LAYERS 80
#define TYPICAL_HIDDEN 8192

/* Room beside the weights, from the measured needs of engines: they may use 90 % of the memory
 * (vLLM's default share), about 3.5 GB of it go to activations, CUDA graphs and buffers, and a
 * tenth of the memory is the least KV cache worth starting with. */
#define USABLE_PERCENT 90
#define KV_PERCENT     10
#define OTHER_MIB      3584

const struct node_case *case_of(const struct admit_in *in) {
    const struct node_case *first = &in->asked->nearest;
    const struct node_case *second = &in->asked->best;
    if (in->asked->fits) {
        first = &in->asked->best;
        second = &in->asked->nearest;
    }
    if (first->set && first->product[0]) {
        return first;
    }
    const struct node_case *off = &in->asked->kept_off.node;
    return (second->set && second->product[0]) || !off->set ? second : off;
}

static enum cost_fabric nvlink_of(unsigned gen) {
    if (gen == 0) {
        return COST_NVLINK4;
    }
    return gen >= 5 ? COST_NVLINK5 : gen == 4 ? COST_NVLINK4 : COST_NVLINK3;
}

static enum cost_fabric pcie_of(unsigned gen) {
    return gen && gen < 5 ? COST_PCIE4 : COST_PCIE5;
}

void cost_view_fill(const struct admit_in *in, struct decision *out) {
    static const uint32_t tokens[] = {1, 64, 8192};
    struct cost_view *v = &out->cost;
    const struct model_guess *guess = &out->model;
    unsigned tp = asked_tp(in);
    if (tp < 2 || in->shape->any) {
        return;
    }
    bool known = out->guessed && guess->layers && guess->hidden;
    v->known = true;
    v->model_known = known;
    v->layers = known ? guess->layers : TYPICAL_LAYERS;
    v->hidden = known ? guess->hidden : TYPICAL_HIDDEN;
    const struct node_case *c = case_of(in);
    v->nvlink = (uint8_t)nvlink_of(c->nvlink_gen);
    v->pcie = (uint8_t)pcie_of(c->pcie_gen);
    struct cost_ask ask = {.layers = v->layers, .hidden = v->hidden, .tp = tp, .dtype_bytes = 2};
    v->allreduces = cost_allreduces(&ask);
    for (unsigned i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        v->line[i].tokens = tokens[i];
        v->line[i].nvlink_us = cost_step_us((enum cost_fabric)v->nvlink, &ask, tokens[i]);
        v->line[i].pcie_us = cost_step_us((enum cost_fabric)v->pcie, &ask, tokens[i]);
    }
}

void weights_view_fill(const struct admit_in *in, struct decision *out) {
    const struct workload *w = in->w;
    struct weights_view *v = &out->weights;
    enum weight_basis basis = WEIGHT_UNKNOWN;
    if (w->weights_gib) {
        v->mib = (uint64_t)w->weights_gib * 1024;
        v->by_hand = true;
    } else if (out->guessed) {
        v->mib = model_weights_mib(&out->model, w->quant, w->dtype, w->model, &basis);
        v->basis = (uint8_t)basis;
    }
    v->gpu_mib = case_of(in)->memory_mib;
    v->fits_known = v->mib && v->gpu_mib;
    if (v->fits_known) {
        uint64_t room = (uint64_t)v->gpu_mib * (USABLE_PERCENT - KV_PERCENT) / 100;
        v->fits_one = v->mib + OTHER_MIB <= room;
    }
}

/* Only a name that is in the table says for certain how many heads there are. */
unsigned model_heads(const struct decision *d) {
    return d->guessed && d->model.basis == GUESS_ROW ? d->model.heads : 0;
}
