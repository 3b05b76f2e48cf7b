#include "webhook/core/decide.h"

#include "tests/tap.h"
#include "tests/unit/core/machine.h"

static struct census census;
static struct policy policy;

static void add(const char *name, const char *line, const char *busy, const struct shape *s) {
    static struct machine m;
    struct node_answer a;
    if (!machine_build(&m, name, line, &policy)) {
        ok(false, "%s is a machine", line);
        return;
    }
    machine_take(&m, busy);
    decide_node(&m.view, s, &policy, 2000, &a);
    census_add(&census, &m.view, s, &a);
}

static void empty(void) {
    struct shape s = shape_tp(2, 1);
    struct node_answer a = {.code = 255};
    memset(&census, 0, sizeof census);
    census_add(&census, NULL, &s, &a);
    ok(census.nodes == 1 && census.gpu_nodes == 0 && !census.best.set && !census.nearest.set,
       "a code out of range counts as a node that is not known");
    memset(&census, 0, sizeof census);
    a = (struct node_answer){.code = REASON_NONE, .score = 5, .ever = true};
    census_add(&census, NULL, &s, &a);
    ok(census.fits == 1 && census.ever == 1 && !census.best.set, "without a view only counts");
}

static void counted(void) {
    struct shape s = shape_tp(2, 1);
    memset(&census, 0, sizeof census);
    add("cpu", "0", "", &s);
    add("gpu-d", "4", "", &s);
    add("gpu-c", "4xL40S", "", &s);
    add("gpu-f", "4xH100-NVL", "0,1,2,3", &s);
    is_str(census.nearest.name, "gpu-f", "busy tells more than unknown and than structure");
    add("gpu-a", "4xH100-NVL down=0-1,2-3", "", &s);
    is_str(census.nearest.name, "gpu-a", "and a health problem more than busy");
    ok(census.nodes == 5 && census.gpu_nodes == 4 && census.fits == 0 && census.unknown == 1 &&
           census.ever == 3,
       "all are counted");
    ok(census.by_code[REASON_NO_GPU] == 1 && census.by_code[REASON_NVLINK_SET_BUSY] == 1 &&
           census.by_code[REASON_NVLINK_DOWN] == 1 && census.by_code[REASON_NO_NVLINK] == 1,
       "by reason");
    const struct node_case *c = &census.nearest;
    is_str(c->bad, "0-1", "the pair to blame");
    ok(c->bad_state == PAIR_DOWN && c->lanes == 0 && c->expected == 12, "and its lanes");
    is_str(c->product, "H100 NVL", "the product's short name");
    ok(c->nvlink_gen == 4 && c->pcie_gen == 5 && c->memory_mib > 90000, "and what it is");
    add("gpu-b", "8xH100-SXM", "", &s);
    add("gpu-e", "4xH100-NVL", "", &s);
    is_str(census.best.name, "gpu-e", "the best is the one with the highest score");
    is_str(census.best.gpus, "0,1", "and its GPUs are named");
}

static void order_of_nodes(void) {
    static const char *const names[] = {"b", "a", "c", "aa"};
    struct shape s = shape_tp(2, 1);
    for (unsigned from = 0; from < 4; from++) {
        memset(&census, 0, sizeof census);
        for (unsigned i = 0; i < 4; i++) {
            add(names[(from + i) % 4], "4xH100-NVL", "", &s);
            add(names[(from + i) % 4], "2xH100-NVL down=0-1", "", &s);
        }
        is_str(census.best.name, "a", "among equals the first by name is best");
        is_str(census.nearest.name, "a", "and nearest, in whatever order they come");
    }
}

static void long_names(void) {
    static char name[600];
    struct shape s = shape_tp(2, 1);
    memset(name, 'n', sizeof name - 1);
    memset(&census, 0, sizeof census);
    add(name, "72xGB200", "", &s);
    ok(strlen(census.best.name) == NODE_NAME_MAX - 1, "a long name is cut");
    s = shape_tp(72, 1);
    memset(&census, 0, sizeof census);
    add("rack", "72xGB200", "", &s);
    ok(census.fits == 1 && census.best.answer.has_set, "a whole rack is a set");
    ok(strlen(census.best.gpus) < sizeof census.best.gpus, "whose list is named or left out");
}

int main(void) {
    policy = policy_default();
    empty();
    counted();
    order_of_nodes();
    long_names();
    return tap_done();
}
