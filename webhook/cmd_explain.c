/* tpguard explain: manifests in, the server's own judgement out. Reads files, prints, exits by
 * verdict. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "webhook/cmd.h"
#include "webhook/codec/manifest.h"
#include "webhook/explain.h"
#include "webhook/explain_options.h"
#include "webhook/sys/file.h"

#define ARENA_MAX  ((size_t)1024 * 1024 * 1024)
#define OUTPUT_MAX ((size_t)512 * 1024 * 1024)

struct explain_run {
    struct explain_options o;
    struct cluster *cluster;
    int rc;
};

/* Wiring that cannot be read is said once, on standard error, before any verdict leans on it. */
static void show_complaints(struct explain_run *r) {
    struct buf said = buf_new((size_t)1024 * 1024);
    if (cluster_complaints(r->cluster, &said) && buf_ok(&said)) {
        struct span rest = buf_view(&said);
        while (rest.n) {
            struct span line = span_line(&rest);
            fprintf(stderr, "tpguard: %s: " SPAN_FMT "\n", explain_source_name(&r->o.source),
                    SPAN_ARG(line));
        }
    }
    buf_done(&said);
}

static int worse(int a, int b) {
    static const int rank[] = {
        [EXIT_OK] = 0, [EXIT_UNTOLD] = 1, [EXIT_DENIED] = 2, [EXIT_USAGE] = 3};
    return rank[a] >= rank[b] ? a : b;
}

static int exit_of(const struct judgement *j) {
    if (j->malformed) {
        return EXIT_USAGE;
    }
    switch (j->decision.verdict) {
    case VERDICT_ALLOW:
    case VERDICT_WARN:
        return EXIT_OK;
    case VERDICT_DENY:
    case VERDICT_WAIT:
        return EXIT_DENIED;
    case VERDICT_UNKNOWN:
    case VERDICT_COUNT:
        break;
    }
    return EXIT_UNTOLD;
}

/* file:line: path: what. The line is looked for in the text as the person wrote it. */
static void show_input_fault(const char *file, struct span text, unsigned doc,
                             const struct err *bad) {
    unsigned line = bad->path[0] ? yaml_line(text, doc, bad->path) : 0;
    char at[32] = "";
    if (line) {
        (void)snprintf(at, sizeof at, ":%u", line);
    }
    fprintf(stderr, "tpguard: %s%s: %s%s%s\n", file, at, bad->path, bad->path[0] ? ": " : "",
            bad->msg);
}

static bool explain_unit(struct explain_run *r, const char *file, struct span text,
                         const struct unit *u, struct err *e) {
    struct arena a = arena_new(ARENA_MAX);
    struct explained x;
    const struct draw_opts draw = {
        .colour = r->o.style.colour, .ascii = r->o.style.ascii, .indent = 10};
    if (!explain_gather(r->cluster, &r->o.policy, u, &draw, &a, &x, e)) {
        arena_done(&a);
        return false;
    }
    x.file = file;
    struct buf out = buf_new(OUTPUT_MAX);
    if (r->o.patch_only) {
        buf_span(&out, x.patch.n ? x.patch : SPAN("[]"));
        buf_char(&out, '\n');
    } else if (r->o.json) {
        explain_json(&x, &out);
    } else {
        explain_text(&x, &r->o.style, &out);
    }
    if (x.j->malformed) {
        struct err bad = x.j->bad;
        if (!u->bare_spec) {
            (void)err_in(&bad, "spec");
        }
        (void)err_in(&bad, "%s", u->path);
        unsigned line = yaml_line(text, u->doc, bad.path);
        fprintf(stderr, "tpguard: %s:%u: %s%s%s\n", file, line, x.j->bad.path,
                x.j->bad.path[0] ? ": " : "", x.j->bad.msg);
    }
    bool done = buf_ok(&out) || err_set(e, ERR_TOO_LARGE, "the answer does not fit");
    if (done) {
        (void)fwrite(out.p, 1, out.n, stdout);
    }
    r->rc = worse(r->rc, exit_of(x.j));
    buf_done(&out);
    arena_done(&a);
    return done;
}

static void show_custom(struct explain_run *r, const char *file, const struct manifest *m) {
    struct buf out = buf_new((size_t)256 * 1024);
    for (unsigned i = 0; i < m->n_custom; i++) {
        explain_custom(file, &m->custom[i], r->o.json, &out);
    }
    if (buf_ok(&out)) {
        (void)fwrite(out.p, 1, out.n, stdout);
    }
    r->rc = worse(r->rc, EXIT_UNTOLD);
    buf_done(&out);
}

static int explain_text_of(struct explain_run *r, const char *file, struct span text) {
    struct err e = {0};
    struct arena a = arena_new(ARENA_MAX);
    struct manifest m = {0};
    unsigned doc = 0;
    int rc = EXIT_OK;
    if (!manifest_read(text, &a, &m, &doc, &e)) {
        show_input_fault(file, text, doc, &e);
        arena_done(&a);
        return EXIT_USAGE;
    }
    for (unsigned i = 0; i < m.n && rc == EXIT_OK; i++) {
        if (!explain_unit(r, file, text, &m.unit[i], &e)) {
            rc = explain_complain(file, &e);
        }
    }
    if (m.n_custom && !r->o.patch_only) {
        show_custom(r, file, &m);
    }
    if (m.broken) {
        show_input_fault(file, text, 0, &m.first_broken);
        rc = EXIT_USAGE;
    } else if (m.n == 0 && m.n_custom == 0) {
        fprintf(stderr,
                "tpguard: %s: no pod and no pod template in it (%u other document%s): nothing to "
                "judge\n",
                file, m.others, m.others == 1 ? "" : "s");
        rc = EXIT_UNTOLD;
    }
    arena_done(&a);
    return rc;
}

static void explain_file(struct explain_run *r, const char *file) {
    struct err e = {0};
    struct buf text = buf_new(MANIFEST_MAX);
    int rc = EXIT_USAGE;
    if (!file_read(file, MANIFEST_MAX, &text, &e)) {
        rc = explain_complain("", &e);
    } else {
        rc = explain_text_of(r, span_is(span_of(file), "-") ? "stdin" : file, buf_view(&text));
    }
    r->rc = worse(r->rc, rc);
    buf_done(&text);
}

static int show_running(struct explain_run *r) {
    struct buf out = buf_new(OUTPUT_MAX);
    struct explain_running sum = explain_running(r->cluster, r->o.json, time(NULL), &out);
    struct err e = {0};
    int rc = sum.bad ? EXIT_DENIED : sum.unknown ? EXIT_UNTOLD : EXIT_OK;
    if (buf_ok(&out)) {
        (void)fwrite(out.p, 1, out.n, stdout);
    } else {
        (void)err_set(&e, ERR_TOO_LARGE, "the answer does not fit");
        rc = explain_complain("", &e);
    }
    buf_done(&out);
    return rc;
}

int cmd_explain(int argc, char **argv) {
    struct explain_run r = {.rc = EXIT_OK};
    struct err e = {0};
    int rc = explain_options_read(&r.o, argc, argv);
    if (rc >= 0) {
        return rc;
    }
    if (r.o.source.live && r.o.source.file) {
        (void)err_set(&e, ERR_INPUT, "--live and --cluster exclude each other");
        return explain_complain("", &e);
    }
    if (!explain_cluster(&r.o.source, &r.o.policy, &r.cluster, &e)) {
        cluster_free(r.cluster);
        return explain_complain("", &e);
    }
    bool example = !r.o.source.file && !r.o.source.live;
    if (example && !r.o.json && !r.o.patch_only) {
        fprintf(stderr, "tpguard: no --cluster and no --live given: asking " EXPLAIN_BUILTIN
                        " of one node\n");
    }
    show_complaints(&r);
    if (r.o.running) {
        r.rc = show_running(&r);
    }
    for (unsigned i = 0; i < r.o.n_files; i++) {
        explain_file(&r, r.o.file[i]);
    }
    cluster_free(r.cluster);
    return r.rc;
}
