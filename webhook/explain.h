/* What `tpguard explain` says about one pod: the judgement of the server's own code, and one row
 * per node. Gathered first, printed after (text or JSON), so that both outputs show the same thing.
 */
#ifndef TPGUARD_WEBHOOK_EXPLAIN_H
#define TPGUARD_WEBHOOK_EXPLAIN_H

#include "topology/arena.h"
#include "topology/buf.h"
#include "topology/draw.h"
#include "webhook/cluster/cluster.h"
#include "webhook/codec/object.h"

struct explain_row {
    const char *name;
    struct node_answer answer;
    const char *set;     /* answer.set as NVML indices, "" none */
    const char *bad;     /* the pair to blame, "" none */
    const char *summary; /* one line about the node's wiring */
    const char *why;     /* NodeNotAllowed: which constraint of the pod; "" */
    uint32_t gpus;
    uint32_t used;
};

struct explained {
    const struct unit *unit;
    const char *file;
    const struct policy *policy;
    const struct judgement *j;
    const struct explain_row *row;
    unsigned n_rows;
    unsigned hidden;     /* nodes without a GPU, left out of row */
    const char *subject; /* the node that is drawn: "" none */
    const char *matrix;  /* its picture */
    struct span patch;   /* JSON Patch of the rewrites; empty none */
};

struct explain_style {
    bool colour;
    bool ascii;
};

void explain_text(const struct explained *x, const struct explain_style *s, struct buf *out);

/* One line: the versioned contract of README, "Machine-readable output". */
void explain_json(const struct explained *x, struct buf *out);

/* A custom resource whose pods an operator makes: nothing can be told from it. One line of JSON, or
 * of text. */
struct manifest_custom;
void explain_custom(const char *file, const struct manifest_custom *c, bool json, struct buf *out);

/* Pods that run with a TP group: in text those that healthy NVLink does not carry, those of which
 * it cannot be told, and how many there are; in JSON all of them, one a line. now: Unix seconds. */
struct explain_running {
    unsigned pods, bad, unknown;
};
struct explain_running explain_running(struct cluster *c, bool json, int64_t now, struct buf *out);

/* Every reason as a Markdown table row; every engine, one a line. */
void explain_reasons(struct buf *out);
void explain_engines(struct buf *out);

/* Judges one unit and gathers the rows. All of it lives in the arena. */
NODISCARD bool explain_gather(struct cluster *c, const struct policy *policy, const struct unit *u,
                              const struct draw_opts *draw, struct arena *a, struct explained *out,
                              struct err *e);

#endif
