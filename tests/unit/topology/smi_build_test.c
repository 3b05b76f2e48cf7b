/* Matrix and links together: what a pair should have, and what is left of it. */
#include "tests/tap.h"
#include "topology/buf.h"
#include "topology/health.h"
#include "topology/smi.h"

/* "healthy/2 0-1:12/12 2-3:8/12 degraded": label, largest set, and each pair that is not absent;
 * the state is named where it is not healthy; expected ? is unknown. */
static const char *judged(const struct topo *t, char *text, size_t cap) {
    struct buf b = buf_over(text, cap);
    struct health h;
    health_judge(t, NULL, &h);
    struct health_labels l = health_label(&h);
    buf_fmt(&b, "%s%s/%u", t->nvswitch ? "switch " : "", l.nvlink, l.nvlink_set);
    for (unsigned i = 0; i < t->n; i++) {
        for (unsigned j = i + 1; j < t->n; j++) {
            if (h.pair[i][j] == PAIR_ABSENT) {
                continue;
            }
            buf_fmt(&b, " %u-%u:%u/", t->gpu[i].index, t->gpu[j].index, t->wire[i][j].lanes);
            if (t->expected[i][j] == EXPECTED_UNKNOWN) {
                buf_char(&b, '?');
            } else {
                buf_u64(&b, t->expected[i][j]);
            }
            if (h.pair[i][j] != PAIR_HEALTHY) {
                buf_fmt(&b, " %s", pair_state_name((enum pair_state)h.pair[i][j]));
            }
        }
    }
    return text;
}

/* Square matrices as rows of words: "X NV4;NV4 X". */
static void put_matrix(struct buf *b, const char *rows) {
    struct span rest = span_of(rows);
    struct span first = span_upto(rest, span_find(rest, ';'));
    for (unsigned i = 0; first.n; i++) {
        (void)span_cut(&first, ' ');
        buf_fmt(b, "\tGPU%u", i);
    }
    buf_char(b, '\n');
    for (unsigned i = 0; rest.n; i++) {
        struct span row = span_cut(&rest, ';');
        buf_fmt(b, "GPU%u", i);
        while (row.n) {
            buf_char(b, '\t');
            buf_span(b, span_cut(&row, ' '));
        }
        buf_char(b, '\n');
    }
}

/* "0 NVIDIA A30=4/4;1 NVIDIA A30=inactive": on/listed of each GPU. */
static void put_links(struct buf *b, const char *gpus) {
    struct span rest = span_of(gpus);
    while (rest.n) {
        struct span names = span_cut(&rest, ';');
        struct span index = span_cut(&names, ' ');
        struct span links = names;
        struct span product = span_cut(&links, '=');
        uint32_t on = 0;
        uint32_t listed = 0;
        buf_fmt(b, "GPU " SPAN_FMT ": " SPAN_FMT "\n", SPAN_ARG(index), SPAN_ARG(product));
        if (span_is(links, "inactive")) {
            buf_str(b, "NVML: all links are inActive\n");
        } else if (span_is(links, "none")) {
            buf_str(b, "Device does not have or support Nvlink\n");
        } else {
            struct span tail = links;
            (void)!span_u32(span_cut(&tail, '/'), LANES_MAX, &on);
            (void)!span_u32(tail, LANES_MAX, &listed);
        }
        for (uint32_t k = 0; k < listed; k++) {
            buf_fmt(b, k < on ? "\t Link %u: 25 GB/s\n" : "\t Link %u: <inactive>\n", k);
        }
    }
}

#define NV6X4  "X NV6 NV6 NV6;NV6 X NV6 NV6;NV6 NV6 X NV6;NV6 NV6 NV6 X"
#define NV18X4 "X NV18 NV18 NV18;NV18 X NV18 NV18;NV18 NV18 X NV18;NV18 NV18 NV18 X"
#define PAIRS  "X NV12 SYS SYS;NV12 X SYS SYS;SYS SYS X NV12;SYS SYS NV12 X"

static const struct {
    const char *name;
    const char *matrix;
    const char *links; /* "" none */
    const char *want;
} machines[] = {
    {"bridge pairs without product: healthy, nothing expected", PAIRS, "",
     "healthy/2 0-1:12/? 2-3:12/?"},
    {"bridged H100 NVL, 12 of 18 links being full", PAIRS,
     "0 NVIDIA H100 NVL=12/18;1 NVIDIA H100 NVL=12/18;2 NVIDIA H100 NVL=12/18;3 NVIDIA H100 "
     "NVL=12/18",
     "healthy/2 0-1:12/12 2-3:12/12"},
    {"a half-seated bridge", "X NV8;NV8 X", "0 NVIDIA H100 NVL=8/18;1 NVIDIA H100 NVL=8/18",
     "degraded/0 0-1:8/12 degraded"},
    {"a bridge beside an unbridged pair: absent or down, a baseline tells",
     "X SYS SYS SYS;SYS X SYS SYS;SYS SYS X NV12;SYS SYS NV12 X",
     "0 NVIDIA H100 NVL=inactive;1 NVIDIA H100 NVL=inactive;2 NVIDIA H100 NVL=12/18;3 NVIDIA H100 "
     "NVL=12/18",
     "healthy/2 2-3:12/12"},
    {"a bridge in the matrix whose links are all inactive", "X NV12;NV12 X",
     "0 NVIDIA H100 NVL=inactive;1 NVIDIA H100 NVL=inactive", "degraded/0 0-1:0/12 down"},
    {"the same seen from one side only", "X NV12;NV12 X", "1 NVIDIA H100 NVL=inactive",
     "degraded/0 0-1:0/12 down"},
    {"four-way bridges share the links out", NV6X4,
     "0 NVIDIA H200 NVL=18/18;1 NVIDIA H200 NVL=18/18;2 NVIDIA H200 NVL=18/18;3 NVIDIA H200 "
     "NVL=18/18",
     "healthy/4 0-1:6/6 0-2:6/6 0-3:6/6 1-2:6/6 1-3:6/6 2-3:6/6"},
    {"cards without NVLink", "X PIX;PIX X", "0 NVIDIA L40S=none;1 NVIDIA L40S=none", "none/0"},
    {"a four-GPU board without switch", NV6X4,
     "0 NVIDIA H100 80GB HBM3=18/18;1 NVIDIA H100 80GB HBM3=18/18;2 NVIDIA H100 80GB "
     "HBM3=18/18;3 NVIDIA H100 80GB HBM3=18/18",
     "healthy/4 0-1:6/6 0-2:6/6 0-3:6/6 1-2:6/6 1-3:6/6 2-3:6/6"},
    {"the same without products", NV6X4, "",
     "healthy/4 0-1:6/6 0-2:6/6 0-3:6/6 1-2:6/6 1-3:6/6 2-3:6/6"},
    {"one short pair on such a board", "X NV4 NV6 NV6;NV4 X NV6 NV6;NV6 NV6 X NV6;NV6 NV6 NV6 X",
     "", "degraded/3 0-1:4/6 degraded 0-2:6/6 0-3:6/6 1-2:6/6 1-3:6/6 2-3:6/6"},
    {"NVSwitch", NV18X4, "",
     "switch healthy/4 0-1:18/18 0-2:18/18 0-3:18/18 1-2:18/18 1-3:18/18 2-3:18/18"},
    {"a GPU that lost links behind NVSwitch",
     "X NV18 NV16 NV18;NV18 X NV16 NV18;NV16 NV16 X NV16;NV18 NV18 NV16 X", "",
     "switch degraded/3 0-1:18/18 0-2:16/18 degraded 0-3:18/18 1-2:16/18 degraded 1-3:18/18 "
     "2-3:16/18 degraded"},
    {"a GPU that fell off NVSwitch",
     "X NV18 NODE NV18;NV18 X SYS NV18;NODE SYS X SYS;NV18 NV18 SYS X", "",
     "switch degraded/3 0-1:18/18 0-2:0/18 down 0-3:18/18 1-2:0/18 down 1-3:18/18 2-3:0/18 down"},
    {"links of one GPU down that the matrix does not show", NV18X4, "2 NVIDIA H100 80GB HBM3=16/18",
     "switch degraded/3 0-1:18/18 0-2:16/18 degraded 0-3:18/18 1-2:16/18 degraded 1-3:18/18 "
     "2-3:16/18 degraded"},
    {"all links of one GPU down that the matrix does not show", NV18X4,
     "2 NVIDIA H100 80GB HBM3=inactive",
     "switch degraded/3 0-1:18/18 0-2:0/18 down 0-3:18/18 1-2:0/18 down 1-3:18/18 2-3:0/18 down"},
    {"two GPUs behind NVSwitch that lost links alike", "X NV16;NV16 X",
     "0 NVIDIA H100 80GB HBM3=16/18;1 NVIDIA H100 80GB HBM3=16/18",
     "switch degraded/0 0-1:16/18 degraded"},
    {"a whole board without links", "X SYS;SYS X",
     "0 NVIDIA H100 80GB HBM3=inactive;1 NVIDIA H100 80GB HBM3=inactive",
     "degraded/0 0-1:0/18 down"},
    {"a part of the V100 cube mesh: mixed by design",
     "X NV1 NV1 NV2;NV1 X NV2 NV1;NV1 NV2 X NV2;NV2 NV1 NV2 X", "",
     "healthy/4 0-1:1/? 0-2:1/? 0-3:2/? 1-2:2/? 1-3:1/? 2-3:2/?"},
    {"a display GPU on a board without switch",
     "X NV4 NV4 SYS NV4;NV4 X NV4 SYS NV4;NV4 NV4 X SYS NV4;SYS SYS SYS X SYS;NV4 NV4 NV4 SYS X",
     "", "healthy/4 0-1:4/4 0-2:4/4 0-4:4/4 1-2:4/4 1-4:4/4 2-4:4/4"},
    {"directions that disagree stay so", "X NV12;SYS X",
     "0 NVIDIA H100 NVL=12/18;1 NVIDIA H100 NVL=12/18", "degraded/0 0-1:12/12 asymmetric"},
    {"a cut link text says nothing about its GPU", "X NV12;NV12 X",
     "0 NVIDIA H100 NVL=2/2;1 NVIDIA H100 NVL=12/18", "healthy/2 0-1:12/12"},
    {"one GPU", "X", "0 NVIDIA H100 NVL=inactive", "none/0"},
};

static void test_machines(void) {
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        struct buf topo_text = buf_new(SMI_TEXT_MAX);
        struct buf links_text = buf_new(SMI_TEXT_MAX);
        struct topo t;
        struct err e = {0};
        char text[512];
        put_matrix(&topo_text, machines[i].matrix);
        put_links(&links_text, machines[i].links);
        bool read = smi_read(buf_view(&topo_text), buf_view(&links_text), 0, &t, &e);
        is_str(read ? judged(&t, text, sizeof text) : e.msg, machines[i].want, machines[i].name);
        buf_done(&topo_text);
        buf_done(&links_text);
    }
}

static bool reads(const char *matrix, const char *links, struct topo *t, struct err *e) {
    struct buf topo_text = buf_new(SMI_TEXT_MAX);
    put_matrix(&topo_text, matrix);
    bool read = smi_read(buf_view(&topo_text), span_of(links), 99, t, e);
    buf_done(&topo_text);
    return read;
}

static void test_two_machines(void) {
    struct topo t = {.n = 77};
    struct err e = {0};
    ok(!reads("X NV4;NV4 X", "GPU 2: NVIDIA A30\nNVML: all links are inActive\n", &t, &e) &&
           e.code == ERR_INPUT && t.n == 77,
       "links of a GPU that the matrix does not have: %s", e.msg);
    ok(!reads("X NV4;NV4 X", "No NVLink devices found.\n", &t, &e) && e.code == ERR_INPUT,
       "NVLink in one text and none in the other: %s", e.msg);
    ok(!reads("X NV4;NV4 X", "GPU 0: NVIDIA L4\nDevice does not have or support Nvlink\n", &t,
              &e) &&
           e.code == ERR_INPUT,
       "NVLink on a GPU that has none: %s", e.msg);
    ok(!reads("X NV4;NV4 X", "hello\n", &t, &e) && strstr(e.msg, "nvlink text: "),
       "an error says which text it is about: %s", e.msg);
    ok(reads("X SYS;SYS X", "No NVLink devices found.\n", &t, &e) && t.expected[0][1] == 0 &&
           t.gpu[1].links.state == LINKS_NONE,
       "a node without NVLink expects none");
}

static void test_facts(void) {
    struct topo t;
    struct err e = {0};
    ok(reads("X NV4;NV4 X",
             "GPU 0: NVIDIA A30 (UUID: GPU-1)\nLink 0: 25 GB/s\nLink 1: 25 GB/s\nLink 2: 25 GB/s\n"
             "Link 3: 25 GB/s\n",
             &t, &e),
       "links of some GPUs are enough");
    is_str(t.gpu[0].product, "NVIDIA A30", "the product goes to its GPU");
    is_str(t.gpu[0].uuid, "GPU-1", "and the UUID");
    is_str(t.source, "nvidia-smi", "the source is said");
    is_int(t.observed_at, 99, "and the time");
    is_int(t.gpu[0].links.on, 4, "and the links");
    is_int(t.gpu[1].links.state, LINKS_UNKNOWN, "the other GPU's links are unknown");
    ok(reads("X NV4;NV4 X",
             "GPU 0: NVIDIA A30 (UUID: GPU-x)\nNVML: all links are inActive\n"
             "GPU 1: NVIDIA A30 (UUID: GPU-x)\nNVML: all links are inActive\n",
             &t, &e) &&
           !t.gpu[0].uuid[0] && !t.gpu[1].uuid[0],
       "a UUID that two GPUs share names neither");
}

int main(void) {
    test_machines();
    test_two_machines();
    test_facts();
    return tap_done();
}
