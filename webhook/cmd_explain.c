/* tpguard explain: manifests in, the server's own judgement out. Reads files, prints, exits by
 * verdict. */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "webhook/cmd.h"
#include "webhook/codec/manifest.h"
#include "webhook/explain.h"
#include "webhook/explain_cluster.h"
#include "webhook/policy_options.h"
#include "webhook/sys/file.h"

#define FILES_MAX    64
#define ARENA_MAX    ((size_t)1024 * 1024 * 1024)
#define OUTPUT_MAX   ((size_t)512 * 1024 * 1024)
#define BUILTIN_NAME "the built-in example"

struct explain_run {
    const char *file[FILES_MAX];
    unsigned n_files;
    struct explain_source source;
    bool json;
    bool patch_only;
    struct explain_style style;
    struct policy policy;
    struct cluster *cluster;
    int rc;
};

static int complain(const char *where, const struct err *e) {
    fprintf(stderr, "tpguard: explain: %s%s%s%s%s\n", where, where[0] ? ": " : "", e->path,
            e->path[0] ? ": " : "", e->msg);
    return EXIT_USAGE;
}

static void help(void) {
    char text[4096];
    struct buf policy = BUF_OVER(text);
    policy_options_help(&policy);
    printf("What would happen to this manifest on these nodes, and why. The same code as the "
           "server.\n\n"
           "Usage: tpguard explain -f FILE [OPTIONS]\n\n"
           "  -f, --filename FILE        manifest, YAML or JSON, several documents; - is standard "
           "input; may repeat\n"
           "  --cluster FILE             recorded cluster: kubectl get nodes,pods -A -o yaml > "
           "FILE (" BUILTIN_NAME ")\n"
           "  --live                     ask the live cluster, as kubectl would; --kubeconfig FILE "
           "and --context NAME say which\n"
           "  -o, --output FORMAT        text or json: one object a line, one line a pod (text)\n"
           "  --patch                    print only the JSON Patch that admission would apply\n"
           "  --ascii                    no characters beyond ASCII in pictures\n"
           "  --color WHEN               auto, always or never (auto)\n"
           "  --reasons                  print every reason code with its meaning, and stop\n"
           "  --engines                  print the engines that can be read, and stop\n"
           "  -h, --help                 this text\n\n"
           "Policy, as given to tpguard serve:\n%s\n"
           "Exit codes: 0 allowed, as it is or as rewritten; 1 denied, or nothing fits now; 2 "
           "wrong input or usage;\n"
           "3 cannot be told. Pods and the pod templates of Deployment, StatefulSet, DaemonSet, "
           "Job, CronJob,\n"
           "ReplicaSet and LeaderWorkerSet are read.\n\n"
           "Example: tpguard explain -f qwen35.yaml --cluster cluster.yaml\n",
           buf_cstr(&policy));
}

enum {
    OPT_CLUSTER = 256,
    OPT_PATCH,
    OPT_ASCII,
    OPT_COLOR,
    OPT_POLICY,
    OPT_REASONS,
    OPT_ENGINES,
    OPT_LIVE,
    OPT_KUBECONFIG,
    OPT_CONTEXT
};

static const struct option options[] = {
    {"filename", required_argument, NULL, 'f'},
    {"cluster", required_argument, NULL, OPT_CLUSTER},
    {"live", no_argument, NULL, OPT_LIVE},
    {"kubeconfig", required_argument, NULL, OPT_KUBECONFIG},
    {"context", required_argument, NULL, OPT_CONTEXT},
    {"output", required_argument, NULL, 'o'},
    {"patch", no_argument, NULL, OPT_PATCH},
    {"ascii", no_argument, NULL, OPT_ASCII},
    {"color", required_argument, NULL, OPT_COLOR},
    {"reasons", no_argument, NULL, OPT_REASONS},
    {"engines", no_argument, NULL, OPT_ENGINES},
    {"help", no_argument, NULL, 'h'},
};
#define OPTIONS     (sizeof options / sizeof options[0])
#define OPTIONS_MAX 64

/* Explain's own options and those of the policy, as getopt_long wants them. */
static void all_options(struct option all[static OPTIONS_MAX]) {
    size_t n = 0;
    bool takes_value = false;
    for (; n < OPTIONS; n++) {
        all[n] = options[n];
    }
    for (unsigned i = 0; n + 1 < OPTIONS_MAX && policy_option_name(i, &takes_value); i++, n++) {
        int arg = takes_value ? required_argument : no_argument;
        all[n] = (struct option){policy_option_name(i, &takes_value), arg, NULL, OPT_POLICY};
    }
    all[n] = (struct option){0};
}

static bool take_word(struct explain_run *r, int opt, const char *value, struct err *e) {
    struct span v = span_of(value);
    switch (opt) {
    case 'f':
        if (r->n_files == FILES_MAX) {
            return err_set(e, ERR_TOO_LARGE, "at most %d files", FILES_MAX);
        }
        r->file[r->n_files++] = value;
        return true;
    case 'o':
        r->json = span_is(v, "json");
        return r->json || span_is(v, "text") ||
               err_set(e, ERR_INPUT, "--output wants text or json, found \"%s\"", value);
    case OPT_CLUSTER:
        r->source.file = value;
        return true;
    case OPT_LIVE:
        r->source.live = true;
        return true;
    case OPT_KUBECONFIG:
        r->source.kubeconfig = value;
        r->source.live = true;
        return true;
    case OPT_CONTEXT:
        r->source.context = value;
        r->source.live = true;
        return true;
    case OPT_PATCH:
        r->patch_only = true;
        return true;
    case OPT_ASCII:
        r->style.ascii = true;
        return true;
    case OPT_COLOR:
        if (!span_is(v, "auto")) {
            r->style.colour = span_is(v, "always");
            return r->style.colour || span_is(v, "never") ||
                   err_set(e, ERR_INPUT, "--color wants auto, always or never, found \"%s\"",
                           value);
        }
        return true;
    default:
        return err_set(e, ERR_INTERNAL, "option %d", opt);
    }
}

static int print_list(void (*list)(struct buf *out)) {
    struct buf text = buf_new((size_t)64 * 1024);
    list(&text);
    (void)fwrite(buf_cstr(&text), 1, text.n, stdout);
    buf_done(&text);
    return EXIT_OK;
}

/* -1: go on; else the exit code. */
static int take_options(struct explain_run *r, int argc, char **argv) {
    struct err e = {0};
    int which = 0;
    struct option all[OPTIONS_MAX];
    all_options(all);
    opterr = 0;
    optind = 1;
    for (int opt; (opt = getopt_long(argc, argv, ":f:o:h", all, &which)) != -1;) {
        bool good = true;
        if (opt == 'h') {
            help();
            return EXIT_OK;
        }
        if (opt == OPT_REASONS || opt == OPT_ENGINES) {
            return print_list(opt == OPT_REASONS ? explain_reasons : explain_engines);
        }
        if (opt == ':') {
            good = err_set(&e, ERR_INPUT, "%s wants a value", argv[optind - 1]);
        } else if (opt == '?') {
            good = err_set(&e, ERR_INPUT, "no option %s; see tpguard explain --help",
                           argv[optind - 1]);
        } else if (opt == OPT_POLICY) {
            good = policy_option_set(&r->policy, span_of(all[which].name), span_of(optarg), &e);
        } else {
            good = take_word(r, opt, optarg, &e);
        }
        if (!good) {
            return complain("", &e);
        }
    }
    if (optind < argc) {
        (void)err_set(&e, ERR_INPUT, "takes no argument \"%s\": a file goes behind -f",
                      argv[optind]);
        return complain("", &e);
    }
    if (!r->n_files) {
        (void)err_set(&e, ERR_INPUT, "wants a manifest: tpguard explain -f FILE");
        return complain("", &e);
    }
    return -1;
}

/* Wiring that cannot be read is said once, on standard error, before any verdict leans on it. */
static void show_complaints(struct explain_run *r) {
    struct buf said = buf_new((size_t)1024 * 1024);
    if (cluster_complaints(r->cluster, &said) && buf_ok(&said)) {
        struct span rest = buf_view(&said);
        while (rest.n) {
            struct span line = span_line(&rest);
            fprintf(stderr, "tpguard: %s: " SPAN_FMT "\n", explain_source_name(&r->source),
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
        .colour = r->style.colour, .ascii = r->style.ascii, .indent = 10};
    if (!explain_gather(r->cluster, &r->policy, u, &draw, &a, &x, e)) {
        arena_done(&a);
        return false;
    }
    x.file = file;
    struct buf out = buf_new(OUTPUT_MAX);
    if (r->patch_only) {
        buf_span(&out, x.patch.n ? x.patch : SPAN("[]"));
        buf_char(&out, '\n');
    } else if (r->json) {
        explain_json(&x, &out);
    } else {
        explain_text(&x, &r->style, &out);
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
        explain_custom(file, &m->custom[i], r->json, &out);
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
            rc = complain(file, &e);
        }
    }
    if (m.n_custom && !r->patch_only) {
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
        rc = complain("", &e);
    } else {
        rc = explain_text_of(r, span_is(span_of(file), "-") ? "stdin" : file, buf_view(&text));
    }
    r->rc = worse(r->rc, rc);
    buf_done(&text);
}

int cmd_explain(int argc, char **argv) {
    struct explain_run r = {
        .policy = policy_default(), .style.colour = isatty(STDOUT_FILENO) == 1, .rc = EXIT_OK};
    struct err e = {0};
    int rc = take_options(&r, argc, argv);
    if (rc >= 0) {
        return rc;
    }
    if (r.source.live && r.source.file) {
        (void)err_set(&e, ERR_INPUT, "--live and --cluster exclude each other");
        return complain("", &e);
    }
    if (!explain_cluster(&r.source, &r.policy, &r.cluster, &e)) {
        cluster_free(r.cluster);
        return complain("", &e);
    }
    bool example = !r.source.file && !r.source.live;
    if (example && !r.json && !r.patch_only) {
        fprintf(stderr,
                "tpguard: no --cluster and no --live given: asking " BUILTIN_NAME " of one node\n");
    }
    show_complaints(&r);
    for (unsigned i = 0; i < r.n_files; i++) {
        explain_file(&r, r.file[i]);
    }
    cluster_free(r.cluster);
    return r.rc;
}
