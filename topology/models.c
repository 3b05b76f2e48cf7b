#include "topology/models.h"

#include "topology/models_name.h"
#include "topology/models_table.inc"

#define ROWS (sizeof models / sizeof *models)

const struct model *model_row(unsigned i) {
    return i < ROWS ? &models[i] : NULL;
}

static struct span row_last(const struct model *row) {
    struct span name = span_of(row->name);
    return span_from(name, span_find(name, '/') + 1);
}

/* What is asked for, in the pieces that rows are compared by. */
struct ask {
    struct span last;       /* "Qwen3-32B-FP8" */
    struct span base;       /* "Qwen3-32B" */
    struct span head;       /* up to the size; empty when the name has none */
    uint32_t params_m;      /* by the name; 0 unknown */
    struct quant_said said; /* by the name */
};

static struct ask ask_of(struct span name) {
    struct ask a = {.last = name_last(name)};
    a.base = name_base(a.last, &a.said);
    if (!name_size(a.base, &a.head, &a.params_m)) {
        a.head = (struct span){"", 0};
    }
    return a;
}

static uint32_t row_params(const struct model *row, bool *from_name) {
    struct span head;
    uint32_t millions = 0;
    *from_name = row->params_m == 0;
    if (row->params_m) {
        return row->params_m;
    }
    return name_size(row_last(row), &head, &millions) ? millions : 0;
}

/* Separators carry meaning in numbers ("3.1-8B", "3-18B"), and comparing without them loses it: so
 * sizes that are known must be near each other. 8x7B is 47B counted. */
static bool sizes_agree(const struct model *row, const struct ask *a) {
    bool from_name = false;
    uint64_t r = row_params(row, &from_name);
    uint64_t n = a->params_m;
    return r == 0 || n == 0 || (r * 2 <= n * 3 && n * 2 <= r * 3);
}

/* Cutting words off a name is dear, so rows that do not even begin like `base` are told first. */
static bool text_matches(struct span text, const struct ask *a) {
    return name_starts(text, a->base) && name_same(name_base(text, NULL), a->base);
}

/* The organisation may be joined to the name ("Qwen--Qwen3-8B", "Qwen_Qwen3-8B"). */
static bool base_matches(const struct model *row, const struct ask *a) {
    return text_matches(name_unbranded(row_last(row)), a) || text_matches(span_of(row->name), a);
}

static bool head_matches(const struct model *row, const struct ask *a) {
    struct span last = name_unbranded(row_last(row));
    struct span head;
    uint32_t millions = 0;
    return a->head.n && name_starts(last, a->head) && name_size(last, &head, &millions) &&
           name_same(head, a->head);
}

/* Of several rows that match: the one in the asked format, then one in 16 bit (the others are
 * computed from it), then one whose size is known. */
static unsigned row_worth(const struct model *row, const struct ask *a) {
    enum quant want = a->said.said && a->said.quant ? a->said.quant : QUANT_BF16;
    return 1 + (row->quant == want) * 4U + (row->quant == QUANT_BF16) * 2U +
           (row->weights_mib || row->params_m);
}

static const struct model *best_row(const struct ask *a,
                                    bool (*matches)(const struct model *, const struct ask *)) {
    const struct model *best = NULL;
    unsigned worth = 0;
    for (const struct model *row = models; row < models + ROWS; row++) {
        /* Sizes before names: for most rows they are two numbers, and tell most of them apart. */
        if (row_worth(row, a) > worth && sizes_agree(row, a) && matches(row, a)) {
            best = row;
            worth = row_worth(row, a);
        }
    }
    return best;
}

static const struct model *exact_row(const struct ask *a) {
    for (const struct model *row = models; row < models + ROWS; row++) {
        if (span_ieq(row_last(row), a->last)) {
            return row;
        }
    }
    return NULL;
}

bool model_find(struct span name, struct model_guess *out) {
    struct ask a = ask_of(name);
    if (a.base.n == 0) {
        return false;
    }
    struct model_guess g = {.row = exact_row(&a), .basis = GUESS_ROW};
    if (!g.row) {
        g.row = best_row(&a, base_matches);
        g.row = g.row ? g.row : best_row(&a, head_matches);
        g.basis = GUESS_FAMILY;
    }
    if (g.row) {
        g.params_m = row_params(g.row, &g.params_from_name);
        g.layers = g.row->layers;
        g.hidden = g.row->hidden;
        g.heads = g.row->heads;
    }
    if (!g.params_m) {
        g.params_m = a.params_m;
        g.params_from_name = a.params_m != 0;
    }
    if (!g.row && !g.params_m) {
        return false;
    }
    g.basis = g.row ? g.basis : GUESS_NAME;
    *out = g;
    return true;
}
