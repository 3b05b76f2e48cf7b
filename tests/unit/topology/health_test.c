#include "topology/health.h"

#include "tests/tap.h"
#include "wiring.h"

static struct machine m;

#define NV(n)                                                                                      \
    { WIRE_NVLINK, (n) }
#define PCIE                                                                                       \
    { WIRE_NODE, 0 }
#define UNKNOWN                                                                                    \
    { WIRE_UNKNOWN, 0 }
#define ANY EXPECTED_UNKNOWN

/* Both directions of one pair, what is expected, and the verdict. */
static const struct row {
    struct wire ab;
    struct wire ba;
    uint8_t expected;
    enum pair_state state;
    bool now;      /* may be a TP group */
    bool degraded; /* ... where the policy allows degraded pairs */
    bool ever;     /* ... when everything is repaired */
    const char *what;
} rows[] = {
    {UNKNOWN, UNKNOWN, ANY, PAIR_UNKNOWN, false, false, true, "nothing is known"},
    {UNKNOWN, UNKNOWN, 12, PAIR_UNKNOWN, false, false, true, "unknown where lanes are expected"},
    {UNKNOWN, UNKNOWN, 0, PAIR_UNKNOWN, false, false, true, "unknown is never read as no"},
    {NV(12), UNKNOWN, 12, PAIR_UNKNOWN, false, false, true, "one direction unknown"},
    {PCIE, UNKNOWN, 12, PAIR_UNKNOWN, false, false, true, "one direction unknown, one PCIe"},
    {{WIRE_SELF, 0}, {WIRE_SELF, 0}, 12, PAIR_UNKNOWN, false, false, true, "X off the diagonal"},
    {NV(0), NV(0), 12, PAIR_UNKNOWN, false, false, true, "NVLink without lanes"},
    {{99, 4}, {99, 4}, 12, PAIR_UNKNOWN, false, false, true, "a kind that is none"},
    {NV(12), PCIE, ANY, PAIR_ASYMMETRIC, false, false, true, "NVLink one way, PCIe the other"},
    {NV(12), PCIE, 0, PAIR_ASYMMETRIC, false, false, true, "the same, none expected"},
    {NV(12), NV(8), ANY, PAIR_ASYMMETRIC, false, false, true, "lanes differ"},
    {NV(12), NV(8), 8, PAIR_ASYMMETRIC, false, false, true, "lanes differ, the lower expected"},
    {NV(12), NV(12), 12, PAIR_HEALTHY, true, true, true, "all expected lanes up"},
    {NV(12), NV(12), 8, PAIR_HEALTHY, true, true, true, "more lanes than expected"},
    {NV(12), NV(12), ANY, PAIR_HEALTHY, true, true, true, "lanes up, no expectation"},
    {NV(12), NV(12), 0, PAIR_HEALTHY, true, true, true, "lanes up where none were expected"},
    {NV(8), NV(8), 12, PAIR_DEGRADED, false, true, true, "fewer lanes than expected"},
    {PCIE, PCIE, 12, PAIR_DOWN, false, false, true, "lanes expected, none up"},
    {PCIE, PCIE, 0, PAIR_ABSENT, false, false, false, "never fitted"},
    {PCIE, PCIE, ANY, PAIR_ABSENT, false, false, false, "nothing seen, nothing expected"},
    {PCIE, {WIRE_SYS, 0}, ANY, PAIR_ABSENT, false, false, false, "PCIe levels may differ"},
    {{WIRE_PIX, 3}, PCIE, ANY, PAIR_ABSENT, false, false, false, "lanes of PCIe are no lanes"},
};

static void pairs(void) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        for (unsigned turn = 0; turn < 2; turn++) {
            struct health_rules lenient = {.allow_degraded = true};
            topo_init(&m.topo, 2);
            m.topo.wire[0][1] = turn ? r->ba : r->ab;
            m.topo.wire[1][0] = turn ? r->ab : r->ba;
            topo_set_expected(&m.topo, 0, 1, r->expected);
            health_judge(&m.topo, NULL, &m.health);
            const struct health *h = &m.health;
            ok(h->pair[0][1] == r->state && h->pair[1][0] == r->state, "%s: %s", r->what,
               pair_state_name(r->state));
            bool both = gpuset_has(h->adj[0], 1) == r->now && gpuset_has(h->adj[1], 0) == r->now;
            bool ever = gpuset_has(h->repaired[0], 1) == r->ever &&
                        gpuset_has(h->repaired[1], 0) == r->ever;
            health_judge(&m.topo, &lenient, &m.health);
            ok(both && ever && gpuset_has(h->adj[1], 0) == r->degraded, "and who may use it");
        }
    }
}

static void expectations_that_disagree(void) {
    machine_islands(&m, 2, 2, 8);
    m.topo.expected[0][1] = EXPECTED_UNKNOWN;
    m.topo.expected[1][0] = 12;
    machine_judge(&m);
    is_int(m.health.pair[0][1], PAIR_DEGRADED, "the known expectation holds");
    m.topo.expected[0][1] = 12;
    m.topo.expected[1][0] = 4;
    machine_judge(&m);
    is_int(m.health.pair[0][1], PAIR_DEGRADED, "the higher one of two");
}

static void blocks(void) {
    struct health_rules rules = {.cordoned = gpuset_first(6)};
    machine_islands(&m, 8, 8, 18);
    m.topo.nvswitch = true;
    m.topo.gpu[0].fault[0] = 'x';
    m.topo.gpu[0].mig = TRI_YES;
    m.topo.gpu[1].mig = TRI_YES;
    m.topo.gpu[1].fabric = FABRIC_FAILED;
    m.topo.gpu[2].fabric = FABRIC_FAILED;
    m.topo.gpu[3].fabric = FABRIC_NOT_STARTED;
    m.topo.gpu[4].fabric = FABRIC_IN_PROGRESS;
    m.topo.gpu[5].fabric = FABRIC_COMPLETED;
    m.topo.gpu[6].mig = TRI_UNKNOWN;
    m.topo.gpu[6].fabric = FABRIC_UNKNOWN;
    m.topo.gpu[7].fabric = FABRIC_NONE;
    m.topo.gpu[7].mig = TRI_NO;
    health_judge(&m.topo, &rules, &m.health);
    static const uint8_t want[8] = {BLOCK_FAULT,  BLOCK_MIG,      BLOCK_FABRIC, BLOCK_FABRIC,
                                    BLOCK_FABRIC, BLOCK_CORDONED, BLOCK_NONE,   BLOCK_NONE};
    for (unsigned i = 0; i < 8; i++) {
        is_int(m.health.block[i], want[i], gpu_block_name((enum gpu_block)want[i]));
    }
    is_int(mask_of(m.health.usable), 0xFC, "faulty and MIG GPUs are not usable, cordoned ones are");
    is_int(mask_of(m.health.adj[6]), 0x80, "only GPUs without any block are peers");
    is_int(mask_of(m.health.adj[5]), 0, "a blocked GPU has none");
    is_int(mask_of(m.health.repaired[0]), 0xFE, "repaired, all are");
    is_int(m.health.pair[0][1], PAIR_HEALTHY, "the wire itself is judged apart");

    m.topo.nvswitch = false;
    health_judge(&m.topo, NULL, &m.health);
    is_int(m.health.block[3], BLOCK_NONE, "without NVSwitch there is no fabric to wait for");
    is_int(m.health.block[5], BLOCK_NONE, "and without rules no cordon");
}

static void odd_topologies(void) {
    topo_init(&m.topo, 0);
    machine_judge(&m);
    ok(m.health.n == 0 && gpuset_empty(m.health.all), "no GPUs");
    is_str(health_label(&m.health).nvlink, "unknown", "tell nothing");
    topo_init(&m.topo, 1);
    machine_judge(&m);
    is_str(health_label(&m.health).nvlink, "none", "one GPU has no NVLink to a peer");
    machine_islands(&m, 72, 72, 18);
    is_int(health_label(&m.health).nvlink_set, 72, "72 of them have it to all");
    m.topo.n = 200;
    machine_judge(&m);
    is_int(m.health.n, GPU_MAX, "a count beyond the maximum is cut");
}

static void label(const char *nvlink, unsigned set, const char *what) {
    machine_judge(&m);
    struct health_labels l = health_label(&m.health);
    is_str(l.nvlink, nvlink, what);
    is_int(l.nvlink_set, set, "with the size of the largest set");
}

static void labels(void) {
    machine_islands(&m, 4, 2, 12);
    label("healthy", 2, "two bridged pairs are healthy");
    topo_set_expected(&m.topo, 0, 1, 12);
    topo_set_wire(&m.topo, 0, 1, WIRE_NODE, 0);
    label("degraded", 2, "one pair down is degraded");
    topo_set_wire(&m.topo, 0, 1, WIRE_UNKNOWN, 0);
    label("unknown", 2, "one pair unknown is unknown");
    m.topo.wire[2][3].lanes = 4;
    label("degraded", 0, "damage that is seen outweighs what is not known");
    machine_pcie(&m, 4);
    label("none", 0, "PCIe alone is none");
    m.topo.gpu[0].fault[0] = 'x';
    label("none", 0, "a fault does not make it degraded");
    topo_init(&m.topo, 4);
    label("unknown", 0, "nothing known is unknown, never none");

    machine_islands(&m, 4, 4, 6);
    m.topo.gpu[0].mig = TRI_YES;
    label("healthy", 3, "MIG is a choice, not damage");
    m.topo.gpu[1].fault[0] = 'x';
    label("degraded", 2, "a faulty GPU that had NVLink is damage");
    machine_islands(&m, 4, 4, 6);
    m.topo.nvswitch = true;
    m.topo.gpu[2].fabric = FABRIC_IN_PROGRESS;
    label("degraded", 3, "so is an unfinished fabric");
    machine_islands(&m, 4, 4, 6);
    for (unsigned i = 1; i < 4; i++) {
        m.topo.gpu[i].mig = TRI_YES;
    }
    label("healthy", 0, "a set of one is said as 0");
}

static void flags(void) {
    machine_pcie(&m, 3);
    ok(!m.health.any_nvlink && !m.health.any_unknown && !m.health.any_one_way, "PCIe: no flag");
    m.topo.wire[0][1] = (struct wire)NV(4);
    machine_judge(&m);
    ok(m.health.any_nvlink && m.health.any_one_way && !m.health.any_unknown, "one way only");
    m.topo.nvswitch = true;
    machine_judge(&m);
    ok(!m.health.any_one_way && m.health.pair[0][1] == PAIR_ASYMMETRIC,
       "links to switches lead to no GPU");
    m.topo.nvswitch = false;
    m.topo.wire[1][0] = (struct wire)NV(6);
    machine_judge(&m);
    ok(!m.health.any_one_way && m.health.pair[0][1] == PAIR_ASYMMETRIC, "4 lanes against 6");
    m.topo.wire[1][0] = (struct wire){WIRE_UNKNOWN, 0};
    machine_judge(&m);
    ok(!m.health.any_one_way && m.health.any_unknown, "the other end does not tell");
    topo_init(&m.topo, 2);
    machine_judge(&m);
    ok(!m.health.any_nvlink && m.health.any_unknown, "unknown pairs are no NVLink yet");
}

static void names(void) {
    is_str(pair_state_name(PAIR_ASYMMETRIC), "asymmetric", "states have names");
    is_str(pair_state_name((enum pair_state)99), "unknown", "one that is none is unknown");
    is_str(gpu_block_name(BLOCK_CORDONED), "cordoned", "blocks have names");
    is_str(gpu_block_name((enum gpu_block)99), "none", "one that is none is none");
}

int main(void) {
    pairs();
    expectations_that_disagree();
    blocks();
    odd_topologies();
    labels();
    flags();
    names();
    return tap_done();
}
