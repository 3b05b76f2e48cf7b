/* GPUs that a container names: NVIDIA_VISIBLE_DEVICES (of the node) and CUDA_VISIBLE_DEVICES (of
 * what the container was given; of the node when the pod asks for no GPU). */
#ifndef TPGUARD_CORE_PIN_H
#define TPGUARD_CORE_PIN_H

#include "webhook/core/workload_parts.h"

/* Fills w->pin, visible_known, n_order, order and the evidence of the pin. asks: the pod asks for
 * GPUs. Fails for lists that can never be right (a GPU twice, a word that is no GPU). */
NODISCARD bool pin_read(const struct reading *r, bool asks, struct workload *w, struct err *e);

#endif
