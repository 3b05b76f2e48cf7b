/* Inside of workload_read: its steps, in order: which container and engine (workload_engine.c),
 * GPUs (workload_gpus.c, pin.c), sizes (workload_size.c, workload_tp.c, workload_own.c), model
 * (workload_model.c), what follows from them (workload.c). */
#ifndef TPGUARD_CORE_WORKLOAD_PARTS_H
#define TPGUARD_CORE_WORKLOAD_PARTS_H

#include "webhook/core/args.h"
#include "webhook/core/engine.h"
#include "webhook/core/expand.h"
#include "webhook/core/shell.h"
#include "webhook/core/workload.h"

/* A variable that the script around the engine sets for it. */
#define SCRIPT_ENV_MAX  24
#define SCRIPT_TEXT_MAX 2048
struct script_env {
    const char *name;
    uint8_t state; /* enum shell_exported */
    uint16_t at;   /* its value in script_text */
    uint16_t n;
};

struct reading {
    const struct pod *p;
    const struct container *c;
    const struct engine_row *row; /* NULL: no engine recognised */
    unsigned first;               /* first word behind the program in argv */
    bool by_image;                /* only the image or the environment says so */
    bool worker;
    bool other;       /* a router or frontend */
    bool ray;         /* starts or joins a Ray cluster: several pods */
    bool opaque;      /* a script file or more than fits: flags may be missing */
    bool conditional; /* the engine's command runs only if some condition holds */
    bool differs;     /* ... and another one says another TP size */
    bool script_file; /* argv is the call of a script that starts the engine */
    unsigned n_script_env;
    uint16_t n_script_text;
    struct script_env script_env[SCRIPT_ENV_MAX]; /* from here on: written before it is read */
    char script_text[SCRIPT_TEXT_MAX];
    struct argv argv; /* the engine's command */
};
void reading_init(struct reading *r);

/* What this container runs. */
void reading_of(const struct pod *p, const struct container *c, struct reading *r);

/* A variable of the engine's environment: as the script sets it, else the container. */
struct reading_place {
    bool here;      /* in the pod itself, not perhaps from envFrom */
    char where[96]; /* "containers[0].env[3].value" */
};
enum env_state reading_env(const struct reading *r, const char *name, struct buf *out,
                           struct reading_place *at);

struct evidence *workload_note(struct workload *w, enum evidence_field f, enum evidence_source s,
                               const char *name, const char *where);
void workload_note_value(struct evidence *ev, struct span value, bool unknown);

/* What the pod asks for, into *w with its evidence. */
void workload_asks(const struct pod *p, struct workload *w);
/* The container asks for or names GPUs. */
bool workload_takes_gpus(const struct container *c);
/* GPUs the container sees; 0 cannot be told. */
uint32_t workload_visible(const struct workload *w);

/* A whole number 1..SIZE_MAX_TP. */
NODISCARD bool size_parse(struct span value, uint32_t *out);

/* One size to be read: which and where it goes. */
struct size_ask {
    const struct reading *r;
    struct workload *w;
    enum evidence_field field;
    struct size *out;
};
NODISCARD bool size_take(const struct size_ask *a, struct span name, struct span value,
                         const char *where, enum evidence_source source, struct err *e);
void size_take_unknown(const struct size_ask *a, const char *name, const char *why,
                       const char *where, enum evidence_source source);
void size_take_visible(const struct size_ask *a, const char *why);
/* From flags, then environment. *done: it was said. */
NODISCARD bool size_read(const struct size_ask *a, bool *done, struct err *e);

/* Settings as JSON text that override the flags; then texts that some engines have of their own (a
 * NIM profile, MLC's overrides). *done: it was said. */
NODISCARD bool size_from_json(const struct size_ask *a, bool *done, struct err *e);
NODISCARD bool size_from_text(const struct size_ask *a, bool *done, struct err *e);
/* llama.cpp: TP only when it splits rows; TGI: not when sharding is switched off. *done: settled.
 */
void size_by_mode(const struct size_ask *a, bool *done);

/* w->tp, once the other sizes are read. */
NODISCARD bool workload_tp(const struct reading *r, struct workload *w, struct err *e);
/* tp, pp, dp, cp, nodes; *dp_local is 0 when not said. */
NODISCARD bool workload_sizes(const struct reading *r, struct workload *w, uint32_t *dp_local,
                              struct err *e);
/* model, quantization, dtype. */
void workload_model(const struct reading *r, struct workload *w);

#endif
