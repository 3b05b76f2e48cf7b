/* Down against absent, and links that come and go: the clock is a number here. */
#include "topology/annotation.h"
#include "topology/baseline.h"
#include "topology/health.h"
#include "topology/synth.h"

#include "tests/tap.h"

static struct topo now_read;
static struct topo shown;
static struct baseline_memory m;
static struct baseline_rules rules = {.quiet_s = 300};
static struct health h;
static bool has_shown;

static void restart(void) {
    memset(&m, 0, sizeof m);
}

static void start(void) {
    restart();
    has_shown = false;
    rules = (struct baseline_rules){.quiet_s = 300};
}

/* One round of the agent: what is published is what it reads back the next time. */
static enum pair_state round_at(int64_t at, const char *machine) {
    struct err e = {0};
    static struct topo before;
    if (!synth_read(span_of(machine), &now_read, &e)) {
        printf("# %s: %s\n", machine, e.msg);
        return PAIR_STATE_COUNT;
    }
    before = shown;
    baseline_apply(&now_read, has_shown ? &before : NULL, &rules, &m, at, &shown);
    has_shown = true;
    health_judge(&shown, NULL, &h);
    return (enum pair_state)h.pair[0][1];
}

/* In words of a synthetic machine "bridges=" leaves a bridge out: what a driver shows of a dead
 * one.
 */
#define UP    "4xH100-NVL bridges=0-1,2-3"
#define DOWN  "4xH100-NVL bridges=2-3"
#define SHORT "4xH100-NVL bridges=0-1,2-3 lanes=0-1:8"
#define ASYM  "4xH100-NVL bridges=0-1,2-3 asym=0-1:12/8"
#define BLIND "4xH100-NVL bridges=0-1,2-3 unknown=0-1"

static void expectations(void) {
    start();
    is_int(round_at(1000, DOWN), PAIR_ABSENT, "never seen: absent");
    start();
    (void)round_at(1000, UP);
    is_int(shown.expected[0][1], 12, "seen up: expected");
    is_int(round_at(1010, DOWN), PAIR_DOWN, "gone afterwards: down");
    is_int(shown.expected[0][1], 12, "the expectation stays");
    restart();
    is_int(round_at(1020, DOWN), PAIR_DOWN, "also after a restart, out of the annotation");
    (void)round_at(1030, DOWN);
    is_int(h.pair[2][3], PAIR_HEALTHY, "the other bridge is not touched");
    is_int(h.pair[0][2], PAIR_ABSENT, "nor what was never fitted");
    rules.reset = true;
    is_int(round_at(1040, DOWN), PAIR_ABSENT, "reset by an admin: never fitted");
    rules.reset = false;
    is_int(round_at(1050, DOWN), PAIR_ABSENT, "and so it stays");
    start();
    (void)round_at(1000, UP);
    (void)round_at(1010, DOWN);
    has_shown = false;
    is_int(round_at(1020, DOWN), PAIR_ABSENT, "the annotation deleted: the same");
    start();
    (void)round_at(1000, "8xH100-SXM");
    rules.reset = true;
    (void)round_at(1010, "8xH100-SXM down=0-1");
    is_int(h.pair[0][1], PAIR_DOWN, "what the product table expects outlives a reset");
}

static void guard(void) {
    start();
    (void)round_at(1000, UP);
    (void)round_at(1010, DOWN);
    uint8_t level = shown.wire[0][1].kind;
    is_int(round_at(1020, UP), PAIR_DOWN, "back up: held down");
    is_int(shown.expected[0][1], 12, "with its expectation");
    is_int(shown.wire[0][1].kind, level, "shown as the PCIe level below");
    is_int(baseline_next_s(&m, &rules, 1020), 300, "for the quiet time");
    char text[256];
    struct buf note = BUF_OVER(text);
    baseline_note(&m, &shown, &rules, 1080, &note);
    is_str(
        buf_cstr(&note),
        "GPUs 0-1: 12 lanes are up again since 60 s, after 1 loss: not trusted for another 240 s",
        "in words");
    is_int(round_at(1319, UP), PAIR_DOWN, "one second short");
    is_int(round_at(1320, UP), PAIR_HEALTHY, "trusted again");
    is_int(baseline_next_s(&m, &rules, 1320), -1, "none is held");
    is_int(round_at(1330, DOWN), PAIR_DOWN, "down again, at once");
    (void)round_at(1340, UP);
    (void)round_at(1600, DOWN);
    is_int(round_at(1641, UP), PAIR_DOWN, "a loss while held starts the wait anew");
    is_int(m.pair[0][1].flaps, 3, "three losses");
    is_int(round_at(1940, UP), PAIR_DOWN, "still");
    is_int(round_at(1941, UP), PAIR_HEALTHY, "and over");
}

static void guard_after_restart(void) {
    start();
    (void)round_at(1000, UP);
    (void)round_at(1010, DOWN);
    (void)round_at(1020, UP);
    restart();
    is_int(round_at(1300, UP), PAIR_DOWN, "held when the agent ended: held again");
    is_int(round_at(1599, UP), PAIR_DOWN, "for the whole time");
    is_int(round_at(1600, UP), PAIR_HEALTHY, "then trusted");
    restart();
    is_int(round_at(1700, UP), PAIR_HEALTHY, "healthy when the agent ended: trusted at once");
    (void)round_at(1710, DOWN);
    restart();
    is_int(round_at(1720, UP), PAIR_DOWN, "down when the agent ended: held");
    is_int(round_at(1000, UP), PAIR_DOWN, "a clock set back");
    is_int(round_at(1299, UP), PAIR_DOWN, "... makes the wait longer");
    is_int(round_at(1300, UP), PAIR_HEALTHY, "... and no more than that");
}

static void lanes(void) {
    start();
    (void)round_at(1000, UP);
    is_int(round_at(1010, SHORT), PAIR_DEGRADED, "four lanes lost: at once");
    is_int(round_at(1020, UP), PAIR_DEGRADED, "back: held at the fewest");
    is_int(shown.wire[0][1].lanes, 8, "eight");
    is_int(shown.wire[1][0].lanes, 8, "both ways");
    is_int(round_at(1320, UP), PAIR_HEALTHY, "trusted again");
    is_int(round_at(1330, ASYM), PAIR_ASYMMETRIC, "a disagreement is shown as one");
    is_int(round_at(1340, UP), PAIR_DOWN, "afterwards held down");
    is_int(round_at(1640, UP), PAIR_HEALTHY, "trusted again");
    start();
    is_int(round_at(1000, SHORT), PAIR_DEGRADED, "short from the first look on");
    is_int(round_at(1010, UP), PAIR_DEGRADED, "the rest is held as well");
    start();
    (void)round_at(1000, DOWN);
    is_int(round_at(1010, UP), PAIR_HEALTHY, "a bridge that is new was never lost: at once");
    rules.quiet_s = 0;
    (void)round_at(1020, DOWN);
    is_int(round_at(1030, UP), PAIR_HEALTHY, "no quiet time, no wait");
}

static void unknowns(void) {
    start();
    (void)round_at(1000, UP);
    is_int(round_at(1010, BLIND), PAIR_UNKNOWN, "unknown is shown as unknown");
    is_int(round_at(1020, UP), PAIR_HEALTHY, "and is no loss");
    (void)round_at(1030, DOWN);
    (void)round_at(1040, UP);
    (void)round_at(1300, BLIND);
    is_int(round_at(1340, UP), PAIR_DOWN, "but nobody saw it up meanwhile");
    is_int(round_at(1600, UP), PAIR_HEALTHY, "300 s from then on");
}

/* An annotation made of text names GPUs by index alone. */
static void nameless(void) {
    static struct topo before;
    struct err e = {0};
    start();
    ok(synth_read(span_of(UP), &before, &e), "what it says");
    for (unsigned i = 0; i < 4; i++) {
        memset(before.gpu[i].uuid, 0, GPU_UUID_MAX);
        memset(before.gpu[i].pci, 0, GPU_PCI_MAX);
    }
    ok(synth_read(SPAN("4xL40S"), &now_read, &e), "other cards by now");
    baseline_apply(&now_read, &before, &rules, &m, 1000, &shown);
    is_int(shown.expected[0][1], 0, "another product expects nothing of its forerunner");
    start();
    ok(synth_read(span_of(DOWN), &now_read, &e), "the same cards");
    baseline_apply(&now_read, &before, &rules, &m, 1000, &shown);
    is_int(shown.expected[0][1], 12, "the same product does");
}

/* GPU 1 has fallen off the bus: it does not say who it is. */
static void identity(void) {
    struct err e = {0};
    start();
    if (!synth_read(span_of(UP), &now_read, &e)) {
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        (void)snprintf(now_read.gpu[i].uuid, GPU_UUID_MAX, "GPU-%u", i);
        (void)snprintf(now_read.gpu[i].pci, GPU_PCI_MAX, "00000000:%02u:00.0", i);
    }
    baseline_apply(&now_read, NULL, &rules, &m, 1000, &shown);
    static struct topo lost;
    static struct topo before;
    static struct topo turned;
    static struct topo three;
    lost = now_read;
    memset(lost.gpu[1].uuid, 0, GPU_UUID_MAX);
    memset(lost.gpu[1].pci, 0, GPU_PCI_MAX);
    memset(lost.gpu[1].product, 0, GPU_PRODUCT_MAX);
    topo_set_wire(&lost, 0, 1, WIRE_SYS, 0);
    before = shown;
    baseline_apply(&lost, &before, &rules, &m, 1010, &shown);
    is_str(shown.gpu[1].uuid, "GPU-1", "it gets its name back");
    is_str(shown.gpu[1].product, "NVIDIA H100 NVL", "and its product");
    health_judge(&shown, NULL, &h);
    is_int(h.pair[0][1], PAIR_DOWN, "its bridge is down, not absent");

    /* After a reboot the numbers are others: GPU i was GPU 3 - i. */
    turned = now_read;
    for (unsigned i = 0; i < 4; i++) {
        memcpy(turned.gpu[i].uuid, now_read.gpu[3 - i].uuid, GPU_UUID_MAX);
        memcpy(turned.gpu[i].pci, now_read.gpu[3 - i].pci, GPU_PCI_MAX);
    }
    topo_set_wire(&turned, 2, 3, WIRE_SYS, 0);
    topo_set_expected(&turned, 2, 3, EXPECTED_UNKNOWN);
    baseline_apply(&turned, &before, &rules, &m, 1020, &shown);
    health_judge(&shown, NULL, &h);
    is_int(h.pair[2][3], PAIR_DOWN, "expectations follow the UUID");
    is_int(h.pair[0][1], PAIR_HEALTHY, "as does what is healthy");

    three = now_read;
    three.n = 3;
    char text[512];
    struct buf out = BUF_OVER(text);
    is_int(baseline_changes(&now_read, &three, &out), 1, "a GPU that is gone");
    is_str(buf_cstr(&out), "GPU 3 (GPU-3) is gone", "in words");
    memset(three.gpu[2].uuid, 'x', 5);
    memset(three.gpu[2].pci, 'x', 5);
    buf_reset(&out);
    is_int(baseline_changes(&now_read, &three, &out), 3, "one exchanged for another");
}

static void changes(void) {
    char text[2048];
    struct buf out = BUF_OVER(text);
    start();
    (void)round_at(1000, UP);
    static struct topo before;
    before = shown;
    (void)round_at(1010, UP);
    ok(baseline_same(&before, &shown), "the same but for the time");
    is_int(baseline_changes(&before, &shown, &out), 0, "no news");
    is_int(baseline_changes(NULL, &shown, &out), 0, "nothing before");
    (void)round_at(1020, DOWN);
    ok(!baseline_same(&before, &shown), "not the same");
    (void)baseline_changes(&before, &shown, &out);
    is_str(buf_cstr(&out), "GPUs 0-1: healthy -> down (0 of 12 lanes)", "down");
    before = shown;
    shown.gpu[2].mig = TRI_YES;
    shown.gpu[3].fabric = FABRIC_COMPLETED;
    (void)snprintf(shown.gpu[0].fault, GPU_FAULT_MAX, "Xid 79");
    buf_reset(&out);
    is_int(baseline_changes(&before, &shown, &out), 3, "three of GPUs");
    is_str(buf_cstr(&out), "GPU 0: Xid 79; GPU 2: MIG is on; GPU 3: fabric none -> completed",
           "in words");
    start();
    (void)round_at(1000, "16xH100-SXM");
    before = shown;
    (void)round_at(1010, "16xH100-SXM down=0-1,0-2,0-3,0-4,0-5,0-6,0-7,0-8,0-9,1-2,1-3,1-4,1-5,1-6,"
                         "1-7,1-8,1-9,2-3");
    buf_reset(&out);
    is_int(baseline_changes(&before, &shown, &out), 18, "many");
    ok(span_ends(buf_view(&out), "; and 2 more"), "the rest is counted");
}

int main(void) {
    expectations();
    guard();
    guard_after_restart();
    lanes();
    unknowns();
    nameless();
    identity();
    changes();
    return tap_done();
}
