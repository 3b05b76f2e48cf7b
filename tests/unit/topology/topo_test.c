#include "topology/topo.h"

#include <stdlib.h>

#include "tests/tap.h"
#include "topology/buf.h"
#include "wiring.h"

static void words(void) {
    static const struct {
        const char *word;
        bool good;
        struct wire wire;
    } rows[] = {
        {"", false, {0}},
        {"NV", false, {0}},
        {"NV0", false, {0}},
        {"NV01", false, {0}},
        {"NV37", false, {0}},
        {"NV+1", false, {0}},
        {"NV 1", false, {0}},
        {"NV99999999999999999999", false, {0}},
        {"nv12", false, {0}},
        {"XX", false, {0}},
        {"PI", false, {0}},
        {"PIX ", false, {0}},
        {"GPU0", false, {0}},
        {"NV1", true, {WIRE_NVLINK, 1}},
        {"NV12", true, {WIRE_NVLINK, 12}},
        {"NV36", true, {WIRE_NVLINK, 36}},
        {"X", true, {WIRE_SELF, 0}},
        {"PIX", true, {WIRE_PIX, 0}},
        {"PXB", true, {WIRE_PXB, 0}},
        {"PHB", true, {WIRE_PHB, 0}},
        {"NODE", true, {WIRE_NODE, 0}},
        {"SYS", true, {WIRE_SYS, 0}},
        {"SOC", true, {WIRE_SYS, 0}},
        {"Unknown", true, {WIRE_UNKNOWN, 0}},
        {"?", true, {WIRE_UNKNOWN, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire w = {77, 77};
        bool good = wire_parse(rows[i].word, (unsigned)strlen(rows[i].word), &w);
        ok(good == rows[i].good, "\"%s\" is %s word", rows[i].word, rows[i].good ? "a" : "no");
        ok(good ? w.kind == rows[i].wire.kind && w.lanes == rows[i].wire.lanes : w.kind == 77,
           "with its value, and untouched when refused");
    }
    struct wire w;
    ok(wire_parse("NV123", 4, &w) && w.lanes == 12, "the length counts, not what follows");
}

static void words_come_back(void) {
    unsigned bad = 0;
    char text[8];
    for (unsigned kind = 0; kind < WIRE_KIND_COUNT; kind++) {
        for (unsigned lanes = 1; lanes <= LANES_MAX; lanes++) {
            struct wire w = {(uint8_t)kind, (uint8_t)(kind == WIRE_NVLINK ? lanes : 0)};
            struct wire back;
            wire_word(w, text);
            bad += !wire_parse(text, (unsigned)strlen(text), &back) || back.kind != w.kind ||
                   back.lanes != w.lanes;
        }
    }
    is_int(bad, 0, "every wire comes back from its word");
    is_str(wire_word((struct wire){200, 3}, text), "?", "a kind that is none is unknown");
    is_str(wire_word((struct wire){WIRE_NVLINK, 255}, text), "NV255", "the longest word fits");
}

static void names(void) {
    enum fabric_state f = FABRIC_UNKNOWN;
    unsigned bad = 0;
    for (unsigned i = 0; i < FABRIC_STATE_COUNT; i++) {
        const char *name = fabric_name((enum fabric_state)i);
        bad += !fabric_parse(name, (unsigned)strlen(name), &f) || f != (enum fabric_state)i;
    }
    is_int(bad, 0, "every fabric state comes back from its name");
    f = FABRIC_FAILED;
    ok(!fabric_parse("Completed", 9, &f) && !fabric_parse("", 0, &f) && f == FABRIC_FAILED,
       "other words are refused");
    is_str(fabric_name((enum fabric_state)99), "unknown", "a state that is none is unknown");
    is_str(wire_kind_name(WIRE_NVLINK), "NVLink", "wire kinds have names");
    is_str(wire_kind_name((enum wire_kind)99), "unknown", "also when they are none");
}

static void an_empty_topology(void) {
    static struct topo t;
    memset(&t, 0xAA, sizeof t);
    topo_init(&t, 3);
    ok(t.n == 3 && t.gpu[2].index == 2 && t.gpu[2].numa == -1 && !t.gpu[0].uuid[0],
       "GPUs are numbered and otherwise unknown");
    ok(t.wire[1][1].kind == WIRE_SELF && t.wire[0][1].kind == WIRE_UNKNOWN, "so are the wires");
    ok(t.expected[1][1] == 0 && t.expected[0][1] == EXPECTED_UNKNOWN, "and the expectations");
    topo_init(&t, 1000);
    is_int(t.n, GPU_MAX, "more GPUs than there can be are cut");
    topo_init(&t, 0);
    is_int(t.n, 0, "none are none");
}

static void setting(void) {
    static struct topo t;
    topo_init(&t, 3);
    topo_set_wire(&t, 0, 1, WIRE_NVLINK, 12);
    topo_set_wire(&t, 1, 2, WIRE_PIX, 9);
    ok(t.wire[1][0].lanes == 12 && t.wire[0][1].lanes == 12, "both directions are set");
    ok(t.wire[2][1].kind == WIRE_PIX && t.wire[2][1].lanes == 0, "PCIe has no lanes");
    topo_set_wire(&t, 0, 1, WIRE_NVLINK, 0);
    is_int(t.wire[0][1].kind, WIRE_UNKNOWN, "NVLink without lanes tells nothing");
    topo_set_wire(&t, 0, 1, WIRE_NVLINK, LANES_MAX + 1);
    is_int(t.wire[0][1].kind, WIRE_UNKNOWN, "nor does NVLink with more lanes than there are");
    topo_set_wire(&t, 1, 1, WIRE_PIX, 0);
    is_int(t.wire[1][1].kind, WIRE_SELF, "the diagonal stays");
    topo_set_wire(&t, 0, 3, WIRE_PIX, 0);
    topo_set_wire(&t, GPU_MAX, 0, WIRE_PIX, 0);
    is_int(t.wire[0][3].kind, WIRE_UNKNOWN, "pairs outside the GPUs are left alone");
    topo_set_expected(&t, 0, 1, 12);
    topo_set_expected(&t, 1, 2, 300);
    topo_set_expected(&t, 2, 2, 4);
    ok(t.expected[1][0] == 12 && t.expected[0][1] == 12, "expectations go both ways");
    ok(t.expected[1][2] == EXPECTED_UNKNOWN && t.expected[2][2] == 0, "impossible ones nowhere");
}

static void finding(void) {
    static struct topo t;
    topo_init(&t, 3);
    t.gpu[1].index = 5;
    t.gpu[2].index = 1023;
    memcpy(t.gpu[1].uuid, "GPU-ab", 7);
    memset(t.gpu[2].uuid, 'f', GPU_UUID_MAX); /* not terminated: never read beyond */
    is_int(topo_find_index(&t, 5), 1, "by NVML index");
    is_int(topo_find_index(&t, 1), -1, "a gap in the indices is no GPU");
    is_int(topo_find_uuid(&t, "GPU-ab", 6), 1, "by UUID");
    is_int(topo_find_uuid(&t, "GPU-abc", 7), -1, "the whole UUID");
    is_int(topo_find_uuid(&t, "GPU-a", 5), -1, "no prefix");
    is_int(topo_find_uuid(&t, "", 0), -1, "no GPU has the empty UUID");
    is_int(topo_find_uuid(&t, "x", 4000000000U), -1, "nor one longer than any");
}

static void fill(struct topo *t, struct dice *d, unsigned n) {
    topo_init(t, n);
    t->observed_at = (int64_t)dice_roll(d, 1U << 31) * 1000;
    t->nvswitch = dice_roll(d, 2);
    memcpy(t->source, "synthetic", 10);
    for (unsigned i = 0; i < n; i++) {
        t->gpu[i].index = (uint16_t)(i * 3);
        t->gpu[i].links.mbps = dice_roll(d, 100000);
        t->gpu[i].fault[0] = (char)dice_roll(d, 100);
        for (unsigned j = 0; j < n; j++) {
            t->wire[i][j] = (struct wire){(uint8_t)dice_roll(d, 8), (uint8_t)dice_roll(d, 37)};
            t->expected[i][j] = (uint8_t)dice_roll(d, 256);
        }
    }
}

static void packing(void) {
    static struct topo t;
    static struct topo back;
    struct dice d = {3};
    for (unsigned n = 0; n <= GPU_MAX; n += n < 4 ? 1 : 17) {
        fill(&t, &d, n);
        unsigned size = topo_packed_size(&t);
        uint64_t *packed = malloc(size); /* exactly: a sanitizer sees a byte too many */
        topo_pack(&t, packed);
        memset(&back, 0xAA, sizeof back);
        topo_unpack(packed, &back);
        ok(memcmp(&t, &back, sizeof t) == 0, "%u GPUs come back byte for byte", n);
        free(packed);
    }
    fill(&t, &d, 8);
    ok(topo_packed_size(&t) < 4096, "a node of eight takes %u bytes", topo_packed_size(&t));
}

static void sets_as_text(void) {
    static struct topo t;
    char text[16];
    struct buf b = BUF_OVER(text);
    topo_init(&t, 3);
    t.gpu[2].index = 7;
    topo_set_text(&t, gpuset_with(gpuset_one(0), 2), &b);
    is_str(buf_cstr(&b), "0,7", "a set is shown by NVML indices");
    buf_reset(&b);
    topo_set_text(&t, gpuset_none(), &b);
    is_str(buf_cstr(&b), "", "the empty one by nothing");
    topo_set_text(&t, gpuset_first(GPU_MAX), &b);
    is_str(buf_cstr(&b), "0,1,7", "GPUs that do not exist are not shown");
}

int main(void) {
    words();
    words_come_back();
    names();
    an_empty_topology();
    setting();
    finding();
    packing();
    sets_as_text();
    return tap_done();
}
