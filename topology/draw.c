#include "topology/draw.h"

#include <stdio.h>
#include <string.h>

#include "topology/draw_inner.h"
#include "topology/fit.h"
#include "topology/product.h"

void draw_pair_word(const struct topo *t, const struct health *h, unsigned a, unsigned b,
                    char out[static DRAW_WORD_MAX]) {
    char word[8];
    struct buf text = buf_over(out, DRAW_WORD_MAX);
    switch ((enum pair_state)h->pair[a][b]) {
    case PAIR_DEGRADED:
        buf_u64(&text, t->wire[a][b].lanes);
        buf_char(&text, '/');
        buf_u64(&text, t->expected[a][b]);
        return;
    case PAIR_DOWN:
        buf_str(&text, "DOWN");
        return;
    case PAIR_ASYMMETRIC:
        buf_str(&text, "ASYM");
        return;
    case PAIR_UNKNOWN:
        buf_char(&text, '?');
        return;
    case PAIR_HEALTHY:
    case PAIR_ABSENT:
    case PAIR_STATE_COUNT:
        break;
    }
    buf_str(&text, wire_word(t->wire[a][b], word));
}

enum draw_colour draw_pair_colour(const struct health *h, unsigned a, unsigned b) {
    static const enum draw_colour colours[PAIR_STATE_COUNT] = {
        [PAIR_UNKNOWN] = DRAW_WARN, [PAIR_HEALTHY] = DRAW_GOOD, [PAIR_DEGRADED] = DRAW_WARN,
        [PAIR_DOWN] = DRAW_BAD,     [PAIR_ABSENT] = DRAW_FAINT, [PAIR_ASYMMETRIC] = DRAW_BAD,
    };
    return h->pair[a][b] < PAIR_STATE_COUNT ? colours[h->pair[a][b]] : DRAW_PLAIN;
}

void draw_text(const struct draw_opts *o, enum draw_colour c, const char *text, struct buf *out) {
    static const char *const codes[] = {
        [DRAW_PLAIN] = "",       [DRAW_GOOD] = "\x1b[32m", [DRAW_WARN] = "\x1b[33m",
        [DRAW_BAD] = "\x1b[31m", [DRAW_FAINT] = "\x1b[2m",
    };
    bool dye = o->colour && c != DRAW_PLAIN;
    buf_str(out, dye ? codes[c] : "");
    buf_str(out, text);
    buf_str(out, dye ? "\x1b[0m" : "");
}

bool draw_is_wired(const struct health *h, unsigned a, unsigned b) {
    return a != b && h->pair[a][b] != PAIR_ABSENT && h->pair[a][b] != PAIR_UNKNOWN;
}

void draw_block_note(const struct topo *t, const struct health *h, unsigned i, struct buf *out) {
    switch ((enum gpu_block)h->block[i]) {
    case BLOCK_FAULT:
        buf_fmt(out, "fault: %s", t->gpu[i].fault);
        break;
    case BLOCK_MIG:
        buf_str(out, "MIG");
        break;
    case BLOCK_FABRIC:
        buf_fmt(out, "fabric %s", fabric_name((enum fabric_state)t->gpu[i].fabric));
        break;
    case BLOCK_CORDONED:
        buf_str(out, "cordoned");
        break;
    case BLOCK_NONE:
    case GPU_BLOCK_COUNT:
        break;
    }
}

bool draw_is_cut_off(const struct health *h, unsigned i) {
    unsigned wired = 0;
    for (unsigned j = 0; j < h->n; j++) {
        if (draw_is_wired(h, i, j)) {
            wired++;
            if (h->pair[i][j] != PAIR_DOWN) {
                return false;
            }
        }
    }
    /* One dead pair is the pair's matter, not the GPU's. */
    return wired > 1;
}

/* Neighbours in a set, from which on "a..b" reads better than a list. */
#define RUN_LEAST 4

void draw_set(const struct topo *t, struct gpuset s, struct buf *out) {
    s = gpuset_and(s, gpuset_first(t->n));
    const char *sep = "";
    while (!gpuset_empty(s)) {
        unsigned first = gpuset_next(s, 0);
        unsigned end = first;
        while (gpuset_has(s, end) && t->gpu[end].index == t->gpu[first].index + (end - first)) {
            end++;
        }
        bool run = end - first >= RUN_LEAST;
        buf_fmt(out, "%s%u", sep, t->gpu[first].index);
        if (run) {
            buf_fmt(out, "..%u", t->gpu[end - 1].index);
        }
        for (unsigned i = first; i < (run ? end : first + 1); i++) {
            s = gpuset_without(s, i);
        }
        sep = ",";
    }
}

/* ---- the summary line ---- */

/* Names that one summary lists before it says "and N more". */
#define LIST_MOST 4

static struct span product_shown(const struct topo *t, unsigned i) {
    struct span name = span_of(t->gpu[i].product);
    const struct product *p = product_find(name);
    return p ? span_of(p->shown) : name;
}

/* "3 x A100 SXM + 1 x A100 PCIe", "8 GPUs" when nobody told their product. */
static void put_products(const struct topo *t, struct buf *out) {
    struct gpuset left = gpuset_first(t->n);
    const char *sep = "";
    while (!gpuset_empty(left)) {
        struct span name = product_shown(t, gpuset_next(left, 0));
        unsigned count = 0;
        for (unsigned i = 0; i < t->n; i++) {
            if (gpuset_has(left, i) && span_eq(product_shown(t, i), name)) {
                left = gpuset_without(left, i);
                count++;
            }
        }
        buf_str(out, sep);
        if (name.n) {
            buf_fmt(out, "%u x " SPAN_FMT, count, SPAN_ARG(name));
        } else {
            buf_fmt(out, "%u GPU%s", count, count == 1 ? "" : "s");
        }
        sep = " + ";
    }
}

/* ", NVLink pair 2-3 healthy", ", NVLink among all 8 healthy". */
static void put_sets(const struct topo *t, const struct health *h, struct buf *out) {
    struct gpuset sets[LIST_MOST + 1];
    unsigned n = fit_sets(h, FIT_NOW, h->all, sets, LIST_MOST + 1);
    if (!n) {
        return;
    }
    if (gpuset_count(sets[0]) == t->n && t->n > 2) {
        buf_fmt(out, ", NVLink among all %u healthy", t->n);
        return;
    }
    bool pairs = gpuset_count(sets[0]) == 2;
    buf_fmt(out, ", NVLink %s%s ", pairs ? "pair" : "set", n > 1 ? "s" : "");
    for (unsigned k = 0; k < n && k < LIST_MOST; k++) {
        unsigned a = gpuset_next(sets[k], 0);
        buf_str(out, k == 0 ? "" : k + 1 == n ? " and " : ", ");
        if (gpuset_count(sets[k]) == 2) {
            buf_fmt(out, "%u-%u", t->gpu[a].index, t->gpu[gpuset_next(sets[k], a + 1)].index);
        } else {
            buf_char(out, '{');
            draw_set(t, sets[k], out);
            buf_char(out, '}');
        }
    }
    buf_str(out, n > LIST_MOST ? " and more healthy" : " healthy");
}

/* ", 0-1 down, 4-5 degraded (8 of 12)". A GPU that lost all its peers is named once. */
static void put_faulty_pairs(const struct topo *t, const struct health *h, enum pair_state state,
                             struct buf *out) {
    unsigned n = 0;
    for (unsigned a = 0; a < h->n; a++) {
        for (unsigned b = a + 1; b < h->n; b++) {
            bool named = state == PAIR_DOWN && (draw_is_cut_off(h, a) || draw_is_cut_off(h, b));
            if (h->pair[a][b] != state || named || n++ >= LIST_MOST) {
                continue;
            }
            buf_fmt(out, "%s%u-%u", n > 1 ? " " : ", ", t->gpu[a].index, t->gpu[b].index);
        }
    }
    if (n > LIST_MOST) {
        buf_fmt(out, " and %u more", n - LIST_MOST);
    }
    if (n) {
        buf_fmt(out, " %s", pair_state_name(state));
    }
}

static void put_blocked(const struct topo *t, const struct health *h, struct buf *out) {
    static const char *const blocks[GPU_BLOCK_COUNT] = {
        [BLOCK_FAULT] = "fault on",
        [BLOCK_MIG] = "MIG on",
        [BLOCK_FABRIC] = "fabric not completed on",
        [BLOCK_CORDONED] = "cordoned:",
    };
    struct gpuset cut = gpuset_none();
    for (unsigned i = 0; i < h->n; i++) {
        cut = draw_is_cut_off(h, i) ? gpuset_with(cut, i) : cut;
    }
    if (!gpuset_empty(cut)) {
        buf_fmt(out, ", GPU%s ", gpuset_count(cut) > 1 ? "s" : "");
        draw_set(t, cut, out);
        buf_str(out, " down to all peers");
    }
    for (unsigned b = BLOCK_FAULT; b < GPU_BLOCK_COUNT; b++) {
        struct gpuset s = gpuset_none();
        for (unsigned i = 0; i < h->n; i++) {
            s = h->block[i] == b ? gpuset_with(s, i) : s;
        }
        if (!gpuset_empty(s)) {
            buf_fmt(out, ", %s GPU ", blocks[b]);
            draw_set(t, s, out);
        }
    }
}

void draw_summary(const struct topo *t, const struct health *h, struct buf *out) {
    static const enum pair_state faults[] = {PAIR_DOWN, PAIR_DEGRADED, PAIR_ASYMMETRIC,
                                             PAIR_UNKNOWN};
    put_products(t, out);
    if (h->any_unknown && !h->any_nvlink) {
        buf_str(out, ", wiring unknown");
        return;
    }
    if (t->n == 1) {
        buf_str(out, ", nothing to pair it with");
    } else if (!h->any_nvlink) {
        buf_str(out, ", no NVLink");
    }
    put_sets(t, h, out);
    for (unsigned i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        put_faulty_pairs(t, h, faults[i], out);
    }
    put_blocked(t, h, out);
}
