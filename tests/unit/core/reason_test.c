#include "webhook/core/reason.h"

#include "tests/tap.h"

static bool is_camel(const char *s) {
    if (*s < 'A' || *s > 'Z') {
        return false;
    }
    for (; *s; s++) {
        bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
        if (!letter) {
            return false;
        }
    }
    return true;
}

static void refusals(void) {
    enum reason r = REASON_GPU_FAULT;
    ok(!reason_find(SPAN(""), &r) && r == REASON_GPU_FAULT, "no code is no reason");
    ok(!reason_find(SPAN("nvlinkdown"), &r), "codes are case-sensitive");
    ok(!reason_find(SPAN("NVLinkDow"), &r), "a beginning of a code is no code");
    ok(reason_row((enum reason)9999) == reason_row(REASON_NONE),
       "out of range gives the row of REASON_NONE");
    char text[8];
    struct buf small = BUF_OVER(text);
    reason_phrase(REASON_NVLINK_DOWN, 2, &small);
    ok(!buf_ok(&small), "a phrase that does not fit is said to have failed");
}

static void every_row(void) {
    for (unsigned i = 0; i < REASON_COUNT; i++) {
        const struct reason_row *row = reason_row((enum reason)i);
        if (!ok(row->code && row->meaning, "reason %u has a row", i)) {
            continue;
        }
        size_t n = strlen(row->meaning);
        enum reason back = REASON_COUNT;
        ok(is_camel(row->code) && strlen(row->code) <= 30, "%s is a CamelCase word", row->code);
        ok(n && row->meaning[n - 1] != '.', "the meaning of %s has no full stop", row->code);
        ok(reason_find(span_of(row->code), &back) && back == i, "%s is unique", row->code);
        bool of_node = i > REASON_NONE && i < REASON_MALFORMED;
        ok(of_node == (row->phrase != NULL), "%s has a phrase exactly if it is of a node",
           row->code);
        if (row->phrase) {
            struct span p = span_of(row->phrase);
            ok(span_starts(p, "node(s) ") && !span_has(p, "%") && !span_ends(p, "."),
               "the phrase of %s is one kube-scheduler can count", row->code);
        }
        for (unsigned j = 0; row->phrase && j < i; j++) {
            const char *other = reason_row((enum reason)j)->phrase;
            if (other && strcmp(other, row->phrase) == 0) {
                ok(false, "%s and another reason have the same phrase", row->code);
            }
        }
    }
}

static void phrases(void) {
    static const struct {
        enum reason r;
        unsigned k;
        const char *want;
    } rows[] = {
        {REASON_NVLINK_DOWN, 2, "node(s) had no free healthy NVLink set of 2 GPUs"},
        {REASON_NVLINK_SET_BUSY, 4, "node(s) had all NVLink sets of 4 GPUs in use"},
        {REASON_NO_NVLINK, 2, "node(s) had no NVLink"},
        {REASON_NONE, 2, ""},
        {REASON_MALFORMED, 2, ""},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[128];
        struct buf b = BUF_OVER(text);
        reason_phrase(rows[i].r, rows[i].k, &b);
        is_str(text, rows[i].want, reason_row(rows[i].r)->code);
    }
    ok(reason_row(REASON_NVLINK_SET_BUSY)->resolvable && reason_row(REASON_PIN_BUSY)->resolvable &&
           reason_row(REASON_GPUS_BUSY)->resolvable,
       "evicting pods helps where GPUs are in use");
    ok(!reason_row(REASON_NVLINK_DOWN)->resolvable && !reason_row(REASON_NO_NVLINK)->resolvable &&
           !reason_row(REASON_PLUGIN_WOULD_FAIL)->resolvable,
       "evicting pods repairs no link");
}

int main(void) {
    refusals();
    every_row();
    phrases();
    return tap_done();
}
