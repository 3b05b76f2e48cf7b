#include "webhook/core/node.h"

#include "tests/tap.h"
#include "tests/unit/core/machine.h"

static struct policy policy;

static struct node_answer ask(const char *line, const char *busy, const struct shape *s) {
    static struct machine m;
    struct node_answer a = {0};
    if (!machine_build(&m, "n", line, &policy)) {
        ok(false, "%s is a machine", line);
        return a;
    }
    machine_take(&m, busy);
    decide_node(&m.view, s, &policy, 2000, &a);
    return a;
}

static unsigned tp(unsigned k, const char *line, const char *busy) {
    struct shape s = shape_tp(k, 1);
    return ask(line, busy, &s).score;
}

static unsigned single(const char *line, const char *busy) {
    struct shape s = shape_singles(1);
    return ask(line, busy, &s).score;
}

static void groups(void) {
    is_int(tp(2, "4xL40S", ""), 0, "a node that filter refuses scores nothing");
    is_int(tp(2, "4xH100-NVL", "0,1"), 10, "the last pair of a node in use is best");
    is_int(tp(2, "4xH100-NVL", ""), 9, "a pair of an empty node is next");
    is_int(tp(2, "4xH100-NVL down=0-1", ""), 9, "so is the only healthy pair");
    ok(tp(2, "4xH100-NVL", "") > tp(2, "8xH100-SXM", "0"), "a pair before carving");
    ok(tp(2, "8xH100-SXM", "0,1,2,3") > tp(2, "8xH100-SXM", ""),
       "breaking a set of four before one of eight");
    ok(tp(2, "8xH100-SXM", "0,1") > tp(2, "8xH100-SXM", ""),
       "what is broken already is carved first");
    is_int(tp(8, "8xH100-SXM", ""), 9, "eight of eight destroy nothing");
    is_int(tp(4, "8xH100-SXM", "0,1,2,3"), 10, "four of the four that are left");
    is_int(tp(4, "8xH100-SXM", ""), 4, "four of eight destroy the eight");
    policy.allow_degraded = true;
    ok(tp(2, "4xH100-NVL lanes=2-3:8", "0,1") < tp(2, "8xH100-SXM", ""),
       "missing lanes weigh more than carving");
    policy.allow_degraded = false;
}

static void singles(void) {
    is_int(single("4xH100-NVL down=0-1", "2,3"), 10, "only stranded GPUs are free");
    is_int(single("4xH100-NVL down=0-1", ""), 9, "half of the free ones are stranded");
    is_int(single("4xL40S", ""), 8, "no NVLink");
    is_int(single("4", ""), 6, "wiring not known");
    ok(single("4xH100-NVL down=0-1", "") > single("4xH100-NVL", ""),
       "the broken bridge before the whole ones");
    ok(single("4xH100-NVL", "") > single("8xH100-SXM", ""),
       "breaking a pair before breaking a set of eight");
    ok(single("8xH100-SXM", "0") > single("8xH100-SXM", ""), "the set of eight is kept whole");
    is_int(single("4xH100-NVL", "0,1,2,3"), 0, "nothing free, nothing scored");
    struct shape s = shape_singles(1);
    policy.allocation = ALLOC_EXACT;
    struct node_answer a = ask("4xH100-NVL down=2-3", "", &s);
    is_int(a.score, 10, "exact mode hands out the stranded GPU");
    ok(gpuset_eq(a.set, gpus_of("2")) && a.left2 == 1, "by name, and the pair is left");
    a = ask("8xH100-SXM", "0", &s);
    ok(gpuset_count(a.set) == 1 && !gpuset_has(a.set, 0), "never one in use");
    policy.allocation = ALLOC_PLUGIN;
    s = shape_singles(2);
    a = ask("4xH100-NVL down=0-1", "", &s);
    ok(gpuset_eq(a.set, gpus_of("2,3")) && a.score < 8,
       "the stock plugin gives two replicas the linked pair, which is a loss");
    policy.allocation = ALLOC_EXACT;
    a = ask("4xH100-NVL down=0-1", "", &s);
    ok(gpuset_eq(a.set, gpus_of("0,1")) && a.score == 10, "exact mode the stranded ones");
    policy.allocation = ALLOC_PLUGIN;
}

static void ranges(void) {
    static const char *const lines[] = {"4xH100-NVL", "4xH100-NVL down=0-1", "8xH100-SXM",
                                        "4xL40S",     "8xH100-SXM fault=5",  "4",
                                        "8xV100-SXM2"};
    static const char *const busy[] = {"", "0", "0,1", "1,2", "0,1,2"};
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++) {
        for (unsigned j = 0; j < sizeof busy / sizeof *busy; j++) {
            for (unsigned k = 1; k <= 4; k++) {
                struct shape s = k == 1 ? shape_singles(1) : shape_tp(k, 1);
                struct node_answer a = ask(lines[i], busy[j], &s);
                struct node_answer again = ask(lines[i], busy[j], &s);
                bool fits = a.code == REASON_NONE;
                ok(fits == (a.score >= 1) && a.score <= 10 && memcmp(&a, &again, sizeof a) == 0,
                   "TP=%u on %s with %s in use: %u, each time", k, lines[i], busy[j], a.score);
            }
        }
    }
}

/* A rack of 72 is the largest thing to score; it must stay a matter of milliseconds. */
static void large(void) {
    ok(single("72xGB200", "") >= 1, "a rack takes a replica");
    ok(tp(8, "72xGB200", "0,1,2") >= 1, "and a group of eight");
}

int main(void) {
    policy = policy_default();
    groups();
    singles();
    ranges();
    large();
    return tap_done();
}
