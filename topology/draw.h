/* Pictures of the wires for a terminal. Colour and Unicode are the caller's choice (colour only on
 * a terminal). */
#ifndef TPGUARD_TOPOLOGY_DRAW_H
#define TPGUARD_TOPOLOGY_DRAW_H

#include "topology/buf.h"
#include "topology/health.h"
#include "topology/topo.h"

struct draw_opts {
    bool colour;
    bool ascii;           /* no line-drawing characters */
    unsigned indent;      /* spaces before each line */
    struct gpuset busy;   /* positions in use: "busy" at the row's end, else "free"; */
    bool show_use;        /* ... only when this is set */
    struct gpuset marked; /* the set in question (a pin, a choice): rows are marked */
};

/* The matrix: words of topo -m, DOWN / n/m lanes / ASYM where health says so. */
void draw_matrix(const struct topo *t, const struct health *h, const struct draw_opts *o,
                 struct buf *out);

/* The picture: GPUs as boxes, healthy NVLink as thick lines, down ones broken, PCIe left out;
 * islands side by side. Up to 8 GPUs as boxes, more as one line per NVLink set. */
void draw_picture(const struct topo *t, const struct health *h, const struct draw_opts *o,
                  struct buf *out);

/* One line: "4 x H100 NVL, NVLink pair 2-3 healthy, 0-1 down". */
void draw_summary(const struct topo *t, const struct health *h, struct buf *out);

/* NVML indices of a set, long runs shortened: "0,1", "0..71". */
void draw_set(const struct topo *t, struct gpuset s, struct buf *out);

#endif
