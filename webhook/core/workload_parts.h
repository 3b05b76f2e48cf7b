/* Inside of workload_read: its steps, in order: which container and engine (workload_engine.c),
 * sizes (workload_size.c), what follows from them (workload.c). */
#ifndef TPGUARD_CORE_WORKLOAD_PARTS_H
#define TPGUARD_CORE_WORKLOAD_PARTS_H

#include "webhook/core/args.h"
#include "webhook/core/engine.h"
#include "webhook/core/workload.h"

struct reading {
    const struct pod *p;
    const struct container *c;
    const struct engine_row *row; /* NULL: no engine recognised */
    unsigned first;               /* first word behind the program in argv */
    bool by_image;                /* only the image says so */
    bool worker;
    bool other;       /* a router or frontend */
    bool ray;         /* starts or joins a Ray cluster: several pods */
    bool opaque;      /* a script file or more than fits: flags may be missing */
    struct argv argv; /* the engine's command */
};

/* What this container runs. */
void reading_of(const struct pod *p, const struct container *c, struct reading *r);

struct evidence *workload_note(struct workload *w, enum evidence_field f, enum evidence_source s,
                               const char *name, const char *where);
void workload_note_value(struct evidence *ev, struct span value, bool unknown);

/* GPUs the container sees; 0 cannot be told. */
uint32_t workload_visible(const struct workload *w);

/* A whole number 1..SIZE_MAX_TP. */
NODISCARD bool size_parse(struct span value, uint32_t *out);

/* tp, pp, dp, cp, nodes; *dp_local is 0 when not said. */
NODISCARD bool workload_sizes(const struct reading *r, struct workload *w, uint32_t *dp_local,
                              struct err *e);
/* model, quantization, dtype. */
void workload_model(const struct reading *r, struct workload *w);

#endif
