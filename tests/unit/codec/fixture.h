/* What the tests of this room share: JSON written with single quotes, parsed into an arena. */
#ifndef TPGUARD_TESTS_CODEC_FIXTURE_H
#define TPGUARD_TESTS_CODEC_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "tests/tap.h"
#include "topology/arena.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/json.h"

#define FIXTURE_CAP ((size_t)64 * 1024 * 1024)

/* A copy with ' for ", so that fixtures can be read. */
UNUSED static struct span quoted(struct arena *a, const char *text) {
    size_t n = strlen(text);
    char *p = ARENA_NEW(a, char, n + 1);
    for (size_t i = 0; p && i < n; i++) {
        p[i] = text[i] == '\'' ? '"' : text[i];
    }
    return (struct span){p, p ? n : 0};
}

UNUSED static const struct json *parsed(struct arena *a, const char *text) {
    const struct json *root = NULL;
    struct err e = {0};
    if (!json_parse(quoted(a, text), a, &root, &e)) {
        printf("Bail out! fixture: %s: %s\n%s\n", e.path, e.msg, text);
        exit(2);
    }
    return root;
}

/* Says what an error is, when it is not the one that was wanted. */
UNUSED static bool refused(const struct err *e, bool done, enum err_code code, const char *path,
                           const char *what) {
    bool good = ok(!done && e->code == code && strcmp(e->path, path) == 0, "%s", what);
    if (!good) {
        printf("#  got: %s %s '%s' %s\n# want: %s '%s'\n", done ? "done" : "refused",
               err_code_name(e->code), e->path, e->msg, err_code_name(code), path);
    }
    return good;
}

UNUSED static bool is_span(struct span got, const char *want, const char *what) {
    bool good = ok(span_is(got, want), "%s", what);
    if (!good) {
        printf("#  got: " SPAN_FMT "\n# want: %s\n", SPAN_ARG(got), want);
    }
    return good;
}

/* A whole file into the arena; p NULL when there is none. */
UNUSED static struct span file_text(struct arena *a, const char *path) {
    FILE *f = fopen(path, "rb");
    struct span text = {0};
    if (f) {
        const size_t max = (size_t)4 * 1024 * 1024;
        char *p = ARENA_NEW(a, char, max);
        text = (struct span){p, p ? fread(p, 1, max, f) : 0};
        (void)fclose(f);
    }
    return text;
}

#endif
