#include "webhook/core/policy.h"

#include "tests/tap.h"
#include "topology/buf.h"

static void refused_rewrites(void) {
    static const char *const bad[] = {
        "",      " ",          ",",          "steer,", ",steer", "Steer",       "steer repin",
        "none,", "none,steer", "steer,none", "steer;", "all",    "steer,,repin"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        unsigned bits = 77;
        struct err e = {0};
        ok(!rewrites_parse(span_of(bad[i]), &bits, &e) && bits == 77 && e.code == ERR_INPUT,
           "\"%s\" is no list of rewrites", bad[i]);
        ok(strstr(e.msg, "wants") && strstr(e.msg, "found"), "the error says wanted and found: %s",
           e.msg);
    }
    unsigned bits = 77;
    ok(!rewrites_parse((struct span){0}, &bits, NULL), "nothing at all is refused without a place "
                                                       "for the error");
}

static void good_rewrites(void) {
    static const struct {
        const char *text;
        unsigned bits;
        const char *back;
    } rows[] = {
        {"none", 0, "none"},
        {" none ", 0, "none"},
        {"steer", REWRITE_STEER, "steer"},
        {"repin, steer", REWRITE_STEER | REWRITE_REPIN, "steer,repin"},
        {"steer,steer", REWRITE_STEER, "steer"},
        {"pipeline,replicas,repin,steer", 15, "steer,repin,replicas,pipeline"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned bits = 77;
        struct err e = {0};
        char text[64];
        struct buf b = BUF_OVER(text);
        ok(rewrites_parse(span_of(rows[i].text), &bits, &e) && bits == rows[i].bits,
           "\"%s\" is read", rows[i].text);
        rewrites_text(bits, &b);
        is_str(text, rows[i].back, "and written in one order");
    }
}

static void words(void) {
    enum mode m = MODE_AUDIT;
    ok(!mode_parse(SPAN("Enforce"), &m) && !mode_parse(SPAN(""), &m) && m == MODE_AUDIT,
       "an unknown mode leaves the old one");
    for (unsigned i = 0; i < MODE_COUNT; i++) {
        ok(mode_parse(span_of(mode_name((enum mode)i)), &m) && m == i, "mode %s goes both ways",
           mode_name((enum mode)i));
    }
    is_str(mode_name((enum mode)99), "invalid", "a mode out of range has no name");
    enum unsatisfiable u = UNSAT_AUTO;
    ok(unsatisfiable_parse(SPAN("wait"), &u) && u == UNSAT_WAIT, "unsatisfiable: wait");
    ok(!unsatisfiable_parse(SPAN("never"), &u) && u == UNSAT_WAIT, "unsatisfiable: never is none");
    is_str(unsatisfiable_name(UNSAT_DENY), "deny", "unsatisfiable has names");
    enum unknown_policy k = UNKNOWN_STRICT;
    ok(unknown_parse(SPAN("allow"), &k) && k == UNKNOWN_ALLOW, "unknown: allow");
    ok(!unknown_parse(SPAN("warn"), &k), "unknown: warn is none");
    is_str(unknown_name(UNKNOWN_STRICT), "strict", "unknown has names");
    enum allocation a = ALLOC_PLUGIN;
    ok(allocation_parse(SPAN("exact"), &a) && a == ALLOC_EXACT, "allocation: exact");
    ok(!allocation_parse(SPAN("random"), &a), "allocation: random is none");
    is_str(allocation_name(ALLOC_PLUGIN), "plugin", "allocation has names");
    enum workloads w = WORKLOADS_WARN;
    ok(workloads_parse(SPAN("deny"), &w) && w == WORKLOADS_DENY, "workloads: deny");
    ok(!workloads_parse(SPAN("enforce"), &w) && w == WORKLOADS_DENY, "workloads: enforce is none");
    is_str(workloads_name(WORKLOADS_WARN), "warn", "workloads has names");
}

int main(void) {
    refused_rewrites();
    good_rewrites();
    words();
    struct policy p = policy_default();
    ok(p.mode == MODE_ENFORCE && p.rewrites == REWRITE_STEER && p.unsatisfiable == UNSAT_AUTO &&
           p.unknown_tp == UNKNOWN_STRICT && p.unknown_topology == UNKNOWN_STRICT &&
           p.allocation == ALLOC_PLUGIN && p.workloads == WORKLOADS_WARN && !p.allow_degraded &&
           p.freshness_s == 600 && p.scheduler_name.n == 0 && !p.autoscaler,
       "the default policy is the documented one");
    return tap_done();
}
