/* Matrix and link facts together: who is down to fewer links than the matrix says, and what each
 * pair should have. `topo -m` counts links without asking whether they are up, and `nvlink
 * --status` knows the GPU's own links without saying where they lead. */
#include <stdio.h>

#include "topology/product.h"
#include "topology/smi.h"
#include "topology/smi_text.h"

/* Links of one GPU, of any product up to GB200: more lanes in one row than this go through
 * NVSwitch, where each link serves every peer. */
#define GPU_LINKS_MOST 18

static bool is_linked(const struct topo *t, unsigned i, unsigned j) {
    return i != j && (t->wire[i][j].kind == WIRE_NVLINK || t->wire[j][i].kind == WIRE_NVLINK);
}

static unsigned lanes_of(const struct topo *t, unsigned i, unsigned j) {
    unsigned a = t->wire[i][j].lanes;
    unsigned b = t->wire[j][i].lanes;
    return a > b ? a : b;
}

static unsigned count_peers(const struct topo *t, unsigned i) {
    unsigned n = 0;
    for (unsigned j = 0; j < t->n; j++) {
        n += is_linked(t, i, j);
    }
    return n;
}

/* Lanes seen among GPUs of one kind. */
struct seen {
    unsigned most;
    unsigned fewest; /* among the linked pairs */
    unsigned linked; /* pairs */
};

/* What is asked of a matrix over and over. */
struct board {
    const struct product *product[GPU_MAX]; /* NULL: not known */
    unsigned peers[GPU_MAX];                /* GPUs that it has NVLink to */
    struct seen kin[GPU_MAX];               /* among the GPUs of the same product */
    unsigned kin_count[GPU_MAX];
    struct seen all;
};

static void note_seen(struct seen *s, unsigned lanes) {
    if (lanes) {
        s->linked++;
        s->most = lanes > s->most ? lanes : s->most;
        s->fewest = !s->fewest || lanes < s->fewest ? lanes : s->fewest;
    }
}

static struct seen look_at_kin(const struct topo *t, const struct board *b, unsigned gpu) {
    struct seen s = {0};
    for (unsigned i = 0; i < t->n; i++) {
        for (unsigned j = i + 1; j < t->n; j++) {
            bool kin = b->product[i] == b->product[gpu] && b->product[j] == b->product[gpu];
            note_seen(&s, kin && is_linked(t, i, j) ? lanes_of(t, i, j) : 0);
        }
    }
    return s;
}

static void look(const struct topo *t, struct board *b) {
    memset(b, 0, sizeof *b);
    for (unsigned i = 0; i < t->n; i++) {
        b->product[i] = product_find(span_of(t->gpu[i].product));
        b->peers[i] = count_peers(t, i);
        for (unsigned j = i + 1; j < t->n; j++) {
            note_seen(&b->all, is_linked(t, i, j) ? lanes_of(t, i, j) : 0);
        }
    }
    for (unsigned i = 0; i < t->n; i++) {
        b->kin[i] = look_at_kin(t, b, i);
        for (unsigned j = 0; j < t->n; j++) {
            b->kin_count[i] += b->product[i] == b->product[j];
        }
    }
}

/* Boards with NVSwitch carry all links of a GPU to every peer, boards without divide them (four
 * GPUs: a third each), so that half of the links tells one from the other, damage included. */
static bool goes_through_switch(const struct board *b, unsigned i) {
    const struct product *p = b->product[i];
    return p && p->build == NVLINK_SWITCH && b->kin[i].most * 2 > p->lanes_pair;
}

/* The most that was seen, or what the product has behind NVSwitch where all are short of it. */
static unsigned switch_lanes(const struct board *b, unsigned i) {
    unsigned most = b->kin[i].most;
    unsigned full = most && !goes_through_switch(b, i) ? 0 : b->product[i]->lanes_pair;
    unsigned lanes = full > most ? full : most;
    return lanes ? lanes : EXPECTED_UNKNOWN;
}

/* Soldered boards without NVSwitch. V100 boards mix NV1 and NV2 by design, and the cube mesh has
 * pairs without a wire: there only a board that is nearly all uniform tells what is missing. */
static unsigned mesh_lanes(const struct board *b, unsigned i) {
    const struct seen *s = &b->kin[i];
    unsigned pairs = b->kin_count[i] * (b->kin_count[i] - 1) / 2;
    bool plain = b->product[i]->lanes_pair || s->most == s->fewest;
    return plain && s->linked * 2 > pairs ? s->most : EXPECTED_UNKNOWN;
}

/* A bridge joins two cards with all lanes, or four with a share to each. Which cards ever had one
 * only a baseline can tell: a pair without NVLink stays unknown. */
static unsigned bridge_lanes(const struct topo *t, const struct board *b, unsigned i, unsigned j) {
    const struct product *p = b->product[i];
    bool four = b->peers[i] > 1 || b->peers[j] > 1;
    unsigned lanes = four ? p->lanes_mesh : p->lanes_pair;
    return lanes && is_linked(t, i, j) ? lanes : EXPECTED_UNKNOWN;
}

static bool has_no_nvlink(const struct topo *t, const struct board *b, unsigned i) {
    const struct product *p = b->product[i];
    return t->gpu[i].links.state == LINKS_NONE || (p && p->build == NVLINK_NONE);
}

static unsigned product_lanes(const struct topo *t, const struct board *b, unsigned i, unsigned j) {
    const struct product *p = b->product[i];
    if (!is_linked(t, i, j) && (has_no_nvlink(t, b, i) || has_no_nvlink(t, b, j))) {
        return 0;
    }
    if (!p || p != b->product[j] || p->build == NVLINK_NONE) {
        return EXPECTED_UNKNOWN;
    }
    if (p->build == NVLINK_BRIDGE) {
        return bridge_lanes(t, b, i, j);
    }
    return p->build == NVLINK_SWITCH ? switch_lanes(b, i) : mesh_lanes(b, i);
}

/* Without products only one shape is safe to complete: every GPU that has NVLink has it to most of
 * the others (so it is no bridge pair and no island), with lanes beyond the cube mesh's 1 and 2. */
static bool is_mostly_linked(const struct topo *t, const struct board *b) {
    for (unsigned i = 0; i < t->n; i++) {
        if (b->peers[i] && b->peers[i] * 2 <= t->n - 1U) {
            return false;
        }
    }
    return t->n > 2 && b->all.most > 2;
}

static bool has_more_lanes_than_links(const struct topo *t, const struct board *b) {
    return b->all.most * (t->n - 1U) > GPU_LINKS_MOST;
}

/* Behind NVSwitch a GPU without any NVLink is down; on a board without switch it may be another
 * card (the display GPU of a DGX Station). */
static void expect_by_shape(struct topo *t, const struct board *b) {
    bool all = has_more_lanes_than_links(t, b);
    bool on_board[GPU_MAX] = {false};
    for (unsigned i = 0; i < t->n; i++) {
        bool bridge = b->product[i] && b->product[i]->build == NVLINK_BRIDGE;
        on_board[i] = (all || b->peers[i]) && !bridge && !has_no_nvlink(t, b, i);
    }
    for (unsigned i = 0; i < t->n; i++) {
        for (unsigned j = i + 1; j < t->n; j++) {
            if (on_board[i] && on_board[j] && t->expected[i][j] == EXPECTED_UNKNOWN) {
                topo_set_expected(t, i, j, b->all.most);
            }
        }
    }
}

static void expect_by_board(struct topo *t, const struct board *b) {
    bool nameless = false;
    for (unsigned i = 0; i < t->n; i++) {
        nameless = nameless || !b->product[i];
        for (unsigned j = i + 1; j < t->n; j++) {
            if (t->expected[i][j] == EXPECTED_UNKNOWN) {
                topo_set_expected(t, i, j, product_lanes(t, b, i, j));
            }
        }
    }
    if (nameless && is_mostly_linked(t, b)) {
        expect_by_shape(t, b);
    }
}

void smi_expect(struct topo *t) {
    struct board b;
    look(t, &b);
    expect_by_board(t, &b);
}

static bool is_switched(const struct topo *t, const struct board *b) {
    unsigned known = 0;
    for (unsigned i = 0; i < t->n; i++) {
        known += b->product[i] != NULL;
        bool other = b->product[i] && (b->product[i]->build != NVLINK_SWITCH ||
                                       (b->kin[i].linked && !goes_through_switch(b, i)));
        if (other) {
            return false;
        }
    }
    return (known == t->n && b->all.linked) ||
           (is_mostly_linked(t, b) && has_more_lanes_than_links(t, b));
}

/* ---- both texts together ---- */

static bool check_agreement(const struct topo *t, const struct smi_links *links, struct err *e) {
    for (unsigned k = 0; k < links->n; k++) {
        int at = topo_find_index(t, links->gpu[k].index);
        if (at < 0) {
            return err_set(e, ERR_INPUT,
                           "the link text names GPU %u, which the matrix does not have: wants two "
                           "texts of one machine",
                           links->gpu[k].index);
        }
        if (links->gpu[k].links.state == LINKS_NONE && count_peers(t, (unsigned)at)) {
            return err_set(e, ERR_INPUT,
                           "the link text says that GPU %u has no NVLink, the matrix shows some: "
                           "wants two texts of one machine",
                           links->gpu[k].index);
        }
    }
    for (unsigned i = 0; links->none && i < t->n; i++) {
        if (!count_peers(t, i)) {
            continue;
        }
        return err_set(e, ERR_INPUT,
                       "the link text says \"No NVLink devices found\", the matrix "
                       "shows NVLink: wants two texts of one machine");
    }
    return true;
}

static void take_links(struct topo *t, const struct smi_links *links) {
    for (unsigned i = 0; links->none && i < t->n; i++) {
        t->gpu[i].links.state = LINKS_NONE;
    }
    for (unsigned k = 0; k < links->n; k++) {
        struct gpu *g = &t->gpu[topo_find_index(t, links->gpu[k].index)];
        memcpy(g->uuid, links->gpu[k].uuid, sizeof g->uuid);
        memcpy(g->product, links->gpu[k].product, sizeof g->product);
        g->links.state = links->gpu[k].links.state;
        if (g->links.state == LINKS_LISTED) {
            g->links = links->gpu[k].links;
        }
    }
}

/* Anonymised texts give every GPU the same UUID: then it names none. */
static void drop_doubled_uuids(struct topo *t) {
    bool doubled[GPU_MAX] = {false};
    for (unsigned i = 0; i < t->n; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (t->gpu[i].uuid[0] && strcmp(t->gpu[i].uuid, t->gpu[j].uuid) == 0) {
                doubled[i] = doubled[j] = true;
            }
        }
    }
    for (unsigned i = 0; i < t->n; i++) {
        if (doubled[i]) {
            memset(t->gpu[i].uuid, 0, sizeof t->gpu[i].uuid);
        }
    }
}

/* Links up on this GPU; LANES_MAX when nobody told. */
static unsigned links_up(const struct topo *t, unsigned i) {
    const struct gpu_links *l = &t->gpu[i].links;
    return l->state == LINKS_LISTED ? l->on : l->state == LINKS_ALL_INACTIVE ? 0 : LANES_MAX;
}

static void limit_wire(struct wire *w, unsigned up) {
    if (w->kind == WIRE_NVLINK && w->lanes > up) {
        *w = up ? (struct wire){WIRE_NVLINK, (uint8_t)up} : (struct wire){WIRE_SYS, 0};
    }
}

/* A pair has at most as many lanes as either GPU has links up; what the matrix said was there once
 * becomes the expectation. Which PCIe level lies under a dead NVLink the matrix does not say: SYS,
 * the slowest, promises nothing. Each direction by itself: a disagreement stays one. */
static void limit_lanes(struct topo *t) {
    for (unsigned i = 0; i < t->n; i++) {
        for (unsigned j = i + 1; j < t->n; j++) {
            unsigned up = links_up(t, i) < links_up(t, j) ? links_up(t, i) : links_up(t, j);
            unsigned said = lanes_of(t, i, j);
            if (said > up && t->expected[i][j] == EXPECTED_UNKNOWN) {
                topo_set_expected(t, i, j, said);
            }
            limit_wire(&t->wire[i][j], up);
            limit_wire(&t->wire[j][i], up);
        }
    }
}

bool smi_build(struct topo *t, const struct smi_links *links, struct err *e) {
    if (links && !check_agreement(t, links, e)) {
        return false;
    }
    if (links) {
        take_links(t, links);
        drop_doubled_uuids(t);
    }
    struct board b;
    look(t, &b);
    t->nvswitch = t->nvswitch || is_switched(t, &b);
    expect_by_board(t, &b);
    limit_lanes(t);
    return true;
}

bool smi_read(struct span topo_text, struct span nvlink_text, int64_t observed_at, struct topo *out,
              struct err *e) {
    struct topo t;
    struct smi_links links;
    bool asked = span_trim(nvlink_text).n > 0;
    if (!smi_read_topo(topo_text, &t, e)) {
        return false;
    }
    if (asked && !smi_read_nvlink(nvlink_text, &links, e)) {
        return err_wrap(e, "nvlink text: ");
    }
    if (!smi_build(&t, asked ? &links : NULL, e)) {
        return false;
    }
    t.observed_at = observed_at;
    (void)smi_copy(t.source, sizeof t.source, SPAN("nvidia-smi"));
    *out = t;
    return true;
}
