/* The annotation codec: canonical out, strict in. */
#include "tests/tap.h"
#include "topology/annotation.h"
#include "topology/synth.h"

#define PAIR "\"gpus\":[{\"index\":0},{\"index\":1}],"

static const char example[] =
    "{\"version\":1,\"observedAt\":\"2026-11-24T09:14:00Z\",\"source\":\"nvidia-smi\","
    "\"driver\":\"550.163.01\",\"nvswitch\":false,"
    "\"gpus\":[{\"index\":0,\"uuid\":\"GPU-1\",\"product\":\"NVIDIA H100 NVL\",\"memoryMiB\":95830,"
    "\"numa\":0,\"pciBusId\":\"00000000:17:00.0\",\"mig\":false,\"fabric\":\"none\","
    "\"nvlink\":{\"state\":\"listed\",\"on\":12,\"listed\":18,\"speed\":26562}},"
    "{\"index\":3,\"nvlink\":{\"state\":\"allinactive\"},\"fault\":\"Xid 79\"}],"
    "\"wires\":[[\"X\",\"NV12\"],[null,\"X\"]],\"expected\":[[0,12],[12,0]]}";

static void test_example(void) {
    struct topo t;
    struct err e = {0};
    ok(annotation_decode(span_of(example), &t, &e), "the example is read %s %s", e.path, e.msg);
    is_int(t.observed_at, 1795511640, "its time");
    is_str(t.driver, "550.163.01", "its driver");
    is_int(t.gpu[1].index, 3, "its numbers may have gaps");
    is_int(t.gpu[0].links.mbps, 26562, "its link speed");
    is_int(t.gpu[0].mig, TRI_NO, "MIG is off where it says so");
    is_int(t.gpu[1].mig, TRI_UNKNOWN, "and unknown where it says nothing");
    is_int(t.gpu[1].numa, -1, "as is the NUMA node");
    is_int(t.wire[0][1].lanes, 12, "one direction has 12 lanes");
    is_int(t.wire[1][0].kind, WIRE_UNKNOWN, "the other is unknown");
    is_int(t.expected[1][0], 12, "12 are expected");
    struct buf b = buf_new(ANNOTATION_MAX);
    annotation_encode(&t, &b);
    is_str(buf_cstr(&b), example, "written again it is the same text");
    buf_done(&b);
}

static const struct {
    const char *name;
    const char *text;
    const char *path;
    const char *part;
} refused[] = {
    {"an empty text", "", "", ""},
    {"no object", "[]", "", "wants an object, found an array"},
    {"bytes behind the end", "{\"version\":1}x", "", ""},
    {"a newer version", "{\"version\":2,\"new\":0}", "version", "wants 1, found 2"},
    {"no version", "{\"gpus\":[]}", "version", ""},
    {"no GPUs", "{\"version\":1,\"wires\":[]}", "gpus", ""},
    {"an empty list of GPUs", "{\"version\":1,\"gpus\":[],\"wires\":[]}", "gpus",
     "wants 1 to 72 GPUs, found 0"},
    {"no wires", "{\"version\":1,\"gpus\":[{\"index\":0}]}", "wires", ""},
    {"an unknown key", "{\"version\":1,\"gpu\":1,\"gpus\":[{\"index\":0}],\"wires\":[[\"X\"]]}", "",
     "gpu"},
    {"an unknown key in a GPU",
     "{\"version\":1,\"gpus\":[{\"index\":0,\"name\":\"x\"}],\"wires\":[[\"X\"]]}", "gpus[0]",
     "name"},
    {"a key twice", "{\"version\":1,\"version\":1," PAIR "\"wires\":[[\"X\",\"X\"],[\"X\",\"X\"]]}",
     "", ""},
    {"a GPU that is no object", "{\"version\":1,\"gpus\":[0],\"wires\":[[\"X\"]]}", "gpus[0]",
     "found a number"},
    {"an index as text", "{\"version\":1,\"gpus\":[{\"index\":\"0\"}],\"wires\":[[\"X\"]]}",
     "gpus[0].index", ""},
    {"an index out of bounds", "{\"version\":1,\"gpus\":[{\"index\":1024}],\"wires\":[[\"X\"]]}",
     "gpus[0].index", ""},
    {"an index that goes down",
     "{\"version\":1,\"gpus\":[{\"index\":1},{\"index\":0}],\"wires\":[[\"X\",null],[null,\"X\"]]}",
     "gpus[1].index", "ascending"},
    {"a UUID twice",
     "{\"version\":1,\"gpus\":[{\"index\":0,\"uuid\":\"a\"},{\"index\":1,\"uuid\":\"a\"}],"
     "\"wires\":[[\"X\",null],[null,\"X\"]]}",
     "gpus[1].uuid", "gpus[0]"},
    {"a UUID that is too long",
     "{\"version\":1,\"gpus\":[{\"index\":0,\"uuid\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaa\"}],\"wires\":[[\"X\"]]}",
     "gpus[0].uuid", "at most 63 bytes"},
    {"an escape code in a name",
     "{\"version\":1,\"gpus\":[{\"index\":0,\"product\":\"\\u001b[2J\"}],\"wires\":[[\"X\"]]}",
     "gpus[0].product", "byte 0x1b"},
    {"a row that is missing", "{\"version\":1," PAIR "\"wires\":[[\"X\",null]]}", "wires",
     "wants 2 elements, one a GPU, found 1"},
    {"a cell that is missing", "{\"version\":1," PAIR "\"wires\":[[\"X\",null],[null]]}",
     "wires[1]", "found 1"},
    {"a row that is no array", "{\"version\":1," PAIR "\"wires\":[[\"X\",null],\"X\"]}", "wires[1]",
     "found a string"},
    {"lanes above the most", "{\"version\":1," PAIR "\"wires\":[[\"X\",\"NV37\"],[null,\"X\"]]}",
     "wires[0][1]", "NV36"},
    {"a padded lane count", "{\"version\":1," PAIR "\"wires\":[[\"X\",\"NV04\"],[null,\"X\"]]}",
     "wires[0][1]", ""},
    {"an old driver's word", "{\"version\":1," PAIR "\"wires\":[[\"X\",\"SOC\"],[null,\"X\"]]}",
     "wires[0][1]", ""},
    {"Unknown in place of null",
     "{\"version\":1," PAIR "\"wires\":[[\"X\",\"Unknown\"],[null,\"X\"]]}", "wires[0][1]", ""},
    {"a number for a wire", "{\"version\":1," PAIR "\"wires\":[[\"X\",12],[null,\"X\"]]}",
     "wires[0][1]", "found a number"},
    {"no X on the diagonal", "{\"version\":1," PAIR "\"wires\":[[null,null],[null,\"X\"]]}",
     "wires[0][0]", "diagonal"},
    {"an X elsewhere", "{\"version\":1," PAIR "\"wires\":[[\"X\",\"X\"],[null,\"X\"]]}",
     "wires[0][1]", "diagonal"},
    {"expectations that differ",
     "{\"version\":1," PAIR "\"wires\":[[\"X\",null],[null,\"X\"]],\"expected\":[[0,1],[2,0]]}",
     "expected[1][0]", "[0][1]"},
    {"an expectation of itself",
     "{\"version\":1," PAIR "\"wires\":[[\"X\",null],[null,\"X\"]],\"expected\":[[1,1],[1,0]]}",
     "expected[0][0]", "0 on the diagonal"},
    {"an expectation above the most",
     "{\"version\":1," PAIR "\"wires\":[[\"X\",null],[null,\"X\"]],\"expected\":[[0,37],[37,0]]}",
     "expected[0][1]", "0 to 36"},
    {"a time that is none",
     "{\"version\":1,\"observedAt\":\"yesterday\"," PAIR "\"wires\":[[\"X\",null],[null,\"X\"]]}",
     "observedAt", "wants a time"},
    {"more links on than listed",
     "{\"version\":1,\"gpus\":[{\"index\":0,\"nvlink\":{\"state\":\"listed\",\"on\":2,\"listed\":1}"
     "}],"
     "\"wires\":[[\"X\"]]}",
     "gpus[0].nvlink", "on <= listed"},
    {"links on of a GPU without",
     "{\"version\":1,\"gpus\":[{\"index\":0,\"nvlink\":{\"state\":\"none\",\"on\":1,\"listed\":1}}]"
     ","
     "\"wires\":[[\"X\"]]}",
     "gpus[0].nvlink", "listed only"},
    {"a link state that is none",
     "{\"version\":1,\"gpus\":[{\"index\":0,\"nvlink\":{\"state\":\"unknown\"}}],\"wires\":[[\"X\"]"
     "]}",
     "gpus[0].nvlink.state", "allinactive"},
    {"a fabric state that is none",
     "{\"version\":1,\"gpus\":[{\"index\":0,\"fabric\":\"ok\"}],\"wires\":[[\"X\"]]}",
     "gpus[0].fabric", "completed"},
};

static void test_refused(void) {
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        static struct topo t;
        struct err e = {0};
        memset(&t, 0x5a, sizeof t);
        bool read = annotation_decode(span_of(refused[i].text), &t, &e);
        ok(!read && strcmp(e.path, refused[i].path) == 0 && strstr(e.msg, refused[i].part),
           "%s is refused: %s: %s", refused[i].name, e.path, e.msg);
        ok(t.n == 0x5a, "and the output stays untouched");
    }
    static char huge[ANNOTATION_MAX + 2];
    struct topo t;
    struct err e = {0};
    memset(huge, ' ', ANNOTATION_MAX + 1);
    ok(!annotation_decode(span_of(huge), &t, &e) && e.code == ERR_TOO_LARGE,
       "a text above the maximum is refused");
}

static unsigned next_random(unsigned *state) {
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

static void random_text(char *out, unsigned cap, unsigned *state) {
    unsigned n = next_random(state) % 3 ? next_random(state) % cap : 0;
    for (unsigned i = 0; i < n; i++) {
        out[i] = (char)(' ' + next_random(state) % 95);
    }
}

static void random_gpu(struct gpu *g, unsigned index, unsigned *state) {
    g->index = (uint16_t)index;
    random_text(g->uuid, GPU_UUID_MAX - 8, state);
    (void)snprintf(g->uuid + strlen(g->uuid), 8, "%u", index); /* no two alike */
    random_text(g->product, GPU_PRODUCT_MAX, state);
    random_text(g->pci, GPU_PCI_MAX, state);
    random_text(g->fault, GPU_FAULT_MAX, state);
    g->memory_mib = next_random(state) % 2 ? next_random(state) : 0;
    g->numa = (int16_t)(next_random(state) % 5) - 1;
    g->mig = (uint8_t)(next_random(state) % 3);
    g->fabric = (uint8_t)(next_random(state) % FABRIC_STATE_COUNT);
    g->links.state = (uint8_t)(next_random(state) % LINKS_STATE_COUNT);
    if (g->links.state == LINKS_LISTED) {
        g->links.listed = (uint8_t)(next_random(state) % (LANES_MAX + 1));
        g->links.on = (uint8_t)(next_random(state) % (g->links.listed + 1U));
        g->links.mbps = next_random(state) % 60000;
    }
}

static void random_topo(struct topo *t, unsigned *state) {
    unsigned most = next_random(state) % 20 ? 9 : GPU_MAX;
    topo_init(t, 1 + next_random(state) % most);
    t->observed_at = next_random(state) % 2 ? (int64_t)next_random(state) * 100 : 0;
    t->nvswitch = next_random(state) % 2;
    random_text(t->source, TOPO_SOURCE_MAX, state);
    random_text(t->driver, TOPO_DRIVER_MAX, state);
    unsigned index = 0;
    for (unsigned i = 0; i < t->n; i++) {
        index += 1 + next_random(state) % 3;
        random_gpu(&t->gpu[i], index, state);
        for (unsigned j = 0; j < i; j++) {
            topo_set_wire(t, i, j, (enum wire_kind)(WIRE_NVLINK + next_random(state) % 6),
                          1 + next_random(state) % LANES_MAX);
            if (next_random(state) % 4 == 0) {
                t->wire[i][j] = (struct wire){WIRE_UNKNOWN, 0};
            }
            topo_set_expected(t, i, j, next_random(state) % (LANES_MAX + 2));
        }
    }
}

static bool same(const struct topo *a, const struct topo *b) {
    static _Alignas(8) unsigned char left[sizeof(struct topo)];
    static _Alignas(8) unsigned char right[sizeof(struct topo)];
    if (topo_packed_size(a) != topo_packed_size(b)) {
        return false;
    }
    topo_pack(a, left);
    topo_pack(b, right);
    return memcmp(left, right, topo_packed_size(a)) == 0;
}

static void test_round_trip(void) {
    static struct topo t;
    static struct topo back;
    unsigned state = 3;
    unsigned bad = 0;
    for (unsigned round = 0; round < 300; round++) {
        struct buf b = buf_new(ANNOTATION_MAX);
        struct err e = {0};
        random_topo(&t, &state);
        annotation_encode(&t, &b);
        if (!buf_ok(&b) || !annotation_decode(buf_view(&b), &back, &e) || !same(&t, &back)) {
            bad++;
            printf("# %s: %s\n", e.path, e.msg);
        }
        buf_done(&b);
    }
    is_int(bad, 0, "random topologies come back as they were written");
}

static void test_size(void) {
    static struct topo t;
    struct err e = {0};
    struct buf b = buf_new((size_t)ANNOTATION_MAX * 2);
    ok(synth_read(SPAN("72xGB200"), &t, &e), "an NVL72 rack");
    for (unsigned i = 0; i < t.n; i++) {
        memset(t.gpu[i].product, '"', GPU_PRODUCT_MAX - 1);
        memset(t.gpu[i].fault, '\\', GPU_FAULT_MAX - 1);
    }
    annotation_encode(&t, &b);
    ok(buf_ok(&b) && b.n < ANNOTATION_MAX, "the largest annotation has %zu of %d bytes", b.n,
       ANNOTATION_MAX);
    char small[64];
    struct buf full = BUF_OVER(small);
    annotation_encode(&t, &full);
    ok(!buf_ok(&full), "a full buffer shows");
    buf_done(&b);
}

int main(void) {
    test_example();
    test_refused();
    test_round_trip();
    test_size();
    return tap_done();
}
