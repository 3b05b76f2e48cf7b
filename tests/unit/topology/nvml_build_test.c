/* Answers of the driver -> wiring, without a driver. */
#include "topology/annotation.h"
#include "topology/health.h"
#include "topology/nvml.h"
#include "topology/nvml_abi.h"

#include "tests/tap.h"
#include "wiring.h"

static struct raw_facts f;
static struct topo t;
static struct health h;

static void machine(unsigned n, const char *product) {
    memset(&f, 0, sizeof f);
    f.n = (uint8_t)n;
    for (unsigned i = 0; i < n; i++) {
        struct raw_gpu *g = &f.gpu[i];
        (void)snprintf(g->name, sizeof g->name, "%s", product);
        (void)snprintf(g->uuid, sizeof g->uuid, "GPU-%u", i);
        g->pci.bus = 16 + i;
        g->n_links = 1;
        g->fabric.rc = NVML_NOT_SUPPORTED;
        g->link[0].state_rc = NVML_NOT_SUPPORTED;
        for (unsigned j = 0; j < n; j++) {
            f.pair[i][j].level = 40;
        }
    }
}

static struct raw_link *add_link(unsigned i, enum raw_remote type) {
    struct raw_gpu *g = &f.gpu[i];
    bool first = g->n_links == 1 && g->link[0].state_rc == NVML_NOT_SUPPORTED;
    struct raw_link *k = &g->link[first ? 0 : g->n_links++];
    memset(k, 0, sizeof *k);
    k->active = 1;
    k->type = (uint8_t)type;
    return k;
}

static void link_to(unsigned i, unsigned j, unsigned lanes) {
    for (unsigned k = 0; k < lanes; k++) {
        add_link(i, REMOTE_GPU)->remote = f.gpu[j].pci;
    }
}

static void link_both_ways(unsigned i, unsigned j, unsigned lanes) {
    link_to(i, j, lanes);
    link_to(j, i, lanes);
}

static void link_switch(unsigned i, unsigned lanes) {
    for (unsigned k = 0; k < lanes; k++) {
        add_link(i, REMOTE_SWITCH)->remote.bus = 0xf0;
    }
}

static enum pair_state build(unsigned a, unsigned b) {
    struct err e = {0};
    facts_tame(&f);
    if (!facts_build(&f, &t, &e)) {
        return PAIR_STATE_COUNT;
    }
    health_judge(&t, NULL, &h);
    return (enum pair_state)h.pair[a][b];
}

static void levels(void) {
    static const struct {
        uint8_t level;
        enum wire_kind kind;
    } rows[] = {{0, WIRE_PIX},   {10, WIRE_PIX}, {20, WIRE_PXB}, {30, WIRE_PHB},
                {40, WIRE_NODE}, {50, WIRE_SYS}, {255, WIRE_SYS}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        machine(2, "NVIDIA L40S");
        f.pair[0][1].level = f.pair[1][0].level = rows[i].level;
        is_int(build(0, 1), PAIR_ABSENT, "no NVLink");
        is_int(t.wire[0][1].kind, rows[i].kind, "PCIe level");
        is_int(t.gpu[0].links.state, LINKS_NONE, "and says so");
    }
    machine(2, "NVIDIA L40S");
    add_link(0, REMOTE_UNKNOWN)->active = 0;
    (void)build(0, 1);
    is_int(t.gpu[0].links.state, LINKS_NONE, "inactive links on a product without NVLink");
    machine(2, "NVIDIA L40S");
    f.pair[0][1].level_rc = f.pair[1][0].level_rc = NVML_UNKNOWN;
    is_int(build(0, 1), PAIR_ABSENT, "the level is not told");
    is_int(t.wire[0][1].kind, WIRE_SYS, "the slowest promises nothing");
}

static void bridges(void) {
    machine(4, "NVIDIA H100 NVL");
    link_both_ways(0, 1, 12);
    link_both_ways(2, 3, 12);
    is_int(build(0, 1), PAIR_HEALTHY, "bridge 0-1");
    is_int(h.pair[2][3], PAIR_HEALTHY, "bridge 2-3");
    is_int(h.pair[0][2], PAIR_ABSENT, "nothing between the bridges");
    is_int(t.expected[0][1], 12, "the product's lanes are expected");
    ok(!t.nvswitch, "no switch");
    is_str(t.gpu[1].pci, "00000000:11:00.0", "PCI address in the way nvidia-smi writes it");
    is_str(t.source, "nvml", "source");

    f.gpu[0].link[3].active = 0;
    is_int(build(0, 1), PAIR_ASYMMETRIC, "down on one side only");
    f.gpu[1].link[3].active = 0;
    is_int(build(0, 1), PAIR_DEGRADED, "down on both");
    is_int(t.wire[0][1].lanes, 11, "eleven are left");
    is_int(t.gpu[0].links.on, 11, "links on");
    is_int(t.gpu[0].links.listed, 12, "of twelve");
    for (unsigned k = 0; k < 12; k++) {
        f.gpu[0].link[k].active = f.gpu[1].link[k].active = 0;
    }
    is_int(build(0, 1), PAIR_DOWN, "all down, and both ends still tell where they lead");
    is_int(t.expected[0][1], 12, "that is what was fitted");
    for (unsigned k = 0; k < 12; k++) {
        f.gpu[0].link[k].remote_rc = NVML_NOT_SUPPORTED;
    }
    is_int(build(0, 1), PAIR_ABSENT, "one end alone is no evidence");
    is_int(t.gpu[0].links.state, LINKS_ALL_INACTIVE, "all inactive");
}

static void unknowns(void) {
    machine(2, "NVIDIA H100 NVL");
    link_both_ways(0, 1, 12);
    f.gpu[0].link[5].state_rc = NVML_UNKNOWN;
    f.gpu[0].link[5].active = 0;
    is_int(build(0, 1), PAIR_UNKNOWN, "one link state not told");
    is_int(t.gpu[0].links.state, LINKS_UNKNOWN, "the links are unknown");
    f.gpu[0].link[5].remote_rc = NVML_UNKNOWN;
    is_int(build(0, 1), PAIR_UNKNOWN, "nor where it leads");

    machine(2, "NVIDIA H100 NVL");
    link_both_ways(0, 1, 12);
    f.pair[0][1].p2p = f.pair[1][0].p2p = 4;
    is_int(build(0, 1), PAIR_UNKNOWN, "links up, but peers are switched off: unknown");
    f.pair[0][1].p2p = f.pair[1][0].p2p = 6;
    is_int(build(0, 1), PAIR_HEALTHY, "peer status unknown contradicts nothing");
    f.pair[0][1].p2p = f.pair[1][0].p2p = 5;
    f.gpu[1].mig = 1;
    is_int(build(0, 1), PAIR_HEALTHY, "with MIG no peer access is as it should be");
    is_int(h.block[1], BLOCK_MIG, "the GPU is blocked anyway");

    machine(2, "NVIDIA H100 NVL");
    f.gpu[0].link[0].state_rc = RC_NOT_ASKED;
    is_int(build(0, 1), PAIR_UNKNOWN, "a library without link states");
    machine(2, "NVIDIA L40S");
    f.gpu[0].link[0].state_rc = RC_NOT_ASKED;
    is_int(build(0, 1), PAIR_ABSENT, "... does not matter on a card without NVLink");

    machine(2, "NVIDIA H100 NVL");
    link_both_ways(0, 1, 12);
    add_link(0, REMOTE_GPU)->remote.bus = 0x99;
    is_int(build(0, 1), PAIR_HEALTHY, "a link to a GPU that nobody here sees");
    ok(!t.nvswitch, "is no switch");
    machine(2, "NVIDIA H100 NVL");
    for (unsigned k = 0; k < 12; k++) {
        add_link(0, REMOTE_UNKNOWN)->remote_rc = NVML_NOT_SUPPORTED;
        add_link(1, REMOTE_UNKNOWN)->remote_rc = NVML_NOT_SUPPORTED;
    }
    is_int(build(0, 1), PAIR_ABSENT, "links to nobody on a bridge product are no switch");
}

static void switches(void) {
    machine(8, "NVIDIA H100 80GB HBM3");
    for (unsigned i = 0; i < 8; i++) {
        link_switch(i, 18);
        f.gpu[i].fabric = (struct raw_fabric){.version = 3, .state = 3};
    }
    is_int(build(0, 7), PAIR_HEALTHY, "through the switch");
    ok(t.nvswitch, "nvswitch");
    is_int(t.wire[2][5].lanes, 18, "18 lanes");
    f.gpu[5].link[17].active = 0;
    is_int(build(0, 5), PAIR_DEGRADED, "a link less is missing in every pair of that GPU");
    is_int(h.pair[0][4], PAIR_HEALTHY, "and in no other");
    is_int(t.wire[0][5].lanes, 17, "both ways the same");
    is_int(t.wire[5][0].lanes, 17, "both ways the same, from the other side");
    for (unsigned k = 0; k < 18; k++) {
        f.gpu[5].link[k].active = 0;
        f.gpu[5].link[k].remote_rc = f.gpu[5].link[k].type_rc = NVML_NOT_SUPPORTED;
    }
    is_int(build(0, 5), PAIR_DOWN, "all links of one GPU down");
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned k = 0; k < 18; k++) {
            f.gpu[i].link[k] = (struct raw_link){.remote_rc = NVML_NOT_SUPPORTED,
                                                 .active = 1,
                                                 .type_rc = RC_NOT_ASKED,
                                                 .type = REMOTE_UNKNOWN};
        }
    }
    is_int(build(0, 7), PAIR_HEALTHY, "a driver that hides the switches, on a switch product");
    f.gpu[1].fabric.clique = 7;
    is_int(build(0, 1), PAIR_DOWN, "another partition of the fabric");
    is_int(h.pair[0][2], PAIR_HEALTHY, "the same one");
}

static void fabrics(void) {
    static const struct {
        struct raw_fabric fabric;
        enum fabric_state want;
        const char *what;
    } rows[] = {
        {{.rc = NVML_NOT_SUPPORTED}, FABRIC_NONE, "not supported"},
        {{.rc = RC_NOT_ASKED}, FABRIC_UNKNOWN, "an old driver"},
        {{.rc = NVML_UNKNOWN}, FABRIC_UNKNOWN, "an error"},
        {{.version = 1, .state = 0}, FABRIC_NONE, "state not supported"},
        {{.version = 1, .state = 1}, FABRIC_NOT_STARTED, "not started"},
        {{.version = 1, .state = 2}, FABRIC_IN_PROGRESS, "in progress"},
        {{.version = 1, .state = 3}, FABRIC_COMPLETED, "completed"},
        {{.version = 1, .state = 4}, FABRIC_UNKNOWN, "a state from the future"},
        {{.version = 1, .state = 3, .status = 999}, FABRIC_FAILED, "completed with an error"},
        {{.version = 2, .state = 3, .health = 0x1aa}, FABRIC_COMPLETED, "all words good"},
        {{.version = 2, .state = 3, .health = 0x1}, FABRIC_FAILED, "bandwidth degraded"},
        {{.version = 2, .state = 3, .health = 0x4}, FABRIC_FAILED, "route recovery"},
        {{.version = 2, .state = 3, .health = 0x10}, FABRIC_FAILED, "route unhealthy"},
        {{.version = 2, .state = 3, .health = 0x40}, FABRIC_FAILED, "access time-out"},
        {{.version = 2, .state = 3, .health = 0x500}, FABRIC_FAILED, "too few NVLinks"},
        {{.version = 3, .state = 3, .summary = 1}, FABRIC_COMPLETED, "summary healthy"},
        {{.version = 3, .state = 3, .summary = 2}, FABRIC_FAILED, "summary unhealthy"},
        {{.version = 3, .state = 3, .summary = 3}, FABRIC_FAILED, "summary limited"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        machine(2, "NVIDIA H100 80GB HBM3");
        f.gpu[0].fabric = rows[i].fabric;
        (void)build(0, 1);
        is_int(t.gpu[0].fabric, rows[i].want, rows[i].what);
    }
}

static void lost(void) {
    struct err e = {0};
    machine(8, "NVIDIA H100 80GB HBM3");
    for (unsigned i = 0; i < 8; i++) {
        link_switch(i, i == 3 ? 0 : 18);
    }
    memset(&f.gpu[3], 0, sizeof f.gpu[3]);
    f.gpu[3].handle_rc = f.gpu[3].lost_rc = NVML_GPU_IS_LOST;
    f.gpu[3].n_links = 1;
    f.gpu[3].link[0].state_rc = RC_NOT_ASKED;
    f.gpu[3].pci_rc = RC_NOT_ASKED;
    is_int(build(0, 3), PAIR_DOWN, "a lost GPU has no NVLink");
    is_int(h.block[3], BLOCK_FAULT, "and a fault");
    is_int(h.pair[0][7], PAIR_HEALTHY, "the others go on");
    f.gpu[3].handle_rc = NVML_NO_PERMISSION;
    f.gpu[3].lost_rc = 0;
    is_int(build(0, 3), PAIR_UNKNOWN, "a handle that is refused says nothing of the links");
    is_str(t.gpu[3].fault, "no permission", "the fault names the reason");

    machine(2, "NVIDIA H100 NVL");
    f.gpu[1].field[FIELD_RECOVERY_ACTION].value = 1;
    (void)build(0, 1);
    is_str(t.gpu[1].fault, "the driver asks for a GPU reset", "recovery action");
    f.gpu[1].field[FIELD_RECOVERY_ACTION].value = 99;
    (void)build(0, 1);
    is_str(t.gpu[1].fault, "the driver asks for a recovery", "one from the future");

    machine(2, "NVIDIA H100 NVL");
    (void)snprintf(f.gpu[1].uuid, sizeof f.gpu[1].uuid, "GPU-0");
    (void)build(0, 1);
    ok(!t.gpu[0].uuid[0] && !t.gpu[1].uuid[0], "one UUID for two GPUs names neither");

    memset(&f, 0, sizeof f);
    ok(!facts_build(&f, &t, &e) && e.code == ERR_UNKNOWN, "no GPU at all is unknown");
    machine(2, "NVIDIA H100 NVL");
    f.more_gpus = true;
    ok(!facts_build(&f, &t, &e) && strstr(e.msg, "more than"), "more than fit are not cut: %s",
       e.msg);
}

/* Whatever came out of the child: no crash, and a topology that the annotation carries unchanged.
 */
static void any_bytes(void) {
    struct dice d = {20261125};
    unsigned good = 0;
    static struct topo back;
    for (unsigned turn = 0; turn < 300; turn++) {
        unsigned char *bytes = (unsigned char *)&f;
        for (size_t i = 0; i < sizeof f; i++) {
            bytes[i] = dice_roll(&d, 3) ? 0 : (unsigned char)dice_roll(&d, 256);
        }
        f.n = (uint8_t)(1 + dice_roll(&d, turn % 10 ? 8 : 255));
        memset(&f.more_gpus, 0, sizeof f.more_gpus);
        memset(&f.more_processes, 0, sizeof f.more_processes);
        struct err e = {0};
        struct buf text = buf_new(ANNOTATION_MAX);
        facts_tame(&f);
        if (facts_build(&f, &t, &e)) {
            annotation_encode(&t, &text);
            good += buf_ok(&text) && annotation_decode(buf_view(&text), &back, &e) &&
                    f.n_processes <= RAW_PROCESS_MAX;
        }
        if (e.code) {
            printf("# turn %u: %s: %s\n", turn, e.path, e.msg);
        }
        buf_done(&text);
    }
    is_int(good, 300, "any bytes give a topology that can be published");
}

static void names(void) {
    is_str(nvml_xid_name(74), "NVLink error", "Xid 74");
    ok(!nvml_xid_name(13), "Xid 13 is a program's");
    is_str(nvml_code_name(12345), "an error of the driver without a name",
           "a code from the future");
}

int main(void) {
    names();
    levels();
    bridges();
    unknowns();
    switches();
    fabrics();
    lost();
    any_bytes();
    return tap_done();
}
