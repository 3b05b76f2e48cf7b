/* Machines in one line. */
#include "tests/tap.h"
#include "topology/annotation.h"
#include "topology/health.h"
#include "topology/product.h"
#include "topology/smi.h"
#include "topology/synth.h"

/* "0-1:12/12 healthy ...": the pairs that are not absent. */
static const char *judged(const struct topo *t, char *text, size_t cap) {
    struct buf b = buf_over(text, cap);
    struct health h;
    health_judge(t, NULL, &h);
    for (unsigned i = 0; i < t->n; i++) {
        for (unsigned j = i + 1; j < t->n; j++) {
            if (h.pair[i][j] != PAIR_ABSENT) {
                buf_fmt(&b, "%s%u-%u:%u/%u %s", b.n ? ", " : "", i, j, t->wire[i][j].lanes,
                        t->expected[i][j], pair_state_name((enum pair_state)h.pair[i][j]));
            }
        }
    }
    return text;
}

static const struct {
    const char *line;
    const char *want;
} machines[] = {
    {"4xH100-NVL", "0-1:12/12 healthy, 2-3:12/12 healthy"},
    {"4xH100-NVL down=0-1", "0-1:0/12 down, 2-3:12/12 healthy"},
    {"4xH100-NVL bridges=0-1", "0-1:12/12 healthy"},
    {"4xH100-NVL bridges=none", ""},
    {"4xH100-NVL down=0-2 bridges=0-2,1-3", "0-2:0/12 down, 1-3:12/12 healthy"},
    {"3xH100-NVL", "0-1:12/12 healthy"},
    {"4xH100-NVL lanes=0-1:8", "0-1:8/12 degraded, 2-3:12/12 healthy"},
    {"4xH100-NVL asym=2-3:12/8", "0-1:12/12 healthy, 2-3:12/12 asymmetric"},
    {"2xH100-NVL asym=0-1:0/12", "0-1:0/12 asymmetric"},
    {"2xH100-NVL unknown=0-1", "0-1:0/12 unknown"},
    {"4xL4", ""},
    {"3xB200", "0-1:18/18 healthy, 0-2:18/18 healthy, 1-2:18/18 healthy"},
    {"1xH100-NVL", ""},
    {"2xV100-SXM2", "0-1:2/2 healthy"},
    {"\t2xA100-PCIe   down=0-1\n", "0-1:0/12 down"},
};

static const struct {
    const char *line;
    const char *part;
} refused[] = {
    {"", "COUNTxPRODUCT"},
    {"H100-NVL", "COUNTxPRODUCT"},
    {"0xH100-NVL", "1 to 72"},
    {"73xH100-NVL", "1 to 72"},
    {"-1xH100-NVL", "1 to 72"},
    {"4x", "COUNTxPRODUCT"},
    {"4xZ900", "no product \"Z900\": tpguard topology --products"},
    {"5xV100-SXM2", "1 to 4 or 8 GPUs"},
    {"4xH100-NVL down", "KEY=VALUE"},
    {"4xH100-NVL down=", "KEY=VALUE"},
    {"4xH100-NVL broken=0-1", "found \"broken=0-1\""},
    {"4xH100-NVL down=0", "down=A-B"},
    {"4xH100-NVL down=0-0", "down=A-B"},
    {"4xH100-NVL down=0-4", "down=A-B"},
    {"4xH100-NVL down=0-1,", "a comma at its end"},
    {"4xH100-NVL down=0-1-2", "down=A-B"},
    {"4xH100-NVL down=0-2", "that have NVLink between them"},
    {"4xH100-NVL lanes=0-1:0", "lanes=A-B:N"},
    {"4xH100-NVL lanes=0-1:13", "lanes=A-B:N"},
    {"4xH100-NVL lanes=0-1", "lanes=A-B:N"},
    {"4xH100-NVL asym=0-1:12", "asym=A-B:N/M"},
    {"4xH100-NVL asym=0-1:12/12", "differ"},
    {"4xH100-NVL asym=0-1:12/37", "asym=A-B:N/M"},
    {"4xH100-NVL bridges=0-1,1-2", "one bridge a GPU"},
    {"4xH100-SXM bridges=0-1", "a product with bridges"},
    {"4xH100-NVL fabric=in-progress", "NVSwitch"},
    {"4xH100-SXM fabric=fast", "fabric="},
    {"4xH100-NVL mig=4", "mig=N"},
    {"4xH100-NVL fault=x", "fault=N"},
    {"4xH100-NVL cpu=0", "1 to 8 sockets"},
    {"4xH100-NVL cpu=2 cpu=2", "once"},
    {"4xH100-NVL driver=\x1b[2J", "printable"},
};

static void test_lines(void) {
    static struct topo t;
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        struct err e = {0};
        char text[256];
        bool read = synth_read(span_of(machines[i].line), &t, &e);
        is_str(read ? judged(&t, text, sizeof text) : e.msg, machines[i].want, machines[i].line);
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct err e = {0};
        t.n = 77;
        ok(!synth_read(span_of(refused[i].line), &t, &e) && t.n == 77 && e.code == ERR_INPUT &&
               strstr(e.msg, refused[i].part),
           "%zu is refused: %s", i, e.msg);
    }
    static char huge[SYNTH_MAX + 2];
    struct err e = {0};
    memset(huge, ' ', SYNTH_MAX + 1);
    ok(!synth_read(span_of(huge), &t, &e) && e.code == ERR_TOO_LARGE, "a huge line is refused");
}

static void test_facts(void) {
    static struct topo t;
    struct err e = {0};
    ok(synth_read(SPAN("8xH100-SXM fabric=in-progress mig=3 fault=5,6 cpu=4 driver=550.163.01"), &t,
                  &e),
       "a machine with a history");
    is_int(t.gpu[0].fabric, FABRIC_IN_PROGRESS, "its fabric");
    is_int(t.gpu[3].mig, TRI_YES, "MIG on one GPU");
    is_int(t.gpu[2].mig, TRI_NO, "and not on another");
    ok(t.gpu[5].fault[0] && t.gpu[6].fault[0] && !t.gpu[7].fault[0], "two faults");
    is_int(t.gpu[7].numa, 3, "four sockets");
    is_str(t.driver, "550.163.01", "its driver");
    is_str(t.source, "synthetic", "its source");
    ok(t.nvswitch, "it has NVSwitch");
    is_int(t.gpu[0].links.on, 18, "all links up");
    ok(synth_read(SPAN("4xH100-NVL down=0-1"), &t, &e) &&
           t.gpu[0].links.state == LINKS_ALL_INACTIVE && t.gpu[2].links.on == 12 &&
           t.gpu[2].links.listed == 18,
       "links follow from the wires");
    is_int(t.wire[0][1].kind, WIRE_NODE, "under a dead bridge lies PCIe");
    is_int(t.wire[0][2].kind, WIRE_SYS, "and the sockets between the pairs");
}

/* Every product makes a healthy machine, recognised by its name, that survives its annotation, and
 * of which the readers expect what was built. */
static void test_products(void) {
    static struct topo t;
    static struct topo back;
    unsigned n = 0;
    const struct product *rows = product_table(&n);
    for (unsigned i = 0; i < n; i++) {
        char line[80];
        struct err e = {0};
        bool varies = rows[i].build == NVLINK_MESH && !rows[i].lanes_mesh;
        (void)snprintf(line, sizeof line, "%ux%s", varies ? 1 : 4, rows[i].synth);
        if (!ok(synth_read(span_of(line), &t, &e), "%s %s", line, e.msg)) {
            continue;
        }
        struct buf b = buf_new(ANNOTATION_MAX);
        annotation_encode(&t, &b);
        bool same = product_find(span_of(t.gpu[0].product)) == &rows[i] &&
                    annotation_decode(buf_view(&b), &back, &e);
        buf_done(&b);
        struct health h;
        health_judge(&back, NULL, &h);
        bool linked = rows[i].lanes_pair || rows[i].lanes_mesh;
        ok(same && strcmp(health_label(&h).nvlink, linked && !varies ? "healthy" : "none") == 0,
           "%s is what it says", line);
        for (unsigned a = 0; a < back.n; a++) {
            for (unsigned c = a + 1; c < back.n; c++) {
                topo_set_expected(&back, a, c, EXPECTED_UNKNOWN);
            }
        }
        smi_expect(&back);
        health_judge(&back, NULL, &h);
        ok(strcmp(health_label(&h).nvlink, linked && !varies ? "healthy" : "none") == 0,
           "%s is healthy by the product table as well", line);
    }
}

int main(void) {
    test_lines();
    test_facts();
    test_products();
    return tap_done();
}
