#include <stdio.h>
#include <string.h>

#include "topology/draw_inner.h"

#define GAP 2

/* The widest cell or heading, so that columns line up. */
static size_t cell_width(const struct topo *t, const struct health *h) {
    size_t width = strlen("DOWN");
    for (unsigned i = 0; i < t->n; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "GPU%u", t->gpu[i].index);
        width = (size_t)n > width ? (size_t)n : width;
        for (unsigned j = 0; j < t->n; j++) {
            char word[DRAW_WORD_MAX];
            draw_pair_word(t, h, i, j, word);
            size_t len = i == j ? 1 : strlen(word);
            width = len > width ? len : width;
        }
    }
    return width;
}

/* A cell and the blanks that belong before it; trailing blanks are left out. */
struct cursor {
    struct buf *out;
    size_t owed;
};

static void put_cell(struct cursor *c, const struct draw_opts *o, enum draw_colour colour,
                     const char *word, size_t width) {
    buf_fill(c->out, ' ', c->owed);
    draw_text(o, colour, word, c->out);
    size_t len = strlen(word);
    c->owed = GAP + (len < width ? width - len : 0);
}

static void put_heading(const struct topo *t, const struct draw_opts *o, size_t width,
                        struct buf *out) {
    struct cursor c = {out, o->indent + width + GAP};
    for (unsigned j = 0; j < t->n; j++) {
        char name[16];
        (void)snprintf(name, sizeof name, "GPU%u", t->gpu[j].index);
        put_cell(&c, o, DRAW_PLAIN, name, width);
    }
    buf_char(out, '\n');
}

/* What stands behind the last cell: in use or free, the reason of a block, the mark of the set. */
static void put_notes(const struct topo *t, const struct health *h, const struct draw_opts *o,
                      unsigned i, struct cursor *c) {
    char text[GPU_FAULT_MAX + 16];
    struct buf note = BUF_OVER(text);
    draw_block_note(t, h, i, &note);
    if (o->show_use) {
        bool busy = gpuset_has(o->busy, i);
        put_cell(c, o, busy ? DRAW_WARN : DRAW_GOOD, busy ? "busy" : "free", 4);
    }
    if (note.n) {
        put_cell(c, o, DRAW_BAD, text, note.n);
    }
    if (gpuset_has(o->marked, i)) {
        put_cell(c, o, DRAW_PLAIN, "<", 1);
    }
}

static void put_row(const struct topo *t, const struct health *h, const struct draw_opts *o,
                    unsigned i, struct cursor *c, size_t width) {
    char word[16];
    (void)snprintf(word, sizeof word, "GPU%u", t->gpu[i].index);
    put_cell(c, o, DRAW_PLAIN, word, width);
    for (unsigned j = 0; j < t->n; j++) {
        if (i == j) {
            put_cell(c, o, DRAW_FAINT, " .", width);
            continue;
        }
        char pair[DRAW_WORD_MAX];
        draw_pair_word(t, h, i, j, pair);
        put_cell(c, o, draw_pair_colour(h, i, j), pair, width);
    }
    put_notes(t, h, o, i, c);
}

void draw_matrix(const struct topo *t, const struct health *h, const struct draw_opts *o,
                 struct buf *out) {
    size_t width = cell_width(t, h);
    put_heading(t, o, width, out);
    for (unsigned i = 0; i < t->n; i++) {
        struct cursor c = {out, o->indent};
        put_row(t, h, o, i, &c, width);
        buf_char(out, '\n');
    }
}
