#include "webhook/core/decide.h"

#include "tests/tap.h"
#include "tests/unit/core/farm_checks.h"

/* Policy unsatisfiable, with and without an autoscaler, against everything that no node of today
 * can take. What is malformed, or pinned across a pair that is not linked, is denied whatever the
 * policy says; what a repair or a free set cures waits whatever it says. */

enum plight {
    NO_NODES,
    NO_GPU_NODES,
    NO_SET,      /* TP=4, only pairs */
    NO_NVLINK,   /* TP=2, only PCIe */
    TOO_LARGE,   /* TP=16, eight GPUs */
    PIN_MISSING, /* GPUs 8,9 of four */
    WIRING_UNKNOWN,
    LINK_DOWN,
    SET_BUSY,
    PINNED_ACROSS,
    EXCEEDS_POD,
    PLIGHTS
};

static const char *const plights[PLIGHTS] = {
    "no node at all",       "no GPU node",         "no set that large", "no NVLink",
    "more GPUs than nodes", "pinned GPUs missing", "wiring not known",  "a link down",
    "all sets in use",      "pinned across PCIe",  "more than the pod",
};

static void arrange(enum plight p) {
    static const struct farm_node cpu = {"cpu", "0", "", NULL};
    static const struct farm_node down = {"gpu-x", "2xH100-NVL down=0-1", "", NULL};
    unsigned tp = p == NO_SET || p == EXCEEDS_POD ? 4 : p == TOO_LARGE ? 16 : 2;
    farm_init(&f, tp, p == EXCEEDS_POD ? 2 : tp);
    if (p == PIN_MISSING || p == PINNED_ACROSS) {
        farm_pin(&f, p == PIN_MISSING ? "8,9" : "0,1");
    }
    static const struct farm_node *const nodes[PLIGHTS] = {
        [NO_GPU_NODES] = &cpu,    [NO_SET] = &worked,      [NO_NVLINK] = &demo[3],
        [TOO_LARGE] = &demo[2],   [PIN_MISSING] = &worked, [WIRING_UNKNOWN] = &demo[4],
        [LINK_DOWN] = &down,      [SET_BUSY] = &demo[5],   [PINNED_ACROSS] = &worked,
        [EXCEEDS_POD] = &demo[2],
    };
    if (nodes[p]) {
        f.node[0] = *nodes[p];
    }
}

/* Verdicts for auto, auto with an autoscaler, deny, deny with one, wait, wait with one. */
static const struct {
    enum plight plight;
    enum verdict v[6];
} table[] = {
#define D VERDICT_DENY
#define W VERDICT_WAIT
#define U VERDICT_UNKNOWN
    {NO_NODES, {W, W, D, D, W, W}},       {NO_GPU_NODES, {W, W, D, D, W, W}},
    {NO_SET, {D, W, D, D, W, W}},         {NO_NVLINK, {D, W, D, D, W, W}},
    {TOO_LARGE, {D, W, D, D, W, W}},      {PIN_MISSING, {D, W, D, D, W, W}},
    {WIRING_UNKNOWN, {U, U, U, U, U, U}}, {LINK_DOWN, {W, W, W, W, W, W}},
    {SET_BUSY, {W, W, W, W, W, W}},       {PINNED_ACROSS, {D, D, D, D, D, D}},
    {EXCEEDS_POD, {D, D, D, D, D, D}},
#undef D
#undef W
#undef U
};

int main(void) {
    static const enum unsatisfiable how[] = {UNSAT_AUTO, UNSAT_DENY, UNSAT_WAIT};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (unsigned k = 0; k < 6; k++) {
            char what[96];
            arrange(table[i].plight);
            f.policy.unsatisfiable = how[k / 2];
            f.policy.autoscaler = k % 2;
            (void)snprintf(what, sizeof what, "%s: unsatisfiable=%s%s", plights[table[i].plight],
                           unsatisfiable_name(how[k / 2]), k % 2 ? ", autoscaler" : "");
            farm_judge(&f);
            is_str(verdict_name(f.d.verdict), verdict_name(table[i].v[k]), what);
            ok(f.d.allowed == (f.d.verdict != VERDICT_DENY), "and allowed accordingly");
            sane(what);
        }
    }
    return tap_done();
}
