/* What the scripted API server answers, read from a file. A rule begins in the first column, its
 * steps are indented:
 *
 *   # comment
 *   GET /api/v1/pods?limit=500 has=continue= auth=TOKEN times=2
 *     status 200
 *     header Retry-After: 1
 *     body {"kind":"PodList",...}
 *
 * Rule: METHOD (or ANY), the beginning of the target, then conditions: has=TEXT and lacks=TEXT look
 * at the target, auth=TOKEN wants that bearer token, times=N lets the rule answer N times (once
 * otherwise), always without end. The first rule that matches and is not used up answers; without
 * one the answer is 404 and the log says rule=none.
 *
 * Steps, in order:
 *   status N            200 otherwise
 *   header NAME: VALUE
 *   body TEXT           the rest of the line; several are joined
 *   file PATH           a file's bytes; relative to the scenario
 *   items N TEXT        N times TEXT with commas between, %d in it being 1..N
 *   line TEXT           one line as one chunk (the answer is chunked then)
 *   part TEXT           one chunk without a line end: for lines cut in the middle; empty: a
 *                       stream without a word
 *   repeat N TEXT       N lines, %d being 1..N
 *   wait MS
 *   slow MS             from here on each byte for itself, MS between two
 *   cut                 closes the connection before the body is complete
 *   drop                closes it without any answer
 *   hang                nothing more until the client goes */
#ifndef TPGUARD_TESTS_FAKEAPI_SCENARIO_H
#define TPGUARD_TESTS_FAKEAPI_SCENARIO_H

#include "topology/buf.h"
#include "topology/span.h"

#define RULES_MAX 256
#define STEPS_MAX 64
#define CONDS_MAX 8

enum step_kind {
    STEP_STATUS,
    STEP_HEADER,
    STEP_BODY,
    STEP_FILE,
    STEP_ITEMS,
    STEP_LINE,
    STEP_PART,
    STEP_REPEAT,
    STEP_WAIT,
    STEP_SLOW,
    STEP_CUT,
    STEP_DROP,
    STEP_HANG,
};

struct step {
    enum step_kind kind;
    unsigned n;
    struct span text;
};

struct rule {
    unsigned line; /* in the file: its name in the log */
    struct span method, prefix, auth;
    struct span has[CONDS_MAX], lacks[CONDS_MAX];
    unsigned n_has, n_lacks;
    unsigned left;
    struct step step[STEPS_MAX];
    unsigned n_steps;
};

struct scenario {
    struct buf text;
    char folder[4096];
    struct rule rule[RULES_MAX];
    unsigned n;
};

/* Ends the program with a message when the file is not right. */
struct scenario *scenario_read(const char *path);

/* The rule that answers; uses it up. NULL none. Not for two threads at once. */
const struct rule *scenario_pick(struct scenario *s, struct span method, struct span target,
                                 struct span auth);

/* text with every %d being i. */
void step_counted(struct span text, unsigned i, struct buf *out);
/* The bytes of one step that has some (repeat is sent line by line instead). */
void step_bytes(const struct scenario *s, const struct step *step, struct buf *out);

#endif
