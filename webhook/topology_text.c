/* The same for people: what it is, the matrix, the picture, and then what follows from it. */
#include <stdio.h>

#include "topology/fit.h"
#include "topology/product.h"
#include "webhook/core/workload.h"
#include "webhook/topology.h"

#define MATRIX_MOST 16 /* GPUs; a wider matrix wraps on every terminal */
#define INDENT      2
#define SETS_SHOWN  8
#define NOTE_MAX    160

static void put_key(struct buf *out, const char *key) {
    buf_fmt(out, "  %-13s", key);
}

static void put_sets(const struct topology_view *v, struct buf *out) {
    struct gpuset sets[SETS_SHOWN + 1];
    unsigned n = fit_sets(&v->health, FIT_NOW, v->health.all, sets, SETS_SHOWN + 1);
    put_key(out, "NVLink sets");
    if (!n) {
        buf_str(out, v->health.any_unknown ? "unknown\n" : "none\n");
        return;
    }
    for (unsigned i = 0; i < n && i < SETS_SHOWN; i++) {
        buf_char(out, '{');
        draw_set(&v->topo, sets[i], out);
        buf_str(out, "}  ");
    }
    buf_fmt(out, "%slargest %u\n", n > SETS_SHOWN ? "...  " : "", gpuset_count(sets[0]));
}

static void put_stranded(const struct topology_view *v, struct buf *out) {
    struct gpuset alone = fit_stranded(&v->health, v->health.all);
    if (gpuset_empty(alone) || !v->health.any_nvlink) {
        return;
    }
    put_key(out, "TP=1 first");
    draw_set(&v->topo, alone, out);
    buf_str(out, "  (in no healthy pair)\n");
}

static void put_labels(const struct topology_view *v, struct buf *out) {
    struct health_labels l = health_label(&v->health);
    put_key(out, "labels");
    buf_fmt(out, LABEL_NVLINK "=%s  " LABEL_NVLINK_SET "=%u\n", l.nvlink, l.nvlink_set);
}

/* ---- links ---- */

static void note_listed(const struct gpu_links *l, const struct product *p, struct buf *out) {
    buf_fmt(out, "%u of %u up", l->on, l->listed);
    if (l->mbps) {
        buf_fmt(out, ", %u.%03u GB/s each", l->mbps / 1000, l->mbps % 1000);
    }
    if (p && p->links_on && l->on < p->links_on) {
        buf_fmt(out, ": %u is full for %s", p->links_on, p->shown);
    } else if (p && p->links_on && l->on < l->listed) {
        buf_fmt(out, ": full for %s", p->shown);
    }
}

static void note_inactive(const struct product *p, struct buf *out) {
    buf_str(out, "all links inactive");
    if (p && p->build == NVLINK_BRIDGE) {
        buf_fmt(out, ": no bridge fitted on this %s, or it is down", p->shown);
    } else if (p && p->build != NVLINK_NONE) {
        buf_fmt(out, ": a fault, %s has its links on the board", p->shown);
    }
}

static void note_links(const struct topology_view *v, unsigned i, struct buf *out) {
    const struct gpu_links *l = &v->links.gpu[i].links;
    int at = topo_find_index(&v->topo, v->links.gpu[i].index);
    const struct product *p = at < 0 ? NULL : product_find(span_of(v->topo.gpu[at].product));
    if (v->links.gpu[i].incomplete) {
        buf_fmt(out, "unknown: %u lines printed, %u of them up, others are missing", l->listed,
                l->on);
    } else if (l->state == LINKS_LISTED) {
        note_listed(l, p, out);
    } else if (l->state == LINKS_ALL_INACTIVE) {
        note_inactive(p, out);
    } else if (l->state == LINKS_NONE) {
        buf_str(out, "no NVLink on this GPU");
    }
}

/* GPUs of which the same is said share a line. */
static void put_links(const struct topology_view *v, struct buf *out) {
    bool done[GPU_MAX] = {false};
    const char *key = "links";
    for (unsigned i = 0; i < v->links.n; i++) {
        char text[NOTE_MAX];
        struct buf note = BUF_OVER(text);
        note_links(v, i, &note);
        if (done[i] || !note.n) {
            continue;
        }
        put_key(out, key);
        struct gpuset same = gpuset_none();
        for (unsigned j = i; j < v->links.n; j++) {
            char other[NOTE_MAX];
            struct buf again = BUF_OVER(other);
            note_links(v, j, &again);
            int at = topo_find_index(&v->topo, v->links.gpu[j].index);
            if (at >= 0 && strcmp(text, other) == 0) {
                done[j] = true;
                same = gpuset_with(same, (unsigned)at);
            }
        }
        buf_str(out, "GPU ");
        draw_set(&v->topo, same, out);
        buf_fmt(out, ": %s\n", text);
        key = "";
    }
}

void topology_text(const struct topology_view *v, const struct topology_style *s, struct buf *out) {
    struct draw_opts o = {.colour = s->colour, .ascii = s->ascii, .indent = INDENT};
    draw_summary(&v->topo, &v->health, out);
    buf_char(out, '\n');
    if (v->has_wires && v->topo.n > 1) {
        if (v->topo.n <= MATRIX_MOST) {
            buf_char(out, '\n');
            draw_matrix(&v->topo, &v->health, &o, out);
        }
        if (v->health.any_nvlink) {
            buf_char(out, '\n');
            draw_picture(&v->topo, &v->health, &o, out);
        }
    }
    buf_char(out, '\n');
    if (v->has_wires) {
        put_sets(v, out);
        put_stranded(v, out);
        put_labels(v, out);
    }
    put_links(v, out);
}

void topology_products(struct buf *out) {
    static const char *const builds[NVLINK_BUILD_COUNT] = {
        [NVLINK_NONE] = "PCIe only",
        [NVLINK_BRIDGE] = "bridge",
        [NVLINK_MESH] = "board without switch",
        [NVLINK_SWITCH] = "NVSwitch",
    };
    unsigned n = 0;
    const struct product *rows = product_table(&n);
    buf_fmt(out, "%-18s %-18s %-22s %s\n", "WORD", "PRODUCT", "NVLINK", "MEMORY");
    for (unsigned i = 0; i < n; i++) {
        char lanes[40] = "";
        if (rows[i].lanes_pair) {
            (void)snprintf(lanes, sizeof lanes, ", NV%u", rows[i].lanes_pair);
        }
        char wiring[64];
        (void)snprintf(wiring, sizeof wiring, "%s%s", builds[rows[i].build], lanes);
        buf_fmt(out, "%-18s %-18s %-22s %u GiB\n", rows[i].synth, rows[i].shown, wiring,
                (rows[i].memory_mib + 512) / 1024);
    }
}
