/* Errors: set once, given context on the way up, cut and never overrun. */
#include "topology/err.h"

#include "tests/tap.h"

static void test_file(void) {
    struct err e = {0};
    (void)err_at(&e, ERR_INPUT, "spec.x", "wants 1, found 2");
    ok(!err_file(&e, "a.yaml"), "a file is put in front");
    is_str(e.msg, "a.yaml: spec.x: wants 1, found 2", "  of path and message");
    is_str(e.path, "", "  and the path is in the message");
    (void)err_set(&e, ERR_IO, "not there");
    (void)err_file(&e, "a.yaml");
    is_str(e.msg, "a.yaml: not there", "  of a message without a path");
}

int main(void) {
    struct err e = {0};
    ok(!err_set(&e, ERR_INPUT, "wants %d, found %s", 2, "three"), "setting returns false");
    ok(e.code == ERR_INPUT, "the code is set");
    is_str(e.msg, "wants 2, found three", "the message is formatted");
    is_str(e.path, "", "there is no path");
    ok(!err_at(&e, ERR_TOO_LARGE, "args[3]", "too many"), "setting with a path returns false");
    is_str(e.path, "args[3]", "the path is set");
    ok(!err_in(&e, "containers[%d]", 0), "adding to the path returns false");
    is_str(e.path, "containers[0].args[3]", "an element goes before it, with a dot");
    ok(!err_in(&e, "spec"), "again");
    is_str(e.path, "spec.containers[0].args[3]", "and another");
    ok(!err_wrap(&e, "node %s: ", "n1"), "wrapping returns false");
    is_str(e.msg, "node n1: too many", "context goes before the message");
    ok(e.code == ERR_TOO_LARGE, "the code stays");

    (void)err_at(&e, ERR_INPUT, "[2]", "x");
    (void)err_in(&e, "items");
    is_str(e.path, "items[2]", "an index needs no dot");
    (void)err_set(&e, ERR_INPUT, "y");
    (void)err_in(&e, "items");
    is_str(e.path, "items", "the first element needs no dot");
    (void)err_set(&e, ERR_INPUT, "z");
    is_str(e.path, "", "setting clears the path");

    test_file();

    char lengthy[1000];
    memset(lengthy, 'm', sizeof lengthy);
    lengthy[sizeof lengthy - 1] = '\0';
    (void)err_at(&e, ERR_INPUT, lengthy, "%s", lengthy);
    ok(strlen(e.msg) == ERR_MSG_MAX - 1, "a long message is cut");
    ok(strlen(e.path) == ERR_PATH_MAX - 1, "a long path is cut");
    (void)err_wrap(&e, "head: ");
    ok(strlen(e.msg) == ERR_MSG_MAX - 1 && strncmp(e.msg, "head: mmm", 9) == 0,
       "context stays when the message is full");
    (void)err_in(&e, "spec");
    ok(strlen(e.path) == ERR_PATH_MAX - 1 && strncmp(e.path, "spec.mmm", 8) == 0,
       "an element stays when the path is full");
    (void)err_wrap(&e, "%s", lengthy);
    (void)err_in(&e, "%s", lengthy);
    ok(strlen(e.msg) == ERR_MSG_MAX - 1 && strlen(e.path) < ERR_PATH_MAX, "long context is cut");

    ok(!err_set(NULL, ERR_INPUT, "x") && !err_at(NULL, ERR_INPUT, "p", "x") &&
           !err_wrap(NULL, "x") && !err_in(NULL, "x") && !err_file(NULL, "x"),
       "no struct err is fine");

    is_str(err_code_name(ERR_INPUT), "input", "codes have names");
    is_str(err_code_name(ERR_TOO_LARGE), "too-large", "  of one word");
    is_str(err_code_name(ERR_CODE_COUNT), "invalid", "  but no code has none");
    for (unsigned i = 0; i < ERR_CODE_COUNT; i++) {
        ok(err_code_name((enum err_code)i)[0] != '\0', "code %u is %s", i,
           err_code_name((enum err_code)i));
    }
    return tap_done();
}
