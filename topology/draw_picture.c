/* The picture. Two GPUs are joined by a line, more by a bus under their boxes:
 *
 *     +------+          +------+     +------+  +------+  +------+
 *     | GPU0 |== NV12 ==| GPU1 |     | GPU0 |  | GPU1 |  | GPU2 |
 *     +------+          +------+     +--++--+  +--++--+  +------+
 *                                      NV18      NV18      DOWN
 *                                    ===++========++============  NVSwitch
 *
 * Every island (GPUs joined by wires that are there or should be) is one block; blocks stand side
 * by side. Where a bus would lie (cube mesh) or boxes would not fit, NVLink sets are listed. */
#include <stdio.h>
#include <string.h>

#include "topology/draw_inner.h"
#include "topology/fit.h"

#define BOXES_MOST  8
#define WIDTH_MOST  96
#define ROWS        5
#define SETS_MOST   16
#define ISLAND_GAP  3
#define BOX_GAP     2
#define CONNECTOR   10
#define CANVAS_ROW  2048

struct glyphs {
    const char *across;
    const char *up_left, *up_right, *low_left, *low_right, *side;
    const char *thick, *broken;
    const char *join_right, *join_left; /* a thick line leaves a box, or enters one */
    const char *leg, *foot;             /* two columns each in ASCII: see leg_columns */
};

static const struct glyphs unicode = {
    .across = "\xe2\x94\x80",     .up_left = "\xe2\x94\x8c",   .up_right = "\xe2\x94\x90",
    .low_left = "\xe2\x94\x94",   .low_right = "\xe2\x94\x98", .side = "\xe2\x94\x82",
    .thick = "\xe2\x95\x90",      .broken = "\xe2\x95\x8c",    .join_right = "\xe2\x95\x9e",
    .join_left = "\xe2\x95\xa1",  .leg = "\xe2\x95\xa5",       .foot = "\xe2\x95\xa9",
};
static const struct glyphs ascii = {
    .across = "-", .up_left = "+",    .up_right = "+",  .low_left = "+", .low_right = "+",
    .side = "|",   .thick = "=",      .broken = ".",    .join_right = "|",
    .join_left = "|", .leg = "#",     .foot = "#",
};

struct picture {
    const struct topo *t;
    const struct health *h;
    const struct draw_opts *o;
    const struct glyphs *g;
    struct buf *out;
    size_t box; /* columns of one box */
    struct buf row[ROWS];
    size_t width[ROWS]; /* columns; bytes do not count them */
    char text[ROWS][CANVAS_ROW];
};

static void canvas_clear(struct picture *p) {
    for (unsigned r = 0; r < ROWS; r++) {
        p->row[r] = buf_over(p->text[r], CANVAS_ROW);
        p->width[r] = 0;
    }
}

static void canvas_flush(struct picture *p) {
    for (unsigned r = 0; r < ROWS; r++) {
        struct span line = buf_view(&p->row[r]);
        while (line.n && line.p[line.n - 1] == ' ') {
            line.n--;
        }
        if (line.n) {
            buf_fill(p->out, ' ', p->o->indent);
            buf_span(p->out, line);
            buf_char(p->out, '\n');
        }
        p->out->failed = p->out->failed || !buf_ok(&p->row[r]);
    }
    canvas_clear(p);
}

static void put(struct picture *p, unsigned r, enum draw_colour c, const char *text, size_t times,
                size_t columns) {
    for (size_t i = 0; i < times; i++) {
        draw_text(p->o, c, text, &p->row[r]);
        p->width[r] += columns;
    }
}

static void blank(struct picture *p, unsigned r, size_t columns) {
    put(p, r, DRAW_PLAIN, " ", columns, 1);
}

static size_t canvas_width(const struct picture *p) {
    size_t most = 0;
    for (unsigned r = 0; r < ROWS; r++) {
        most = p->width[r] > most ? p->width[r] : most;
    }
    return most;
}

static void level_rows(struct picture *p, size_t columns) {
    for (unsigned r = 0; r < ROWS; r++) {
        blank(p, r, columns > p->width[r] ? columns - p->width[r] : 0);
    }
}

static void put_centred(struct picture *p, unsigned r, enum draw_colour c, const char *text,
                        size_t columns) {
    size_t len = strlen(text);
    size_t left = len < columns ? (columns - len) / 2 : 0;
    blank(p, r, left);
    put(p, r, c, text, 1, len);
    blank(p, r, columns > left + len ? columns - left - len : 0);
}

/* ---- boxes ---- */

static void put_name(struct picture *p, unsigned gpu) {
    char name[16];
    (void)snprintf(name, sizeof name, "GPU%u", p->t->gpu[gpu].index);
    bool marked = gpuset_has(p->o->marked, gpu);
    put_centred(p, 1, h_is_blocked(p, gpu) ? DRAW_BAD : marked ? DRAW_GOOD : DRAW_PLAIN, name,
                p->box - 2);
}
