#include "webhook/explain_options.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "webhook/cmd.h"
#include "webhook/policy_options.h"

int explain_complain(const char *where, const struct err *e) {
    fprintf(stderr, "tpguard: explain: %s%s%s%s%s\n", where, where[0] ? ": " : "", e->path,
            e->path[0] ? ": " : "", e->msg);
    return EXIT_USAGE;
}

static void help(void) {
    char text[4096];
    struct buf policy = BUF_OVER(text);
    policy_options_help(&policy);
    printf(
        "What would happen to this manifest on these nodes, and why. The same code as the "
        "server.\n\n"
        "Usage: tpguard explain -f FILE [OPTIONS]\n"
        "       tpguard explain --running [OPTIONS]\n\n"
        "  -f, --filename FILE        manifest, YAML or JSON, several documents; - is standard "
        "input; may repeat\n"
        "  --cluster FILE             recorded cluster: kubectl get nodes,pods -A -o yaml > "
        "FILE (" EXPLAIN_BUILTIN ")\n"
        "  --live                     ask the live cluster, as kubectl would; --kubeconfig FILE "
        "and --context NAME say which\n"
        "  --running                  no manifest: which pods of the cluster run across PCIe now\n"
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
        "ReplicaSet, LeaderWorkerSet, RayService, InferenceService and others that hold one are "
        "read.\n\n"
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
    OPT_CONTEXT,
    OPT_RUNNING
};

static const struct option options[] = {
    {"filename", required_argument, NULL, 'f'},
    {"cluster", required_argument, NULL, OPT_CLUSTER},
    {"live", no_argument, NULL, OPT_LIVE},
    {"kubeconfig", required_argument, NULL, OPT_KUBECONFIG},
    {"context", required_argument, NULL, OPT_CONTEXT},
    {"running", no_argument, NULL, OPT_RUNNING},
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

static bool take_word(struct explain_options *r, int opt, const char *value, struct err *e) {
    struct span v = span_of(value);
    switch (opt) {
    case 'f':
        if (r->n_files == EXPLAIN_FILES_MAX) {
            return err_set(e, ERR_TOO_LARGE, "at most %d files", EXPLAIN_FILES_MAX);
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
    case OPT_RUNNING:
        r->running = true;
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

int explain_options_read(struct explain_options *r, int argc, char **argv) {
    *r = (struct explain_options){.policy = policy_default(),
                                  .style.colour = isatty(STDOUT_FILENO) == 1};
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
            return explain_complain("", &e);
        }
    }
    if (optind < argc) {
        (void)err_set(&e, ERR_INPUT, "takes no argument \"%s\": a file goes behind -f",
                      argv[optind]);
        return explain_complain("", &e);
    }
    if (r->running && r->patch_only) {
        (void)err_set(&e, ERR_INPUT, "--running changes nothing, found --patch as well");
        return explain_complain("", &e);
    }
    if (!r->n_files == !r->running) {
        (void)err_set(&e, ERR_INPUT, "%s",
                      r->running ? "--running takes no manifest, found -f as well"
                                 : "wants a manifest: tpguard explain -f FILE");
        return explain_complain("", &e);
    }
    return -1;
}
