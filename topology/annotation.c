#include "topology/annotation.h"

#include <stdio.h>

#include "topology/json.h"

/* The tree of the longest text: 64-byte nodes, the densest text being "0," over and over. */
#define TREE_MAX (ANNOTATION_MAX * (size_t)64)

/* Printable ASCII only: these texts reach terminals and log lines. */
static bool get_text(const struct json *o, const char *key, char *out, size_t cap, struct err *e) {
    struct span s = {0};
    if (!json_opt_str(o, key, &s, e)) {
        return false;
    }
    if (s.n >= cap) {
        return err_at(e, ERR_TOO_LARGE, key, "wants at most %zu bytes, found %zu", cap - 1, s.n);
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < ' ' || s.p[i] > '~') {
            return err_at(e, ERR_INPUT, key, "wants printable ASCII, found byte 0x%02x",
                          (unsigned)(unsigned char)s.p[i]);
        }
    }
    if (s.n) {
        memcpy(out, s.p, s.n);
    }
    return true;
}

static bool get_links(const struct json *gpu, struct gpu_links *out, struct err *e) {
    static const char *const keys[] = {"state", "on", "listed", "speed", NULL};
    const struct json *o = NULL;
    struct span state = {0};
    uint64_t on = 0;
    uint64_t listed = 0;
    uint64_t mbps = 0;
    if (!json_opt_object(gpu, "nvlink", &o, e)) {
        return false;
    }
    if (!o) {
        return true;
    }
    if (!json_only(o, keys, e) || !json_req_str(o, "state", &state, e) ||
        !json_opt_u64(o, "on", LANES_MAX, &on, e) ||
        !json_opt_u64(o, "listed", LANES_MAX, &listed, e) ||
        !json_opt_u64(o, "speed", UINT32_MAX, &mbps, e)) {
        return err_in(e, "nvlink");
    }
    for (unsigned i = LINKS_LISTED; i < LINKS_STATE_COUNT; i++) {
        if (span_is(state, links_state_name((enum links_state)i))) {
            out->state = (uint8_t)i;
        }
    }
    if (out->state == LINKS_UNKNOWN) {
        return err_at(e, ERR_INPUT, "nvlink.state", "wants listed, allinactive or none");
    }
    if (on > listed || (out->state != LINKS_LISTED && (listed || mbps))) {
        return err_at(e, ERR_INPUT, "nvlink",
                      "wants on <= listed, and numbers with state listed only");
    }
    out->on = (uint8_t)on;
    out->listed = (uint8_t)listed;
    out->mbps = (uint32_t)mbps;
    return true;
}

static bool get_mig(const struct json *o, struct gpu *g, struct err *e) {
    const struct json *v = NULL;
    bool mig = false;
    if (!json_member(o, "mig", &v, e) || !json_opt_bool(o, "mig", &mig, e)) {
        return false;
    }
    g->mig = !v ? TRI_UNKNOWN : mig ? TRI_YES : TRI_NO;
    return true;
}

static bool get_fabric(const struct json *o, struct gpu *g, struct err *e) {
    struct span word = {0};
    enum fabric_state f = FABRIC_UNKNOWN;
    if (!json_opt_str(o, "fabric", &word, e)) {
        return false;
    }
    if (word.p && (!fabric_parse(word.p, (unsigned)word.n, &f) || f == FABRIC_UNKNOWN)) {
        return err_at(e, ERR_INPUT, "fabric",
                      "wants none, not-started, in-progress, completed or failed");
    }
    g->fabric = (uint8_t)f;
    return true;
}

static bool get_gpu(const struct json *o, struct gpu *g, struct err *e) {
    static const char *const keys[] = {"index",  "uuid",     "product", "memoryMiB",
                                       "numa",   "pciBusId", "mig",     "fabric",
                                       "nvlink", "fault",    NULL};
    uint64_t index = 0;
    uint64_t memory = 0;
    uint64_t numa = UINT64_MAX;
    if (json_kind(o) != JSON_OBJECT) {
        return err_set(e, ERR_INPUT, "wants an object, found %s", json_kind_name(json_kind(o)));
    }
    if (!json_only(o, keys, e) || !json_req_u64(o, "index", GPU_INDEX_MAX, &index, e) ||
        !get_text(o, "uuid", g->uuid, sizeof g->uuid, e) ||
        !get_text(o, "product", g->product, sizeof g->product, e) ||
        !json_opt_u64(o, "memoryMiB", UINT32_MAX, &memory, e) ||
        !json_opt_u64(o, "numa", INT16_MAX, &numa, e) ||
        !get_text(o, "pciBusId", g->pci, sizeof g->pci, e) || !get_mig(o, g, e) ||
        !get_fabric(o, g, e) || !get_links(o, &g->links, e) ||
        !get_text(o, "fault", g->fault, sizeof g->fault, e)) {
        return false;
    }
    g->index = (uint16_t)index;
    g->memory_mib = (uint32_t)memory;
    g->numa = (int16_t)(numa > INT16_MAX ? -1 : (int)numa);
    return true;
}

/* g against those before it. */
static bool check_gpu(const struct topo *t, const struct gpu *g, struct err *e) {
    if (g > t->gpu && g->index <= g[-1].index) {
        return err_at(e, ERR_INPUT, "index", "wants ascending numbers, found %u after %u", g->index,
                      g[-1].index);
    }
    int same = topo_find_uuid(t, g->uuid, (unsigned)strlen(g->uuid));
    if (same >= 0 && &t->gpu[same] < g) {
        return err_at(e, ERR_INPUT, "uuid", "wants one GPU per UUID, found that of gpus[%d]", same);
    }
    return true;
}

static bool get_gpus(const struct json *gpus, struct topo *t, struct err *e) {
    unsigned n = json_count(gpus);
    if (n < 1 || n > GPU_MAX) {
        return err_at(e, n ? ERR_TOO_LARGE : ERR_INPUT, "gpus", "wants 1 to %d GPUs, found %u",
                      GPU_MAX, n);
    }
    topo_init(t, n);
    const struct json *v = json_first(gpus);
    for (unsigned i = 0; v && i < n; i++, v = json_next(v)) {
        if (!get_gpu(v, &t->gpu[i], e) || !check_gpu(t, &t->gpu[i], e)) {
            return err_in(e, "gpus[%u]", i);
        }
    }
    return true;
}

static bool get_wire(const struct json *v, struct topo *t, unsigned i, unsigned j, struct err *e) {
    struct wire w = {0};
    struct span word = {0};
    char back[8];
    bool null = json_kind(v) == JSON_NULL;
    /* Only the words that the writer uses: what wire_parse also takes from old drivers is not
     * canonical. */
    if (!null && (!json_as_str(v, &word) || !wire_parse(word.p, (unsigned)word.n, &w) ||
                  !span_is(word, wire_word(w, back)) || w.kind == WIRE_UNKNOWN)) {
        return err_set(
            e, ERR_INPUT, "wants X, NV1 to NV%d, PIX, PXB, PHB, NODE, SYS or null, found %s",
            LANES_MAX, json_kind(v) == JSON_STRING ? "another word" : json_kind_name(json_kind(v)));
    }
    if ((w.kind == WIRE_SELF) != (i == j)) {
        return err_set(e, ERR_INPUT, "wants X on the diagonal and nowhere else");
    }
    t->wire[i][j] = w;
    return true;
}

static bool get_lanes(const struct json *v, struct topo *t, unsigned i, unsigned j, struct err *e) {
    uint64_t lanes = EXPECTED_UNKNOWN;
    if (json_kind(v) != JSON_NULL && !json_as_u64(v, LANES_MAX, &lanes)) {
        return err_set(e, ERR_INPUT, "wants a whole number from 0 to %d or null", LANES_MAX);
    }
    if (i == j && lanes != 0) {
        return err_set(e, ERR_INPUT, "wants 0 on the diagonal");
    }
    if (j < i && lanes != t->expected[j][i]) {
        return err_set(e, ERR_INPUT, "wants the number of [%u][%u]", j, i);
    }
    t->expected[i][j] = (uint8_t)lanes;
    return true;
}

typedef bool get_cell_fn(const struct json *v, struct topo *t, unsigned i, unsigned j,
                         struct err *e);

static bool check_length(const struct json *v, unsigned n, struct err *e) {
    if (json_kind(v) != JSON_ARRAY) {
        return err_set(e, ERR_INPUT, "wants an array, found %s", json_kind_name(json_kind(v)));
    }
    if (json_count(v) != n) {
        return err_set(e, ERR_INPUT, "wants %u elements, one a GPU, found %u", n, json_count(v));
    }
    return true;
}

static bool get_row(const struct json *row, struct topo *t, unsigned i, get_cell_fn *get_cell,
                    struct err *e) {
    if (!check_length(row, t->n, e)) {
        return false;
    }
    unsigned j = 0;
    for (const struct json *v = json_first(row); v; v = json_next(v), j++) {
        if (!get_cell(v, t, i, j, e)) {
            return err_in(e, "[%u]", j);
        }
    }
    return true;
}

static bool get_matrix(const struct json *rows, struct topo *t, get_cell_fn *get_cell,
                       struct err *e) {
    if (!check_length(rows, t->n, e)) {
        return false;
    }
    unsigned i = 0;
    for (const struct json *row = json_first(rows); row; row = json_next(row), i++) {
        if (!get_row(row, t, i, get_cell, e)) {
            return err_in(e, "[%u]", i);
        }
    }
    return true;
}

static bool get_head(const struct json *o, struct topo *t, struct err *e) {
    struct span time = {0};
    if (!json_opt_str(o, "observedAt", &time, e) ||
        !get_text(o, "source", t->source, sizeof t->source, e) ||
        !get_text(o, "driver", t->driver, sizeof t->driver, e) ||
        !json_opt_bool(o, "nvswitch", &t->nvswitch, e)) {
        return false;
    }
    if (time.p && !time_parse(time, &t->observed_at)) {
        return err_at(e, ERR_INPUT, "observedAt", "wants a time like 2026-11-24T09:14:00Z");
    }
    return true;
}

static bool decode(const struct json *o, struct topo *out, struct err *e) {
    static const char *const keys[] = {"version", "observedAt", "source",   "driver", "nvswitch",
                                       "gpus",    "wires",      "expected", NULL};
    uint64_t version = 0;
    const struct json *gpus = NULL;
    const struct json *wires = NULL;
    const struct json *expected = NULL;
    struct topo t;
    if (json_kind(o) != JSON_OBJECT) {
        return err_set(e, ERR_INPUT, "wants an object, found %s", json_kind_name(json_kind(o)));
    }
    /* The version first: what else may stand there depends on it. */
    if (!json_req_u64(o, "version", UINT32_MAX, &version, e)) {
        return false;
    }
    if (version != ANNOTATION_VERSION) {
        return err_at(e, ERR_INPUT, "version", "wants %d, found %u", ANNOTATION_VERSION,
                      (unsigned)version);
    }
    if (!json_only(o, keys, e) || !json_req_array(o, "gpus", &gpus, e) ||
        !json_req_array(o, "wires", &wires, e) || !json_opt_array(o, "expected", &expected, e) ||
        !get_gpus(gpus, &t, e) || !get_head(o, &t, e)) {
        return false;
    }
    if (!get_matrix(wires, &t, get_wire, e)) {
        return err_in(e, "wires");
    }
    if (expected && !get_matrix(expected, &t, get_lanes, e)) {
        return err_in(e, "expected");
    }
    *out = t;
    return true;
}

bool annotation_decode(struct span text, struct topo *out, struct err *e) {
    if (text.n > ANNOTATION_MAX) {
        return err_set(e, ERR_TOO_LARGE, "wants at most %d bytes, found %zu", ANNOTATION_MAX,
                       text.n);
    }
    struct arena a = arena_new(TREE_MAX);
    const struct json *root = NULL;
    bool done = json_parse(text, &a, &root, e) && decode(root, out, e);
    arena_done(&a);
    return done;
}
