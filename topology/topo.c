#include "topology/topo.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "topology/buf.h"
#include "topology/span.h"

static_assert(GPU_MAX <= UINT8_MAX, "struct topo counts GPUs in a byte");
static_assert(LANES_MAX < EXPECTED_UNKNOWN, "every lane count differs from EXPECTED_UNKNOWN");

void topo_init(struct topo *t, unsigned n) {
    memset(t, 0, sizeof *t);
    memset(t->expected, EXPECTED_UNKNOWN, sizeof t->expected);
    t->n = (uint8_t)(n > GPU_MAX ? GPU_MAX : n);
    for (unsigned i = 0; i < t->n; i++) {
        t->gpu[i].index = (uint16_t)i;
        t->gpu[i].numa = -1;
        t->wire[i][i].kind = WIRE_SELF;
        t->expected[i][i] = 0;
    }
}

static bool is_pair(const struct topo *t, unsigned a, unsigned b) {
    return a != b && a < t->n && b < t->n;
}

void topo_set_wire(struct topo *t, unsigned a, unsigned b, enum wire_kind kind, unsigned lanes) {
    if (!is_pair(t, a, b)) {
        return;
    }
    struct wire w = {.kind = (uint8_t)kind};
    if (kind == WIRE_NVLINK) {
        bool good = lanes >= 1 && lanes <= LANES_MAX;
        w.kind = good ? WIRE_NVLINK : WIRE_UNKNOWN;
        w.lanes = (uint8_t)(good ? lanes : 0);
    }
    t->wire[a][b] = w;
    t->wire[b][a] = w;
}

void topo_set_expected(struct topo *t, unsigned a, unsigned b, unsigned lanes) {
    if (!is_pair(t, a, b)) {
        return;
    }
    uint8_t v = (uint8_t)(lanes > LANES_MAX ? EXPECTED_UNKNOWN : lanes);
    t->expected[a][b] = v;
    t->expected[b][a] = v;
}

int topo_find_index(const struct topo *t, unsigned index) {
    for (int i = 0; i < t->n; i++) {
        if (t->gpu[i].index == index) {
            return i;
        }
    }
    return -1;
}

int topo_find_uuid(const struct topo *t, const char *uuid, unsigned len) {
    if (len == 0 || len >= GPU_UUID_MAX) {
        return -1;
    }
    for (int i = 0; i < t->n; i++) {
        const char *have = t->gpu[i].uuid;
        if (strnlen(have, GPU_UUID_MAX) == len && memcmp(have, uuid, len) == 0) {
            return i;
        }
    }
    return -1;
}

static const char *const wire_names[WIRE_KIND_COUNT] = {
    [WIRE_UNKNOWN] = "unknown", [WIRE_SELF] = "self", [WIRE_NVLINK] = "NVLink", [WIRE_PIX] = "PIX",
    [WIRE_PXB] = "PXB",         [WIRE_PHB] = "PHB",   [WIRE_NODE] = "NODE",     [WIRE_SYS] = "SYS",
};

const char *wire_kind_name(enum wire_kind k) {
    return (unsigned)k < WIRE_KIND_COUNT ? wire_names[k] : wire_names[WIRE_UNKNOWN];
}

const char *wire_word(struct wire w, char out[static 8]) {
    struct buf b = buf_over(out, 8);
    if (w.kind == WIRE_NVLINK) {
        buf_str(&b, "NV");
        buf_u64(&b, w.lanes);
    } else if (w.kind == WIRE_SELF) {
        buf_char(&b, 'X');
    } else if (w.kind >= WIRE_PIX && w.kind < WIRE_KIND_COUNT) {
        buf_str(&b, wire_names[w.kind]);
    } else {
        buf_char(&b, '?');
    }
    return out;
}

static bool nvlink_parse(struct span word, struct wire *out) {
    uint32_t lanes = 0;
    if (!span_starts(word, "NV") || !span_u32(span_from(word, 2), LANES_MAX, &lanes) ||
        lanes == 0 || word.p[2] == '0') {
        return false;
    }
    *out = (struct wire){WIRE_NVLINK, (uint8_t)lanes};
    return true;
}

bool wire_parse(const char *word, unsigned len, struct wire *out) {
    static const struct {
        const char *word;
        enum wire_kind kind;
    } words[] = {
        {"X", WIRE_SELF},  {"PIX", WIRE_PIX},         {"PXB", WIRE_PXB},
        {"PHB", WIRE_PHB}, {"NODE", WIRE_NODE},       {"SYS", WIRE_SYS},
        {"SOC", WIRE_SYS}, {"Unknown", WIRE_UNKNOWN}, {"?", WIRE_UNKNOWN},
    };
    struct span s = {word, len};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_is(s, words[i].word)) {
            *out = (struct wire){(uint8_t)words[i].kind, 0};
            return true;
        }
    }
    return nvlink_parse(s, out);
}

static const char *const fabric_names[FABRIC_STATE_COUNT] = {
    [FABRIC_UNKNOWN] = "unknown",         [FABRIC_NONE] = "none",
    [FABRIC_NOT_STARTED] = "not-started", [FABRIC_IN_PROGRESS] = "in-progress",
    [FABRIC_COMPLETED] = "completed",     [FABRIC_FAILED] = "failed",
};

const char *fabric_name(enum fabric_state f) {
    return (unsigned)f < FABRIC_STATE_COUNT ? fabric_names[f] : fabric_names[FABRIC_UNKNOWN];
}

bool fabric_parse(const char *word, unsigned len, enum fabric_state *out) {
    for (unsigned i = 0; i < FABRIC_STATE_COUNT; i++) {
        if (span_is((struct span){word, len}, fabric_names[i])) {
            *out = (enum fabric_state)i;
            return true;
        }
    }
    return false;
}

/* Packed: this head, then gpu[n], then wire[n * n], then expected[n * n]. The parts have falling
 * alignment, so none needs padding before it. */
struct packed_head {
    int64_t observed_at;
    char source[TOPO_SOURCE_MAX];
    char driver[TOPO_DRIVER_MAX];
    bool nvswitch;
    uint8_t n;
};

static_assert(sizeof(struct packed_head) % _Alignof(struct gpu) == 0, "gpu[] needs padding");
static_assert(sizeof(struct gpu) % _Alignof(struct wire) == 0, "wire[] needs padding");
static_assert(_Alignof(struct packed_head) <= _Alignof(uint64_t), "head wants more than promised");

unsigned topo_packed_size(const struct topo *t) {
    size_t n = t->n;
    size_t pairs = n * n;
    return (unsigned)(sizeof(struct packed_head) + n * sizeof(struct gpu) +
                      pairs * sizeof(struct wire) + pairs);
}

void topo_pack(const struct topo *t, void *packed) {
    struct packed_head head;
    memset(&head, 0, sizeof head); /* padding too: equal topologies give equal bytes */
    head.observed_at = t->observed_at;
    memcpy(head.source, t->source, sizeof head.source);
    memcpy(head.driver, t->driver, sizeof head.driver);
    head.nvswitch = t->nvswitch;
    head.n = t->n;

    unsigned char *at = packed;
    memcpy(at, &head, sizeof head);
    at += sizeof head;
    memcpy(at, t->gpu, t->n * sizeof t->gpu[0]);
    at += t->n * sizeof t->gpu[0];
    for (unsigned i = 0; i < t->n; i++) {
        memcpy(at, t->wire[i], t->n * sizeof t->wire[0][0]);
        at += t->n * sizeof t->wire[0][0];
    }
    for (unsigned i = 0; i < t->n; i++) {
        memcpy(at, t->expected[i], t->n);
        at += t->n;
    }
}

void topo_unpack(const void *packed, struct topo *t) {
    struct packed_head head;
    const unsigned char *at = packed;
    memcpy(&head, at, sizeof head);
    at += sizeof head;

    topo_init(t, head.n);
    t->observed_at = head.observed_at;
    memcpy(t->source, head.source, sizeof head.source);
    memcpy(t->driver, head.driver, sizeof head.driver);
    t->nvswitch = head.nvswitch;
    memcpy(t->gpu, at, t->n * sizeof t->gpu[0]);
    at += t->n * sizeof t->gpu[0];
    for (unsigned i = 0; i < t->n; i++) {
        memcpy(t->wire[i], at, t->n * sizeof t->wire[0][0]);
        at += t->n * sizeof t->wire[0][0];
    }
    for (unsigned i = 0; i < t->n; i++) {
        memcpy(t->expected[i], at, t->n);
        at += t->n;
    }
}

void topo_set_text(const struct topo *t, struct gpuset s, struct buf *out) {
    const char *sep = "";
    for (GPUSET_EACH(i, gpuset_and(s, gpuset_first(t->n)))) {
        buf_str(out, sep);
        buf_u64(out, t->gpu[i].index);
        sep = ",";
    }
}
