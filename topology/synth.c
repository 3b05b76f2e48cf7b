/* "4xH100-NVL down=0-1" -> struct topo. The words are first sorted into what shapes the machine
 * (bridges, cpu) and what then happens to it, so that their order does not matter. */
#include "topology/synth.h"

#include <stdio.h>

#include "topology/synth_machine.h"

static const char *shown(struct span s, char out[static 48]) {
    bool plain = s.n > 0;
    for (size_t i = 0; i < s.n; i++) {
        plain = plain && s.p[i] >= ' ' && s.p[i] <= '~';
    }
    (void)snprintf(out, 48, "%.*s%s", plain ? (int)(s.n > 40 ? 40 : s.n) : 0, plain ? s.p : "",
                   s.n > 40 ? "..." : "");
    return out;
}

static bool wants(struct err *e, struct span word, const char *what) {
    char text[48];
    return err_set(e, ERR_INPUT, "synthetic machine: wants %s, found \"%s\"", what,
                   shown(word, text));
}

static bool read_gpu(const struct machine *m, struct span s, unsigned *out) {
    uint32_t v = 0;
    if (!span_u32(s, m->n - 1, &v)) {
        return false;
    }
    *out = v;
    return true;
}

static bool read_pair(const struct machine *m, struct span s, unsigned *a, unsigned *b) {
    unsigned x = 0;
    unsigned y = 0;
    struct span first = span_cut(&s, '-');
    if (!read_gpu(m, first, &x) || !read_gpu(m, s, &y) || x == y) {
        return false;
    }
    *a = x;
    *b = y;
    return true;
}

typedef bool apply_fn(struct machine *m, struct span item, struct err *e);

static bool apply_bridge(struct machine *m, struct span item, struct err *e) {
    unsigned a = 0;
    unsigned b = 0;
    bool fits = m->product->build == NVLINK_BRIDGE && m->product->lanes_pair;
    if (!fits || !read_pair(m, item, &a, &b)) {
        return wants(e, item,
                     "bridges=A-B with two GPUs of the machine, on a product with bridges");
    }
    for (unsigned j = 0; j < m->n; j++) {
        if (m->topo.expected[a][j] || m->topo.expected[b][j]) {
            return wants(e, item, "one bridge a GPU");
        }
    }
    machine_fit_pair(m, a, b, m->product->lanes_pair);
    return true;
}

static bool apply_down(struct machine *m, struct span item, struct err *e) {
    unsigned a = 0;
    unsigned b = 0;
    if (!read_pair(m, item, &a, &b) || !m->topo.expected[a][b]) {
        return wants(e, item, "down=A-B with two GPUs that have NVLink between them");
    }
    machine_set_pair(m, a, b, 0);
    return true;
}

static bool apply_lanes(struct machine *m, struct span item, struct err *e) {
    struct span rest = item;
    struct span pair = span_cut(&rest, ':');
    unsigned a = 0;
    unsigned b = 0;
    uint32_t lanes = 0;
    if (!read_pair(m, pair, &a, &b) || !span_u32(rest, m->topo.expected[a][b], &lanes) || !lanes) {
        return wants(e, item, "lanes=A-B:N with N from 1 to the lanes that the pair has");
    }
    machine_set_pair(m, a, b, lanes);
    return true;
}

static void set_direction(struct machine *m, unsigned from, unsigned to, unsigned lanes) {
    m->topo.wire[from][to] =
        (struct wire){.kind = (uint8_t)(lanes ? WIRE_NVLINK : machine_pcie_level(m, from, to)),
                      .lanes = (uint8_t)lanes};
}

static bool apply_asym(struct machine *m, struct span item, struct err *e) {
    struct span rest = item;
    struct span pair = span_cut(&rest, ':');
    struct span there = span_cut(&rest, '/');
    unsigned a = 0;
    unsigned b = 0;
    uint32_t ab = 0;
    uint32_t ba = 0;
    if (!read_pair(m, pair, &a, &b) || !span_u32(there, LANES_MAX, &ab) ||
        !span_u32(rest, LANES_MAX, &ba) || ab == ba) {
        return wants(e, item, "asym=A-B:N/M with two lane counts that differ");
    }
    set_direction(m, a, b, ab);
    set_direction(m, b, a, ba);
    return true;
}

static bool apply_unknown(struct machine *m, struct span item, struct err *e) {
    unsigned a = 0;
    unsigned b = 0;
    if (!read_pair(m, item, &a, &b)) {
        return wants(e, item, "unknown=A-B with two GPUs of the machine");
    }
    topo_set_wire(&m->topo, a, b, WIRE_UNKNOWN, 0);
    return true;
}

static bool apply_mig(struct machine *m, struct span item, struct err *e) {
    unsigned i = 0;
    if (!read_gpu(m, item, &i)) {
        return wants(e, item, "mig=N with a GPU of the machine");
    }
    m->topo.gpu[i].mig = TRI_YES;
    return true;
}

static bool apply_fault(struct machine *m, struct span item, struct err *e) {
    unsigned i = 0;
    if (!read_gpu(m, item, &i)) {
        return wants(e, item, "fault=N with a GPU of the machine");
    }
    (void)snprintf(m->topo.gpu[i].fault, sizeof m->topo.gpu[i].fault, "Xid 79: fell off the bus");
    return true;
}

static bool apply_fabric(struct machine *m, struct span item, struct err *e) {
    enum fabric_state f = FABRIC_UNKNOWN;
    if (!m->topo.nvswitch || !fabric_parse(item.p, (unsigned)item.n, &f)) {
        return wants(e, item,
                     "fabric=not-started, in-progress, completed, failed, none or unknown, on a "
                     "product with NVSwitch");
    }
    for (unsigned i = 0; i < m->n; i++) {
        m->topo.gpu[i].fabric = (uint8_t)f;
    }
    return true;
}

static bool apply_driver(struct machine *m, struct span item, struct err *e) {
    bool plain = item.n > 0 && item.n < sizeof m->topo.driver;
    for (size_t i = 0; i < item.n; i++) {
        plain = plain && item.p[i] > ' ' && item.p[i] <= '~' && item.p[i] != '"';
    }
    if (!plain) {
        return wants(e, item, "driver=VERSION of at most 31 printable bytes");
    }
    memcpy(m->topo.driver, item.p, item.n);
    return true;
}

static bool apply_cpu(struct machine *m, struct span item, struct err *e) {
    uint32_t sockets = 0;
    if (!span_u32(item, 8, &sockets) || !sockets) {
        return wants(e, item, "cpu=N with 1 to 8 sockets");
    }
    m->sockets = sockets < m->n ? sockets : m->n;
    return true;
}

static const struct word {
    const char *key;
    apply_fn *apply;
    bool list;      /* "0-1,2-3", and may be repeated */
    unsigned phase; /* 0 before the machine is built, 1 shapes it, 2 happens to it */
} words[] = {
    {"cpu", apply_cpu, false, 0},       {"bridges", apply_bridge, true, 1},
    {"down", apply_down, true, 2},      {"lanes", apply_lanes, true, 2},
    {"asym", apply_asym, true, 2},      {"unknown", apply_unknown, true, 2},
    {"mig", apply_mig, true, 2},        {"fault", apply_fault, true, 2},
    {"fabric", apply_fabric, false, 2}, {"driver", apply_driver, false, 2},
};
#define WORDS (sizeof words / sizeof words[0])

/* The next word between blanks; empty at the end. */
static struct span next_word(struct span *rest) {
    *rest = span_trim(*rest);
    size_t n = 0;
    while (n < rest->n && !span_is_space(rest->p[n])) {
        n++;
    }
    struct span word = span_upto(*rest, n);
    *rest = span_from(*rest, n);
    return word;
}

static const struct word *find_word(struct span key) {
    for (size_t i = 0; i < WORDS; i++) {
        if (span_is(key, words[i].key)) {
            return &words[i];
        }
    }
    return NULL;
}

static bool apply_word(struct machine *m, const struct word *w, struct span value, struct err *e) {
    if (!w->list) {
        return w->apply(m, value, e);
    }
    if (w->apply == apply_bridge && span_is(value, "none")) {
        return m->product->build == NVLINK_BRIDGE || wants(e, value, "a product with bridges");
    }
    struct span rest = value;
    do {
        struct span item = span_cut(&rest, ',');
        if (!w->apply(m, item, e)) {
            return false;
        }
    } while (rest.n);
    return !span_ends(value, ",") || wants(e, value, "a list without a comma at its end");
}

static bool apply_phase(struct machine *m, struct span line, unsigned phase, struct err *e) {
    for (struct span word = next_word(&line); word.n; word = next_word(&line)) {
        struct span value = word;
        const struct word *w = find_word(span_cut(&value, '='));
        if (w && w->phase == phase && !apply_word(m, w, value, e)) {
            return false;
        }
    }
    return true;
}

static bool check_words(struct span line, bool *bridges, struct err *e) {
    unsigned times[WORDS] = {0};
    for (struct span word = next_word(&line); word.n; word = next_word(&line)) {
        struct span value = word;
        const struct word *w = find_word(span_cut(&value, '='));
        if (!w || !value.n) {
            return wants(e, word,
                         "KEY=VALUE with bridges, cpu, down, lanes, asym, unknown, mig, fault, "
                         "fabric or driver");
        }
        if (++times[w - words] > 1 && !w->list) {
            return wants(e, word, "this word once");
        }
        *bridges = *bridges || w->apply == apply_bridge;
    }
    return true;
}

/* "4xH100-NVL". */
static bool read_head(struct span word, struct machine *m, struct err *e) {
    struct span rest = word;
    struct span count = span_cut(&rest, 'x');
    uint32_t n = 0;
    char text[48];
    if (!span_u32(count, GPU_MAX, &n) || !n || !rest.n) {
        return wants(e, word, "COUNTxPRODUCT with 1 to 72 GPUs, such as 4xH100-NVL");
    }
    m->product = product_by_synth(rest);
    if (!m->product) {
        return err_set(e, ERR_INPUT,
                       "synthetic machine: no product \"%s\": tpguard topology --products lists "
                       "them",
                       shown(rest, text));
    }
    if (m->product->build == NVLINK_MESH && n > 1 && !m->product->lanes_mesh) {
        return wants(e, word, "a product whose wiring is always the same");
    }
    if (m->product->build == NVLINK_MESH && n > 4 && n != 8) {
        return wants(e, word, "1 to 4 or 8 GPUs of this product");
    }
    m->n = n;
    m->sockets = n > 2 ? 2 : 1;
    return true;
}

bool synth_read(struct span line, struct topo *out, struct err *e) {
    struct machine m = {0};
    bool bridges = false;
    if (line.n > SYNTH_MAX) {
        return err_set(e, ERR_TOO_LARGE, "synthetic machine: wants at most %d bytes, found %zu",
                       SYNTH_MAX, line.n);
    }
    struct span rest = line;
    if (!read_head(next_word(&rest), &m, e) || !check_words(rest, &bridges, e) ||
        !apply_phase(&m, rest, 0, e)) {
        return false;
    }
    machine_build(&m);
    if (bridges) {
        machine_remove_bridges(&m);
    }
    if (!apply_phase(&m, rest, 1, e) || !apply_phase(&m, rest, 2, e)) {
        return false;
    }
    machine_derive_links(&m);
    *out = m.topo;
    return true;
}
