#include "topology/json.h"

#include "tests/tap.h"

static const struct json *parsed(struct arena *a, const char *text) {
    const struct json *root = NULL;
    struct err e = {0};
    if (!json_parse(span_of(text), a, &root, &e)) {
        printf("Bail out! %s: %s\n", e.msg, text);
    }
    return root;
}

int main(void) {
    struct arena a = arena_new((size_t)1024 * 1024);
    static const char *const all[] = {"null",
                                      "true",
                                      "false",
                                      "0",
                                      "1",
                                      "1.5",
                                      "-1",
                                      "\"\"",
                                      "\"a\"",
                                      "[]",
                                      "[null]",
                                      "[1,2]",
                                      "[2,1]",
                                      "[1,2,3]",
                                      "{}",
                                      "{\"a\":1}",
                                      "{\"a\":2}",
                                      "{\"b\":1}",
                                      "{\"a\":1,\"b\":1}",
                                      "{\"b\":1,\"a\":1}",
                                      "{\"a\":{\"b\":[{\"c\":\"d\"}]}}",
                                      "{\"a\":{\"b\":[{\"c\":\"e\"}]}}"};
    const unsigned n = sizeof all / sizeof all[0];
    for (unsigned i = 0; i < n; i++) {
        unsigned equal = 0;
        for (unsigned k = 0; k < n; k++) {
            equal += json_equal(parsed(&a, all[i]), parsed(&a, all[k]));
        }
        ok(equal == 1 && json_equal(parsed(&a, all[i]), parsed(&a, all[i])),
           "%s equals itself and no other", all[i]);
    }
    ok(json_equal(parsed(&a, "[ \"\\u0061\", 10 ]"), parsed(&a, "[\"a\",1e1]")),
       "white space, escapes and the writing of a number do not matter");
    ok(json_equal(NULL, NULL) && !json_equal(NULL, parsed(&a, "null")) &&
           !json_equal(parsed(&a, "{}"), NULL),
       "nothing equals nothing alone");
    arena_done(&a);
    return tap_done();
}
