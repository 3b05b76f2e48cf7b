/* Files that people hand over (YAML or JSON): what is read as YAML becomes JSON that our own strict
 * reader takes, the same text again gives the same bytes, and manifests, cluster files and line
 * numbers come out of the same text without harm. */
#include <stdint.h>
#include <stdlib.h>

#include "topology/json.h"
#include "webhook/codec/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CAP ((size_t)4 * 1024 * 1024)

static void must(bool good) {
    if (!good) {
        abort();
    }
}

/* JSON texts pass as they are, keys there twice and all; those that YAML was turned into cannot
 * hold anything that JSON does not allow. */
static void check_again(struct span json, struct arena *a) {
    struct yaml_doc *docs = NULL;
    unsigned n = 0;
    const struct json *root = NULL;
    struct err e = {0};
    if (json.p[0] != '{' && json.p[0] != '[') {
        return;
    }
    must(yaml_read(json, a, &docs, &n, &e) || e.code == ERR_TOO_LARGE);
    must(n <= 1 && (n == 0 || span_eq(docs[0].json, json)));
    if (!json_parse(json, a, &root, &e)) {
        must(e.code != ERR_NONE && e.msg[0]);
    }
}

static void check_docs(struct span text) {
    struct arena a = arena_new(CAP);
    struct yaml_doc *docs = NULL;
    unsigned n = 0;
    struct err e = {0};
    if (!yaml_read(text, &a, &docs, &n, &e)) {
        must(e.code != ERR_NONE && e.msg[0]);
        n = 0;
    }
    must(n <= YAML_DOCS_MAX);
    for (unsigned i = 0; i < n; i++) {
        must(docs[i].line >= 1);
        must((docs[i].bad.code == ERR_NONE) == (docs[i].json.n > 0));
        if (docs[i].json.n) {
            check_again(docs[i].json, &a);
        }
    }
    arena_done(&a);
}

static void check_manifest(struct span text) {
    struct arena a = arena_new(CAP);
    struct manifest m = {0};
    unsigned doc = 0;
    struct err e = {0};
    if (!manifest_read(text, &a, &m, &doc, &e)) {
        must(e.code != ERR_NONE && m.n == 0);
        (void)yaml_line(text, doc, e.path);
    }
    for (unsigned i = 0; i < m.n; i++) {
        must(yaml_line(text, m.unit[i].doc, m.unit[i].path) > 0);
    }
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = {(const char *)data, size};
    const struct cluster_sink nobody = {0};
    struct cluster_file_counts counts = {0};
    struct err e = {0};
    check_docs(text);
    check_manifest(text);
    if (!cluster_file_read(text, &nobody, &counts, &e)) {
        must(e.code != ERR_NONE && counts.nodes == 0);
    }
    return 0;
}
