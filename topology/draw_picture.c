/* The picture. Two GPUs are joined by a line, more by a bus under their boxes:
 *
 *     +------+          +------+     +------+  +------+  +------+
 *     | GPU0 |== NV12 ==| GPU1 |     | GPU0 |  | GPU1 |  | GPU2 |
 *     +------+          +------+     +---+--+  +---+--+  +------+
 *                                      NV18      NV18      DOWN
 *                                    ====+=========+===========  NVSwitch
 *
 * Every island (GPUs joined by wires that are there or should be) is one block; blocks stand side
 * by side. Where a bus would lie (cube mesh) or boxes would not fit, NVLink sets are listed. */
#include <stdio.h>
#include <string.h>

#include "topology/draw_inner.h"
#include "topology/fit.h"

#define BOXES_MOST 8
#define WIDTH_MOST 96
#define ROWS       5
#define SETS_MOST  16
#define ISLAND_GAP 3
#define BOX_GAP    2
#define CONNECTOR  10
#define ROW_BYTES  4096

struct glyphs {
    const char *across, *side, *thick, *broken;
    const char *up_left, *up_right, *low_left, *low_right;
    const char *join_right, *join_left; /* a thick line leaves a box, or enters one */
    const char *leg, *foot;             /* out of a box, into the bus */
};

static const struct glyphs glyphs_unicode = {
    .across = "\xe2\x94\x80",
    .side = "\xe2\x94\x82",
    .thick = "\xe2\x95\x90",
    .broken = "\xe2\x95\x8c",
    .up_left = "\xe2\x94\x8c",
    .up_right = "\xe2\x94\x90",
    .low_left = "\xe2\x94\x94",
    .low_right = "\xe2\x94\x98",
    .join_right = "\xe2\x95\x9e",
    .join_left = "\xe2\x95\xa1",
    .leg = "\xe2\x95\xa5",
    .foot = "\xe2\x95\xa9",
};
static const struct glyphs glyphs_ascii = {
    .across = "-",
    .side = "|",
    .thick = "=",
    .broken = ".",
    .up_left = "+",
    .up_right = "+",
    .low_left = "+",
    .low_right = "+",
    .join_right = "|",
    .join_left = "|",
    .leg = "+",
    .foot = "+",
};

/* Rows grow to the right; a row's columns are counted apart from its bytes, because colours and
 * line-drawing characters have more of these. */
struct picture {
    const struct topo *t;
    const struct health *h;
    const struct draw_opts *o;
    const struct glyphs *g;
    size_t box; /* columns of one box */
    size_t columns[ROWS];
    struct buf row[ROWS];
    char text[ROWS][ROW_BYTES];
};

static void put(struct picture *p, unsigned r, enum draw_colour c, const char *glyph,
                size_t times) {
    for (size_t i = 0; i < times; i++) {
        draw_text(p->o, c, glyph, &p->row[r]);
    }
    p->columns[r] += times;
}

static void put_word(struct picture *p, unsigned r, enum draw_colour c, const char *word) {
    draw_text(p->o, c, word, &p->row[r]);
    p->columns[r] += strlen(word);
}

static void put_centred(struct picture *p, unsigned r, enum draw_colour c, const char *word,
                        size_t columns) {
    size_t free = strlen(word) < columns ? columns - strlen(word) : 0;
    put(p, r, DRAW_PLAIN, " ", free / 2);
    put_word(p, r, c, word);
    put(p, r, DRAW_PLAIN, " ", free - free / 2);
}

static size_t most_columns(const struct picture *p) {
    size_t most = 0;
    for (unsigned r = 0; r < ROWS; r++) {
        most = p->columns[r] > most ? p->columns[r] : most;
    }
    return most;
}

static void level(struct picture *p, size_t columns) {
    for (unsigned r = 0; r < ROWS; r++) {
        put(p, r, DRAW_PLAIN, " ", columns > p->columns[r] ? columns - p->columns[r] : 0);
    }
}

static void flush(struct picture *p, struct buf *out) {
    for (unsigned r = 0; r < ROWS; r++) {
        struct span line = buf_view(&p->row[r]);
        while (line.n && line.p[line.n - 1] == ' ') {
            line.n--;
        }
        if (line.n) {
            buf_fill(out, ' ', p->o->indent);
            buf_span(out, line);
            buf_char(out, '\n');
        }
        out->failed = out->failed || !buf_ok(&p->row[r]);
        p->row[r] = BUF_OVER(p->text[r]);
        p->columns[r] = 0;
    }
}

/* ---- boxes ---- */

static void put_box(struct picture *p, unsigned gpu, const char *left, const char *right,
                    bool leg) {
    const struct glyphs *g = p->g;
    size_t inner = p->box - 2;
    char name[16];
    (void)snprintf(name, sizeof name, "GPU%u", p->t->gpu[gpu].index);
    put(p, 0, DRAW_PLAIN, g->up_left, 1);
    put(p, 0, DRAW_PLAIN, g->across, inner);
    put(p, 0, DRAW_PLAIN, g->up_right, 1);
    put(p, 1, DRAW_PLAIN, left, 1);
    put_centred(p, 1, p->h->block[gpu] == BLOCK_NONE ? DRAW_PLAIN : DRAW_BAD, name, inner);
    put(p, 1, DRAW_PLAIN, right, 1);
    put(p, 2, DRAW_PLAIN, g->low_left, 1);
    put(p, 2, DRAW_PLAIN, g->across, inner / 2);
    put(p, 2, leg ? DRAW_GOOD : DRAW_PLAIN, leg ? g->leg : g->across, 1);
    put(p, 2, DRAW_PLAIN, g->across, inner - inner / 2 - 1);
    put(p, 2, DRAW_PLAIN, g->low_right, 1);
}

/* A wire that carries something, less than it should included. */
static bool carries(const struct health *h, unsigned a, unsigned b) {
    return h->pair[a][b] == PAIR_HEALTHY || h->pair[a][b] == PAIR_DEGRADED;
}

static void put_pair(struct picture *p, unsigned a, unsigned b) {
    const struct glyphs *g = p->g;
    bool solid = carries(p->h, a, b);
    enum draw_colour colour = draw_pair_colour(p->h, a, b);
    const char *line = solid ? g->thick : g->broken;
    char word[DRAW_WORD_MAX];
    draw_pair_word(p->t, p->h, a, b, word);
    size_t strokes = strlen(word) + 2 < CONNECTOR ? CONNECTOR - strlen(word) - 2 : 0;

    put_box(p, a, g->side, solid ? g->join_right : g->side, false);
    put(p, 0, DRAW_PLAIN, " ", CONNECTOR);
    put(p, 1, colour, line, strokes / 2);
    put_centred(p, 1, colour, word, strlen(word) + 2);
    put(p, 1, colour, line, strokes - strokes / 2);
    put(p, 2, DRAW_PLAIN, " ", CONNECTOR);
    put_box(p, b, solid ? g->join_left : g->side, g->side, false);
}

/* The peer with the best wire: what the GPU can still do. */
static unsigned best_peer(const struct health *h, struct gpuset island, unsigned i) {
    static const enum pair_state order[] = {PAIR_HEALTHY, PAIR_DEGRADED, PAIR_ASYMMETRIC};
    for (unsigned k = 0; k < sizeof order / sizeof order[0]; k++) {
        for (GPUSET_EACH(j, gpuset_without(island, i))) {
            if (h->pair[i][j] == order[k]) {
                return j;
            }
        }
    }
    return gpuset_next(gpuset_without(island, i), 0);
}

static void put_bus(struct picture *p, struct gpuset island) {
    size_t gap = 0;
    for (GPUSET_EACH(i, island)) {
        unsigned peer = best_peer(p->h, island, i);
        bool leg = carries(p->h, i, peer);
        enum draw_colour colour = draw_pair_colour(p->h, i, peer);
        char word[DRAW_WORD_MAX];
        draw_pair_word(p->t, p->h, i, peer, word);
        for (unsigned r = 0; r < ROWS; r++) {
            put(p, r, r == 4 ? DRAW_GOOD : DRAW_PLAIN, r == 4 ? p->g->thick : " ", gap);
        }
        put_box(p, i, p->g->side, p->g->side, leg);
        put_centred(p, 3, colour, word, p->box);
        size_t before = (p->box - 2) / 2 + 1;
        put(p, 4, DRAW_GOOD, p->g->thick, before);
        put(p, 4, DRAW_GOOD, leg ? p->g->foot : p->g->thick, 1);
        put(p, 4, DRAW_GOOD, p->g->thick, p->box - before - 1);
        gap = BOX_GAP;
    }
    if (p->t->nvswitch) {
        put_word(p, 4, DRAW_PLAIN, "  NVSwitch");
    }
}

/* ---- islands ---- */

static struct gpuset island_of(const struct health *h, unsigned i) {
    struct gpuset island = gpuset_one(i);
    for (bool grown = true; grown;) {
        grown = false;
        for (GPUSET_EACH(a, island)) {
            for (unsigned b = 0; b < h->n; b++) {
                if (!gpuset_has(island, b) && draw_is_wired(h, a, b)) {
                    island = gpuset_with(island, b);
                    grown = true;
                }
            }
        }
    }
    return island;
}

/* Every pair of the island is wired: only then a bus tells the truth. */
static bool is_complete(const struct health *h, struct gpuset island) {
    for (GPUSET_EACH(a, island)) {
        for (GPUSET_EACH(b, gpuset_without(island, a))) {
            if (!draw_is_wired(h, a, b)) {
                return false;
            }
        }
    }
    return true;
}

static size_t island_columns(const struct picture *p, unsigned count) {
    return count == 2 ? 2 * p->box + CONNECTOR : count * (p->box + BOX_GAP);
}

static void put_island(struct picture *p, struct gpuset island, struct buf *out) {
    unsigned count = gpuset_count(island);
    size_t used = most_columns(p);
    if (used && used + ISLAND_GAP + island_columns(p, count) > WIDTH_MOST) {
        flush(p, out);
    } else if (used) {
        level(p, used + ISLAND_GAP);
    }
    unsigned first = gpuset_next(island, 0);
    if (count == 1) {
        put_box(p, first, p->g->side, p->g->side, false);
    } else if (count == 2) {
        put_pair(p, first, gpuset_next(island, first + 1));
    } else {
        put_bus(p, island);
    }
}

/* Wires that no box shows: both GPUs have better ones. */
static void put_odd_pairs(const struct picture *p, struct gpuset island, struct buf *out) {
    for (GPUSET_EACH(a, island)) {
        for (GPUSET_EACH(b, island)) {
            bool both = b > a && p->h->pair[a][best_peer(p->h, island, a)] == PAIR_HEALTHY &&
                        p->h->pair[b][best_peer(p->h, island, b)] == PAIR_HEALTHY;
            if (!both || p->h->pair[a][b] == PAIR_HEALTHY || gpuset_count(island) < 3) {
                continue;
            }
            char word[DRAW_WORD_MAX];
            draw_pair_word(p->t, p->h, a, b, word);
            buf_fill(out, ' ', p->o->indent);
            buf_fmt(out, "GPU%u - GPU%u: ", p->t->gpu[a].index, p->t->gpu[b].index);
            draw_text(p->o, draw_pair_colour(p->h, a, b), word, out);
            buf_char(out, '\n');
        }
    }
}

/* ---- lists, where boxes do not do ---- */

static void put_lanes(const struct topo *t, struct gpuset set, struct buf *out) {
    unsigned fewest = LANES_MAX;
    unsigned most = 0;
    for (GPUSET_EACH(a, set)) {
        for (GPUSET_EACH(b, gpuset_without(set, a))) {
            unsigned lanes = t->wire[a][b].lanes;
            fewest = lanes < fewest ? lanes : fewest;
            most = lanes > most ? lanes : most;
        }
    }
    buf_fmt(out, "NV%u", fewest);
    if (fewest != most) {
        buf_fmt(out, " to NV%u", most);
    }
}

static void put_sets(const struct topo *t, const struct health *h, const struct draw_opts *o,
                     struct buf *out) {
    struct gpuset sets[SETS_MOST + 1];
    unsigned n = fit_sets(h, FIT_NOW, h->all, sets, SETS_MOST + 1);
    for (unsigned k = 0; k < n && k < SETS_MOST; k++) {
        buf_fill(out, ' ', o->indent);
        buf_fmt(out, "NVLink set of %u: GPU ", gpuset_count(sets[k]));
        draw_set(t, sets[k], out);
        buf_str(out, "  (");
        put_lanes(t, sets[k], out);
        buf_str(out, ")\n");
    }
    if (n > SETS_MOST) {
        buf_fill(out, ' ', o->indent);
        buf_str(out, "and more\n");
    }
}

static bool boxes_do(const struct topo *t, const struct health *h) {
    for (unsigned i = 0; i < t->n; i++) {
        if (!is_complete(h, island_of(h, i))) {
            return false;
        }
    }
    return t->n <= BOXES_MOST;
}

static size_t box_columns(const struct topo *t) {
    char name[16];
    return (size_t)snprintf(name, sizeof name, "GPU%u", t->gpu[t->n - 1].index) + 4;
}

void draw_picture(const struct topo *t, const struct health *h, const struct draw_opts *o,
                  struct buf *out) {
    if (!t->n || !boxes_do(t, h)) {
        put_sets(t, h, o, out);
        return;
    }
    struct picture p = {.t = t, .h = h, .o = o, .box = box_columns(t)};
    p.g = o->ascii ? &glyphs_ascii : &glyphs_unicode;
    for (unsigned r = 0; r < ROWS; r++) {
        p.row[r] = BUF_OVER(p.text[r]);
    }
    struct gpuset left = h->all;
    while (!gpuset_empty(left)) {
        struct gpuset island = island_of(h, gpuset_next(left, 0));
        put_island(&p, island, out);
        left = gpuset_minus(left, island);
    }
    flush(&p, out);
    for (left = h->all; !gpuset_empty(left);) {
        struct gpuset island = island_of(h, gpuset_next(left, 0));
        put_odd_pairs(&p, island, out);
        left = gpuset_minus(left, island);
    }
}
