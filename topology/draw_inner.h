/* What the drawings share: words, colours and shapes of pairs. For draw_*.c alone. */
#ifndef TPGUARD_TOPOLOGY_DRAW_INNER_H
#define TPGUARD_TOPOLOGY_DRAW_INNER_H

#include "topology/draw.h"

#define DRAW_WORD_MAX 12

/* The pair in a word: "NV12", "8/12", "DOWN", "ASYM", "?", or the PCIe level. */
void draw_pair_word(const struct topo *t, const struct health *h, unsigned a, unsigned b,
                    char out[static DRAW_WORD_MAX]);

enum draw_colour { DRAW_PLAIN = 0, DRAW_GOOD, DRAW_WARN, DRAW_BAD, DRAW_FAINT };
enum draw_colour draw_pair_colour(const struct health *h, unsigned a, unsigned b);

/* text in that colour, when o wants colours. */
void draw_text(const struct draw_opts *o, enum draw_colour c, const char *text, struct buf *out);

/* NVLink is there or should be: healthy, degraded, down or asymmetric. */
bool draw_is_wired(const struct health *h, unsigned a, unsigned b);

/* Why the GPU takes part in no set, in a word for its row ("MIG", "fault: Xid 79 ..."); "" when
 * nothing is wrong. */
void draw_block_note(const struct topo *t, const struct health *h, unsigned i, struct buf *out);

/* All its wired pairs are down. */
bool draw_is_cut_off(const struct health *h, unsigned i);

#endif
