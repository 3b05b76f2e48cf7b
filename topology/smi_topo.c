/* `nvidia-smi topo -m`: lines -> rows of cells -> matrix.
 *
 *           GPU0  GPU1  NIC0  CPU Affinity  NUMA Affinity     header: names up to the affinities
 *     GPU0   X    NV12  PIX   0-31          0                 one row a GPU: label, then one cell a
 *     GPU1  NV12   X    SYS   32-63         1                 name; what follows may be empty
 *     NIC0  PIX   SYS    X                                    rows of NICs may be ragged; not read
 *
 * Only the cells that the header names are read, from the left: affinity cells can be empty, so
 * that counting from the right reads wrong columns. */
#include <stdio.h>

#include "topology/smi.h"
#include "topology/smi_text.h"

/* GPUs and NICs of one header: an NVL72 node's GPUs and as many NICs. */
#define COLUMNS_MAX 144

struct row {
    unsigned index; /* of its GPU */
    unsigned line;
    unsigned n; /* cells read */
    struct wire cell[COLUMNS_MAX];
};

struct matrix {
    unsigned n_names; /* columns of the header: GPUs and NICs; 0 no header seen */
    unsigned n_gpus;
    unsigned gpu[GPU_MAX];    /* NVML index of each GPU column, in header order */
    unsigned column[GPU_MAX]; /* and its place among all names */
    unsigned n_rows;
    struct row row[GPU_MAX]; /* of GPUs, in text order */
    unsigned n_other;        /* rows that are no GPU's (NICs), counted only */
};

static bool word_is_cell(struct span word) {
    struct wire w;
    return wire_parse(word.p, (unsigned)word.n, &w);
}

static bool word_ends_names(struct span word) {
    return span_is(word, "CPU") || span_is(word, "NUMA") || span_is(word, "GPU") ||
           span_is(word, "Affinity");
}

static bool word_has_digit(struct span word) {
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] >= '0' && word.p[i] <= '9') {
            return true;
        }
    }
    return false;
}

/* A word for a message: as it is when it is short and printable. */
static const char *word_shown(struct span word, char out[static 32]) {
    if (!word.n) {
        return "nothing";
    }
    char plain[24] = "something unprintable";
    if (smi_copy(plain, sizeof plain, word) || word.n < sizeof plain) {
        (void)snprintf(out, 32, "\"%s\"", plain);
        return out;
    }
    (void)smi_copy(plain, sizeof plain, span_upto(word, 20));
    (void)snprintf(out, 32, "\"%s...\"", plain);
    return out;
}

/* Can a line that begins with a GPU's name be the header? Its second word is another name then, or
 * the line ends, or the affinities begin. NIC names carry a number; prose ("GPU0 is slow") does
 * not. */
static bool line_is_header(struct span rest) {
    struct span second = smi_word(&rest);
    return !second.n || word_ends_names(second) ||
           (!word_is_cell(second) && word_has_digit(second));
}

static bool header_add_gpu(struct matrix *m, unsigned index, unsigned line, struct err *e) {
    if (index > GPU_INDEX_MAX) {
        return smi_fail(e, ERR_TOO_LARGE, line, "wants GPU numbers up to %d, found GPU%u",
                        GPU_INDEX_MAX, index);
    }
    for (unsigned i = 0; i < m->n_gpus; i++) {
        if (m->gpu[i] == index) {
            return smi_fail(e, ERR_INPUT, line, "the header names GPU%u twice", index);
        }
    }
    if (m->n_gpus == GPU_MAX) {
        return smi_fail(e, ERR_TOO_LARGE, line, "wants at most %d GPUs, the header names more",
                        GPU_MAX);
    }
    m->gpu[m->n_gpus] = index;
    m->column[m->n_gpus] = m->n_names;
    m->n_gpus++;
    return true;
}

static bool read_header(struct span line_text, unsigned line, struct matrix *m, struct err *e) {
    struct span rest = line_text;
    for (struct span w = smi_word(&rest); w.n && !word_ends_names(w); w = smi_word(&rest)) {
        unsigned index = 0;
        if (m->n_names == COLUMNS_MAX) {
            return smi_fail(e, ERR_TOO_LARGE, line, "wants at most %d columns, the header has more",
                            COLUMNS_MAX);
        }
        if (smi_gpu_name(w, &index) && !header_add_gpu(m, index, line, e)) {
            return false;
        }
        m->n_names++;
    }
    return true;
}

static int row_of(const struct matrix *m, unsigned index) {
    for (unsigned i = 0; i < m->n_rows; i++) {
        if (m->row[i].index == index) {
            return (int)i;
        }
    }
    return -1;
}

static bool header_is_gpu(const struct matrix *m, unsigned column) {
    for (unsigned i = 0; i < m->n_gpus; i++) {
        if (m->column[i] == column) {
            return true;
        }
    }
    return false;
}

/* What an affinity column holds: where it stands in the place of a cell, cells are missing. */
static bool word_is_affinity(struct span word) {
    return !word.n || (word.p[0] >= '0' && word.p[0] <= '9') || span_is(word, "N/A");
}

static bool fail_cut(const struct matrix *m, const struct row *row, struct err *e) {
    return smi_fail(e, ERR_UNKNOWN, row->line,
                    "row GPU%u has %u of %u cells: the text is cut, topology unknown", row->index,
                    row->n, m->n_names);
}

/* Under a header: one cell for each of its names. A broken word behind which the row ends too early
 * is where the text was cut. */
static bool read_cells(struct span rest, struct matrix *m, struct row *row, struct err *e) {
    while (row->n < m->n_names) {
        struct span word = smi_word(&rest);
        bool cell = wire_parse(word.p, (unsigned)word.n, &row->cell[row->n]);
        bool last = !span_trim(rest).n && row->n + 1 < m->n_names;
        if (word_is_affinity(word) || (!cell && last)) {
            return fail_cut(m, row, e);
        }
        if (!cell && header_is_gpu(m, row->n)) {
            char shown[32];
            return smi_fail(e, ERR_INPUT, row->line,
                            "row GPU%u, cell %u of %u: wants X, NV1 to NV%d, PIX, PXB, PHB, NODE "
                            "or SYS, found %s",
                            row->index, row->n + 1, m->n_names, LANES_MAX, word_shown(word, shown));
        }
        row->n++;
    }
    return true;
}

/* Without a header: every cell word up to the first word that is none. */
static void read_cells_bare(struct span rest, struct row *row) {
    while (row->n < COLUMNS_MAX) {
        struct span word = smi_word(&rest);
        if (!wire_parse(word.p, (unsigned)word.n, &row->cell[row->n])) {
            return;
        }
        row->n++;
    }
}

static bool read_gpu_line(struct span line_text, unsigned line, struct matrix *m, struct err *e) {
    struct span rest = line_text;
    unsigned index = 0;
    (void)smi_gpu_name(smi_word(&rest), &index);
    struct span peek = rest;
    struct span second = smi_word(&peek);
    unsigned other = 0;
    bool header = smi_gpu_name(second, &other) || (!m->n_names && line_is_header(rest));
    if (header && (m->n_names || m->n_rows)) {
        return smi_fail(e, ERR_INPUT, line, "a second matrix begins: wants one");
    }
    if (header) {
        return read_header(line_text, line, m, e);
    }
    /* Prose that begins with a GPU's name, before the matrix or behind it. */
    if (!word_is_cell(second) && (!m->n_names || row_of(m, index) >= 0)) {
        return true;
    }
    if (row_of(m, index) >= 0) {
        return smi_fail(e, ERR_INPUT, line, "row GPU%u stands twice", index);
    }
    if (m->n_rows == GPU_MAX || index > GPU_INDEX_MAX) {
        return smi_fail(e, ERR_TOO_LARGE, line,
                        "wants at most %d GPUs, numbered up to %d, found GPU%u", GPU_MAX,
                        GPU_INDEX_MAX, index);
    }
    struct row *row = &m->row[m->n_rows];
    *row = (struct row){.index = index, .line = line};
    if (!m->n_names) {
        read_cells_bare(rest, row);
    } else if (!read_cells(rest, m, row, e)) {
        return false;
    }
    m->n_rows++;
    return true;
}

static bool read_lines(struct span text, struct matrix *m, struct err *e) {
    struct smi_lines l = {.rest = text};
    while (smi_next_line(&l)) {
        struct span rest = l.line;
        unsigned index = 0;
        struct span first = smi_word(&rest);
        if (smi_gpu_name(first, &index)) {
            if (!read_gpu_line(l.line, l.number, m, e)) {
                return false;
            }
        } else if (first.n && word_is_cell(smi_word(&rest))) {
            m->n_other++;
        }
    }
    return true;
}

/* No header line: the rows themselves are the names, if they account for every column: as many
 * cells as there are rows of GPUs and NICs. Otherwise rows may have been lost with the header. */
static bool infer_header(struct matrix *m, struct err *e) {
    for (unsigned i = 0; i < m->n_rows; i++) {
        if (m->row[i].n != m->n_rows + m->n_other) {
            return smi_fail(
                e, ERR_UNKNOWN, m->row[i].line,
                "there is no header line, and %u rows do not account for the %u cells of row "
                "GPU%u: topology unknown",
                m->n_rows + m->n_other, m->row[i].n, m->row[i].index);
        }
        m->gpu[i] = m->row[i].index;
        m->column[i] = i;
    }
    m->n_gpus = m->n_rows;
    m->n_names = m->n_rows + m->n_other;
    return true;
}

static bool check_rows(const struct matrix *m, struct err *e) {
    for (unsigned i = 0; i < m->n_gpus; i++) {
        if (row_of(m, m->gpu[i]) < 0) {
            return err_set(
                e, ERR_UNKNOWN,
                "the header names %u GPUs, the row of GPU%u is missing (%u of %u found): "
                "the text is cut, topology unknown",
                m->n_gpus, m->gpu[i], m->n_rows, m->n_gpus);
        }
    }
    for (unsigned r = 0; r < m->n_rows; r++) {
        const struct row *row = &m->row[r];
        bool named = false;
        for (unsigned i = 0; i < m->n_gpus; i++) {
            bool self = m->gpu[i] == row->index;
            named = named || self;
            if ((row->cell[m->column[i]].kind == WIRE_SELF) != self) {
                return smi_fail(
                    e, ERR_INPUT, row->line,
                    "row GPU%u: wants X in its own column and nowhere else, column GPU%u is not so",
                    row->index, m->gpu[i]);
            }
        }
        if (!named) {
            return smi_fail(
                e, ERR_UNKNOWN, row->line,
                "row GPU%u is not named in the header: the text is cut, topology unknown",
                row->index);
        }
    }
    return true;
}

/* Positions ascend by NVML index, whatever order the text has. */
static void fill_topo(const struct matrix *m, struct topo *out) {
    unsigned order[GPU_MAX];
    for (unsigned i = 0; i < m->n_gpus; i++) {
        unsigned at = i;
        for (; at > 0 && m->gpu[order[at - 1]] > m->gpu[i]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    topo_init(out, m->n_gpus);
    for (unsigned i = 0; i < m->n_gpus; i++) {
        const struct row *row = &m->row[row_of(m, m->gpu[order[i]])];
        out->gpu[i].index = (uint16_t)row->index;
        for (unsigned j = 0; j < m->n_gpus; j++) {
            out->wire[i][j] = row->cell[m->column[order[j]]];
        }
    }
}

bool smi_read_topo(struct span text, struct topo *out, struct err *e) {
    if (text.n > SMI_TEXT_MAX) {
        return err_set(e, ERR_TOO_LARGE, "wants at most %d bytes, found %zu", SMI_TEXT_MAX, text.n);
    }
    if (!span_trim(text).n) {
        return err_set(e, ERR_UNKNOWN, "the text is empty: topology unknown");
    }
    if (smi_has(text, "Failed to run topology matrix")) {
        return err_set(e, ERR_UNKNOWN,
                       "nvidia-smi says \"Failed to run topology matrix\": topology "
                       "unknown");
    }
    struct matrix m = {0};
    if (!read_lines(text, &m, e)) {
        return false;
    }
    if (!m.n_names && !m.n_rows) {
        struct span failure = smi_failure(text);
        char said[96] = "it failed";
        (void)smi_copy(said, sizeof said, failure);
        return failure.n ? err_set(e, ERR_UNKNOWN, "nvidia-smi says \"%s\": topology unknown", said)
                         : err_set(e, ERR_INPUT,
                                   "wants the matrix of `nvidia-smi topo -m`, found "
                                   "none");
    }
    if ((!m.n_names && !infer_header(&m, e)) || !check_rows(&m, e)) {
        return false;
    }
    fill_topo(&m, out);
    return true;
}

bool smi_has_topo(struct span text) {
    struct smi_lines l = {.rest = text};
    while (smi_next_line(&l)) {
        struct span rest = l.line;
        unsigned index = 0;
        if (smi_has(l.line, "Failed to run topology matrix")) {
            return true;
        }
        if (smi_gpu_name(smi_word(&rest), &index)) {
            struct span peek = rest;
            if (line_is_header(rest) || word_is_cell(smi_word(&peek))) {
                return true;
            }
        }
    }
    return false;
}
