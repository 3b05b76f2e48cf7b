/* Drawings, whole, as a terminal shows them. */
#include "tests/tap.h"
#include "topology/draw.h"
#include "topology/synth.h"

static struct topo topo;
static struct health health;

static void build(const char *line, struct gpuset cordoned) {
    struct err e = {0};
    struct health_rules rules = {.cordoned = cordoned};
    if (!ok(synth_read(span_of(line), &topo, &e), "%s %s", line, e.msg)) {
        topo_init(&topo, 1);
    }
    health_judge(&topo, &rules, &health);
}

static const struct {
    const char *line;
    const char *want;
} summaries[] = {
    {"4xH100-NVL down=0-1", "4 x H100 NVL, NVLink pair 2-3 healthy, 0-1 down"},
    {"4xH100-NVL", "4 x H100 NVL, NVLink pairs 0-1 and 2-3 healthy"},
    {"8xH100-SXM", "8 x H100 SXM, NVLink among all 8 healthy"},
    {"2xH100-NVL", "2 x H100 NVL, NVLink pair 0-1 healthy"},
    {"4xL40S", "4 x L40S, no NVLink"},
    {"1xB200", "1 x B200, nothing to pair it with"},
    {"2xA30 unknown=0-1", "2 x A30, wiring unknown"},
    {"4xA30 unknown=0-1", "4 x A30, NVLink pair 2-3 healthy, 0-1 unknown"},
    {"4xB200 down=1-0,1-2,1-3", "4 x B200, NVLink set {0,2,3} healthy, GPU 1 down to all peers"},
    {"4xB200 lanes=0-1:16", "4 x B200, NVLink sets {0,2,3} and {1,2,3} healthy, 0-1 degraded"},
    {"2xA30 asym=0-1:4/2", "2 x A30, 0-1 asymmetric"},
    {"12xH100-NVL down=0-1,2-3,4-5,6-7,8-9",
     "12 x H100 NVL, NVLink pair 10-11 healthy, 0-1 2-3 4-5 6-7 and 1 more down"},
    {"12xH100-NVL", "12 x H100 NVL, NVLink pairs 0-1, 2-3, 4-5, 6-7 and more healthy"},
    {"4xB200 mig=1 fault=2", "4 x B200, NVLink pair 0-3 healthy, fault on GPU 2, MIG on GPU 1"},
    {"8xB200 fabric=failed", "8 x B200, fabric not completed on GPU 0..7"},
    {"72xGB200 fault=3", "72 x GB200, NVLink set {0,1,2,4..71} healthy, fault on GPU 3"},
};

static void test_summaries(void) {
    for (size_t i = 0; i < sizeof summaries / sizeof summaries[0]; i++) {
        char text[512];
        struct buf b = BUF_OVER(text);
        build(summaries[i].line, gpuset_none());
        draw_summary(&topo, &health, &b);
        is_str(text, summaries[i].want, "its summary");
    }
    char text[512];
    struct buf b = BUF_OVER(text);
    topo_init(&topo, 3);
    health_judge(&topo, NULL, &health);
    draw_summary(&topo, &health, &b);
    is_str(text, "3 GPUs, wiring unknown", "a machine of which nothing is known");
    build("3xA30", gpuset_none());
    (void)snprintf(topo.gpu[1].product, sizeof topo.gpu[1].product, "NVIDIA A40");
    (void)snprintf(topo.gpu[2].product, sizeof topo.gpu[2].product, "Odd Card");
    buf_reset(&b);
    draw_summary(&topo, &health, &b);
    is_str(text, "1 x A30 + 1 x A40 + 1 x Odd Card, NVLink pair 0-1 healthy", "mixed products");
}

static void test_matrix(void) {
    char text[4096];
    struct buf b = BUF_OVER(text);
    struct draw_opts o = {.ascii = true, .indent = 2};
    build("4xH100-NVL down=0-1 asym=2-3:12/8", gpuset_none());
    draw_matrix(&topo, &health, &o, &b);
    is_str(text,
           "        GPU0  GPU1  GPU2  GPU3\n"
           "  GPU0   .    DOWN  SYS   SYS\n"
           "  GPU1  DOWN   .    SYS   SYS\n"
           "  GPU2  SYS   SYS    .    ASYM\n"
           "  GPU3  SYS   SYS   ASYM   .\n",
           "the matrix");

    build("4xB200 lanes=0-1:16 unknown=2-3 mig=1", gpuset_one(3));
    o = (struct draw_opts){.show_use = true, .busy = gpuset_one(2), .marked = gpuset_first(2)};
    buf_reset(&b);
    draw_matrix(&topo, &health, &o, &b);
    is_str(text,
           "       GPU0   GPU1   GPU2   GPU3\n"
           "GPU0    .     16/18  NV18   NV18   free  <\n"
           "GPU1   16/18   .     NV18   NV18   free  MIG  <\n"
           "GPU2   NV18   NV18    .     ?      busy\n"
           "GPU3   NV18   NV18   ?       .     free  cordoned\n",
           "with use, notes and marks");

    build("2xA30 down=0-1", gpuset_none());
    o = (struct draw_opts){.colour = true};
    buf_reset(&b);
    draw_matrix(&topo, &health, &o, &b);
    is_str(text,
           "      GPU0  GPU1\n"
           "GPU0  \x1b[2m .\x1b[0m    \x1b[31mDOWN\x1b[0m\n"
           "GPU1  \x1b[31mDOWN\x1b[0m  \x1b[2m .\x1b[0m\n",
           "in colour the columns stay where they are");
}

static const struct {
    const char *line;
    const char *want;
} pictures[] = {
    {"4xH100-NVL down=0-1", "+------+          +------+   +------+          +------+\n"
                            "| GPU0 |.. DOWN ..| GPU1 |   | GPU2 |== NV12 ==| GPU3 |\n"
                            "+------+          +------+   +------+          +------+\n"},
    {"3xH100-NVL lanes=0-1:8", "+------+          +------+   +------+\n"
                               "| GPU0 |== 8/12 ==| GPU1 |   | GPU2 |\n"
                               "+------+          +------+   +------+\n"},
    {"4xB200 down=3-0,3-1,3-2 lanes=0-1:9", "+------+  +------+  +------+  +------+\n"
                                            "| GPU0 |  | GPU1 |  | GPU2 |  | GPU3 |\n"
                                            "+---+--+  +---+--+  +---+--+  +------+\n"
                                            "  NV18      NV18      NV18      DOWN\n"
                                            "====+=========+=========+=============  NVSwitch\n"
                                            "GPU0 - GPU1: 9/18\n"},
    {"8xV100-SXM2", "NVLink set of 4: GPU 0..3  (NV1 to NV2)\n"
                    "NVLink set of 4: GPU 4..7  (NV1 to NV2)\n"
                    "NVLink set of 2: GPU 0,4  (NV2)\n"
                    "NVLink set of 2: GPU 1,5  (NV2)\n"
                    "NVLink set of 2: GPU 2,6  (NV1)\n"
                    "NVLink set of 2: GPU 3,7  (NV1)\n"},
    {"72xGB200", "NVLink set of 72: GPU 0..71  (NV18)\n"},
    {"10xH100-NVL down=0-1", "NVLink set of 2: GPU 2,3  (NV12)\n"
                             "NVLink set of 2: GPU 4,5  (NV12)\n"
                             "NVLink set of 2: GPU 6,7  (NV12)\n"
                             "NVLink set of 2: GPU 8,9  (NV12)\n"},
};

static void test_pictures(void) {
    for (size_t i = 0; i < sizeof pictures / sizeof pictures[0]; i++) {
        char text[8192];
        struct buf b = BUF_OVER(text);
        struct draw_opts o = {.ascii = true};
        build(pictures[i].line, gpuset_none());
        draw_picture(&topo, &health, &o, &b);
        is_str(text, pictures[i].want, "its picture");
    }
    char text[8192];
    struct buf b = BUF_OVER(text);
    struct draw_opts o = {.indent = 1};
    build("2xA30", gpuset_none());
    topo.gpu[1].index = 1023;
    draw_picture(&topo, &health, &o, &b);
    is_str(text,
           " \xe2\x94\x8c\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80"
           "\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x90          "
           "\xe2\x94\x8c\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80"
           "\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x90\n"
           " \xe2\x94\x82  GPU0   \xe2\x95\x9e\xe2\x95\x90\xe2\x95\x90 NV4 \xe2\x95\x90\xe2\x95\x90"
           "\xe2\x95\x90\xe2\x95\xa1 GPU1023 \xe2\x94\x82\n"
           " \xe2\x94\x94\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80"
           "\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x98          "
           "\xe2\x94\x94\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80"
           "\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x98\n",
           "with line-drawing characters, boxes as wide as the longest name");
    struct topo none;
    struct health nothing;
    buf_reset(&b);
    topo_init(&none, 0);
    health_judge(&none, NULL, &nothing);
    draw_picture(&none, &nothing, &o, &b);
    is_str(text, "", "no GPU, no picture");
}

/* Every drawing of every small machine fits and is printable. */
static void test_any_machine(void) {
    static const char *const words[] = {"H100-NVL", "H100-SXM", "V100-SXM2", "L4"};
    unsigned bad = 0;
    for (unsigned n = 1; n <= 8; n++) {
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            char line[40];
            char text[16384];
            struct err e = {0};
            struct buf b = BUF_OVER(text);
            struct draw_opts o = {.ascii = true, .indent = n};
            (void)snprintf(line, sizeof line, "%ux%s", n, words[k]);
            if (!synth_read(span_of(line), &topo, &e)) {
                continue;
            }
            health_judge(&topo, NULL, &health);
            draw_summary(&topo, &health, &b);
            draw_matrix(&topo, &health, &o, &b);
            draw_picture(&topo, &health, &o, &b);
            bad += !buf_ok(&b);
            for (size_t i = 0; i < b.n; i++) {
                bad += (text[i] < ' ' || text[i] > '~') && text[i] != '\n';
                bad += text[i] == '\n' && i > 0 && text[i - 1] == ' ';
            }
        }
    }
    is_int(bad, 0, "plain drawings are ASCII, without blanks at line ends");
}

int main(void) {
    test_summaries();
    test_matrix();
    test_pictures();
    test_any_machine();
    return tap_done();
}
