#include "webhook/core/decide.h"

#include "tests/tap.h"
#include "tests/unit/core/farm_checks.h"

static void malformed(void) {
    struct err e;
    struct decision d;
    (void)err_at(&e, ERR_INPUT, "spec.containers[0].args[3]",
                 "--tensor-parallel-size wants a whole number above 0, found \"t\two\x1b[31m\"");
    decide_malformed(&e, MODE_ENFORCE, &d);
    ok(d.verdict == VERDICT_DENY && !d.allowed && d.code == REASON_MALFORMED, "malformed: denied");
    is_str(d.message,
           "spec.containers[0].args[3]: --tensor-parallel-size wants a whole number above 0, found "
           "\"t?wo?[31m\" (MalformedTP)",
           "with path, without control characters");
    decide_malformed(&e, MODE_WARN, &d);
    ok(d.allowed && d.n_warnings == 1 && strlen(d.warning[0]) <= 120 && plain(d.warning[0]) &&
           strstr(d.warning[0], "(MalformedTP)") && !d.message[0],
       "malformed in mode warn: one line");
    decide_malformed(&e, MODE_AUDIT, &d);
    ok(d.allowed && d.n_warnings == 0 && d.verdict == VERDICT_DENY, "in mode audit: silent");
    decide_malformed(&e, MODE_OFF, &d);
    ok(d.allowed && d.verdict == VERDICT_ALLOW && d.code == REASON_IGNORED, "in mode off: nothing");
    memset(e.msg, 'm', sizeof e.msg - 1);
    memset(e.path, 'p', sizeof e.path - 1);
    decide_malformed(&e, MODE_ENFORCE, &d);
    ok(strlen(d.message) <= 400 && strstr(d.message, "(MalformedTP)"),
       "a long message keeps its code");
}

static void never_right(void) {
    farm_init(&f, 4, 2);
    f.node[0] = demo[2];
    judged(VERDICT_DENY, REASON_TP_EXCEEDS_GPUS, "TP=4 in a pod of 2 GPUs");
    ok(strstr(f.d.message, "it asks for 2") && advises("fix"), "says what it asks for");
    farm_init(&f, 2, 4);
    f.node[0] = demo[2];
    f.w.visible_known = true;
    f.w.n_order = 1;
    judged(VERDICT_DENY, REASON_TP_EXCEEDS_GPUS, "TP=2 that sees one GPU");
    ok(strstr(f.d.message, "see 1"), "says what it sees");
    farm_init(&f, 2, 0);
    farm_pin(&f, "1");
    f.node[0] = demo[2];
    judged(VERDICT_DENY, REASON_TP_EXCEEDS_GPUS, "TP=2 pinned to one GPU");
    farm_init(&f, 5, 5);
    f.w.model = SPAN("Qwen/Qwen3-32B");
    f.node[0] = demo[2];
    judged(VERDICT_DENY, REASON_HEADS_NOT_DIVISIBLE, "64 heads over TP=5");
    f.w.model = SPAN("own-model-32b");
    judged(VERDICT_ALLOW, REASON_NONE, "heads of a guessed model deny nothing");
    f.w.model = SPAN("Qwen/Qwen3-32B");
    f.w.engine = "llama.cpp";
    judged(VERDICT_ALLOW, REASON_NONE, "nor those of an engine that splits rows");
    farm_init(&f, 2, 2);
    farm_annotate(&f, ANN_REWRITE, "steer,nonsense");
    f.node[0] = demo[2];
    judged(VERDICT_DENY, REASON_MALFORMED, "an annotation that is no list of rewrites");
    ok(strstr(f.d.message, "metadata.annotations[tpguard.io/rewrite]"), "named by its path");
}

static void unsatisfiable(void) {
    farm_init(&f, 4, 4);
    f.node[0] = worked;
    judged(VERDICT_DENY, REASON_UNSATISFIABLE, "TP=4 where only pairs are");
    ok(strstr(f.d.message, "TP=2 x PP=2") && advises("pipeline"), "TP=2 x PP=2 is offered");
    f.policy.autoscaler = true;
    judged(VERDICT_WAIT, REASON_NO_NVLINK_SET, "an autoscaler may bring a node");
    f.policy.unsatisfiable = UNSAT_DENY;
    judged(VERDICT_DENY, REASON_UNSATISFIABLE, "not where the policy says deny");
    f.policy.autoscaler = false;
    f.policy.unsatisfiable = UNSAT_WAIT;
    judged(VERDICT_WAIT, REASON_NO_NVLINK_SET, "nor where it says wait");
    farm_init(&f, 2, 2);
    judged(VERDICT_WAIT, REASON_NO_GPU_NODES, "no node at all");
    f.node[0] = (struct farm_node){"cpu", "0", "", NULL};
    judged(VERDICT_WAIT, REASON_NO_GPU_NODES, "no node with GPUs");
    f.policy.unsatisfiable = UNSAT_DENY;
    judged(VERDICT_DENY, REASON_NO_GPU_NODES, "no node with GPUs, policy deny");
    farm_init(&f, 2, 2);
    farm_pin(&f, "8,9");
    f.node[0] = worked;
    judged(VERDICT_DENY, REASON_UNSATISFIABLE, "pinned to GPUs that no node has");
    farm_init(&f, 16, 16);
    f.node[0] = demo[2];
    judged(VERDICT_DENY, REASON_UNSATISFIABLE, "more GPUs than any node has");
    farm_init(&f, 1, 16);
    f.w.in_pod.n = 16;
    f.node[0] = demo[2];
    judged(VERDICT_WAIT, REASON_TP_EXCEEDS_GPUS, "without a TP group that is not ours to deny");
}

static void hostile_text(void) {
    static char model[300];
    farm_init(&f, 7, 7);
    memset(model, '\x01', sizeof model - 1);
    f.w.model = (struct span){model, sizeof model - 1};
    farm_pin(&f, "0,1,2,3,4,5,6");
    for (unsigned i = 0; i < 7; i++) {
        f.w.pin.gpu[i].index = -1;
        memset(f.w.pin.gpu[i].uuid, '%', GPU_UUID_MAX - 1);
        f.w.pin.gpu[i].uuid[3] = '\n';
    }
    memset(f.w.evidence[EV_PIN].name, '\x80', sizeof f.w.evidence[EV_PIN].name);
    memset(f.w.evidence[EV_TP].value, 'v', sizeof f.w.evidence[EV_TP].value);
    f.node[0] = (struct farm_node){"n\x1b[2J", "8xH100-SXM", "", NULL};
    for (unsigned m = 0; m < MODE_OFF; m++) {
        f.policy.mode = (enum mode)m;
        farm_judge(&f);
        sane("hostile text");
    }
}

int main(void) {
    malformed();
    never_right();
    unsatisfiable();
    hostile_text();
    return tap_done();
}
