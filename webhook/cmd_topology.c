/* tpguard topology: nvidia-smi text (or an annotation, or a synthetic machine) in; matrix, picture,
 * JSON or node annotation out. */
#include <getopt.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "webhook/cmd.h"
#include "webhook/topology.h"
#include "webhook/topology_live.h"

#define PRODUCTS_MAX 65536
#define INTERVAL_MAX 3600
#define DEADLINE_MAX (READ_DEADLINE_MAX_MS / 1000)

enum {
    OPT_NVLINK = 256,
    OPT_SYNTHETIC,
    OPT_ANNOTATION,
    OPT_FROM_ANNOTATION,
    OPT_ASCII,
    OPT_COLOR,
    OPT_CORDON,
    OPT_PRODUCTS,
    OPT_FROM,
    OPT_LIBRARY,
    OPT_SMI,
    OPT_DEADLINE,
    OPT_BASELINE,
    OPT_WATCH,
    OPT_INTERVAL,
};

static const struct option options[] = {
    {"nvlink", required_argument, NULL, OPT_NVLINK},
    {"synthetic", required_argument, NULL, OPT_SYNTHETIC},
    {"annotation", no_argument, NULL, OPT_ANNOTATION},
    {"from-annotation", required_argument, NULL, OPT_FROM_ANNOTATION},
    {"output", required_argument, NULL, 'o'},
    {"ascii", no_argument, NULL, OPT_ASCII},
    {"color", required_argument, NULL, OPT_COLOR},
    {"cordon", required_argument, NULL, OPT_CORDON},
    {"products", no_argument, NULL, OPT_PRODUCTS},
    {"from", required_argument, NULL, OPT_FROM},
    {"nvml-library", required_argument, NULL, OPT_LIBRARY},
    {"nvidia-smi", required_argument, NULL, OPT_SMI},
    {"deadline", required_argument, NULL, OPT_DEADLINE},
    {"baseline", required_argument, NULL, OPT_BASELINE},
    {"watch", no_argument, NULL, OPT_WATCH},
    {"interval", required_argument, NULL, OPT_INTERVAL},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char help_text[] =
    "The wiring of one node: who is linked to whom, what is down, what fits.\n\n"
    "Usage: tpguard topology [FILE|-] [OPTIONS]            text that somebody copied\n"
    "       tpguard topology --from SOURCE [OPTIONS]       this machine's own GPUs\n\n"
    "Where from, one of:\n"
    "  FILE                     text of `nvidia-smi topo -m`, with or without that of `nvidia-smi\n"
    "                           nvlink --status` behind it, or a tpguard.io/topology annotation;\n"
    "                           - or nothing is standard input\n"
    "  --from SOURCE            nvml, nvidia-smi, or auto: NVML where its library can be loaded\n"
    "  --from-annotation FILE   a tpguard.io/topology annotation\n"
    "  --synthetic LINE         a machine in words: \"4xH100-NVL down=0-1\"\n\n"
    "With FILE:\n"
    "  --nvlink FILE            text of `nvidia-smi nvlink --status`: which links are up. Without "
    "it\n"
    "                           the matrix is believed, which does not ask whether they are\n\n"
    "With --from:\n"
    "  --watch                  read again and print what changed, until Ctrl-C; with -o json one\n"
    "                           object a line\n"
    "  --interval SECONDS       between readings of --watch; Xids are read at once (10)\n"
    "  --baseline FILE          an annotation of this node from earlier: what is missing since "
    "then\n"
    "                           is down, not absent\n"
    "  --deadline SECONDS       of one reading; a driver that has not answered is unknown (10)\n"
    "  --nvml-library FILE      NVIDIA's library, or its name for the loader\n"
    "                           ($" READ_LIBRARY_ENV ", else " READ_LIBRARY ")\n"
    "  --nvidia-smi FILE        NVIDIA's program, searched in PATH (" READ_SMI ")\n\n"
    "What is printed:\n"
    "  -o, --output FORMAT      text or json (text)\n"
    "  --annotation             the annotation and nothing else\n"
    "  --cordon LIST            GPUs to keep TP groups off: \"0,1\"\n"
    "  --ascii                  no characters beyond ASCII in the picture\n"
    "  --color WHEN             auto, always or never (auto)\n"
    "  --products               the product words of synthetic machines, and stop\n"
    "  -h, --help               this text\n\n"
    "Words of a synthetic machine: bridges=0-1, down=0-1, lanes=0-1:8, asym=2-3:12/8, "
    "unknown=1-2,\nmig=3, fault=5, fabric=in-progress, cpu=2, driver=550.163.01.\n\n"
    "Exit codes: 0 fine; 2 wrong input or usage, or nothing to read the GPUs with; 3 cannot be "
    "told: a\nfailed or cut text, a driver that does not answer.\n\n"
    "Examples:\n"
    "  tpguard topology --from nvml --watch\n"
    "  nvidia-smi topo -m | tpguard topology\n"
    "  kubectl annotate node n1 tpguard.io/topology=\"$(tpguard topology --annotation "
    "topo.txt)\"\n";

struct run {
    struct topology_ask ask;
    struct topology_print print;
    struct live_options live;
    bool from;
    bool watch;
    bool products;
    bool help;
};

static bool take_output(struct run *r, const char *value, struct err *e) {
    r->print.json = strcmp(value, "json") == 0;
    return r->print.json || strcmp(value, "text") == 0 ||
           err_set(e, ERR_INPUT, "--output wants text or json, found \"%.64s\"", value);
}

static bool take_colour(struct run *r, const char *value, struct err *e) {
    if (strcmp(value, "auto") == 0) {
        return true;
    }
    r->print.style.colour = strcmp(value, "always") == 0;
    return r->print.style.colour || strcmp(value, "never") == 0 ||
           err_set(e, ERR_INPUT, "--color wants auto, always or never, found \"%.64s\"", value);
}

static bool take_from(struct run *r, const char *value, struct err *e) {
    static const char *const names[] = {
        [READ_ANY] = "auto", [READ_NVML] = "nvml", [READ_NVIDIASMI] = "nvidia-smi"};
    r->from = true;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(value, names[i]) == 0) {
            r->live.read.source = (enum read_source)i;
            return true;
        }
    }
    return err_set(e, ERR_INPUT, "--from wants nvml, nvidia-smi or auto, found \"%.64s\"", value);
}

static bool take_seconds(const char *option, const char *value, uint32_t most, uint32_t *out,
                         struct err *e) {
    uint32_t v = 0;
    if (!span_u32(span_of(value), most, &v) || v == 0) {
        return err_set(e, ERR_INPUT, "%s wants 1 to %u seconds, found \"%.64s\"", option, most,
                       value);
    }
    *out = v;
    return true;
}

static bool take_live_option(struct run *r, int opt, const char *value, struct err *e) {
    uint32_t seconds = 0;
    switch (opt) {
    case OPT_FROM:
        return take_from(r, value, e);
    case OPT_LIBRARY:
        r->live.read.nvml_library = value;
        return true;
    case OPT_SMI:
        r->live.read.nvidia_smi = value;
        return true;
    case OPT_BASELINE:
        r->live.baseline = value;
        return true;
    case OPT_WATCH:
        return r->watch = true;
    case OPT_INTERVAL:
        return take_seconds("--interval", value, INTERVAL_MAX, &r->live.interval_s, e);
    case OPT_DEADLINE:
        if (!take_seconds("--deadline", value, DEADLINE_MAX, &seconds, e)) {
            return false;
        }
        r->live.read.deadline_ms = seconds * 1000;
        return true;
    default:
        return err_set(e, ERR_INTERNAL, "option %d", opt);
    }
}

static bool take_option(struct run *r, int opt, const char *value, struct err *e) {
    switch (opt) {
    case OPT_NVLINK:
        r->ask.nvlink = value;
        return true;
    case OPT_SYNTHETIC:
        r->ask.synthetic = value;
        return true;
    case OPT_FROM_ANNOTATION:
        r->ask.annotation = value;
        return true;
    case OPT_CORDON:
        r->ask.cordon = value;
        return true;
    case OPT_ANNOTATION:
        return r->print.annotation = true;
    case OPT_PRODUCTS:
        return r->products = true;
    case OPT_ASCII:
        return r->print.style.ascii = true;
    case 'h':
        return r->help = true;
    case 'o':
        return take_output(r, value, e);
    case OPT_COLOR:
        return take_colour(r, value, e);
    default:
        return take_live_option(r, opt, value, e);
    }
}

static bool take_next(struct run *r, int opt, char **argv, struct err *e) {
    if (opt == ':') {
        return err_set(e, ERR_INPUT, "%.64s wants a value", argv[optind - 1]);
    }
    if (opt == '?') {
        return err_set(e, ERR_INPUT, "no option \"%.64s\": see tpguard topology --help",
                       argv[optind - 1]);
    }
    return take_option(r, opt, optarg, e);
}

/* Goes on after the first error: --output json may come behind it, and holds for errors too. */
static bool take_options(struct run *r, int argc, char **argv, struct err *e) {
    bool good = true;
    opterr = 0;
    optind = 0; /* main may have scanned before: 0 makes getopt start anew */
    for (int opt; (opt = getopt_long(argc, argv, ":o:h", options, NULL)) != -1;) {
        good = take_next(r, opt, argv, good ? e : NULL) && good;
    }
    if (good && argc - optind > 1) {
        return err_set(e, ERR_INPUT, "wants one file, found \"%.64s\" as well", argv[optind + 1]);
    }
    r->ask.file = optind < argc ? argv[optind] : NULL;
    return good;
}

static bool is_stdin(const char *file) {
    return file && strcmp(file, "-") == 0;
}

/* One source, and standard input at most once. */
static bool check_sources(struct run *r, struct err *e) {
    struct topology_ask *a = &r->ask;
    bool text = a->file || a->nvlink;
    bool none = !text && !a->synthetic && !a->annotation;
    if (r->from && !none) {
        return err_set(e, ERR_INPUT, "--from reads this node: it wants no other source");
    }
    if (!r->from && (r->watch || r->live.baseline)) {
        return err_set(e, ERR_INPUT, "%s wants --from nvml (or nvidia-smi, or auto)",
                       r->watch ? "--watch" : "--baseline");
    }
    if (r->from) {
        return true;
    }
    if ((text && (a->synthetic || a->annotation)) || (a->synthetic && a->annotation)) {
        return err_set(e, ERR_INPUT,
                       "wants one of FILE (with --nvlink), --synthetic and --from-annotation");
    }
    if (is_stdin(a->file) && is_stdin(a->nvlink)) {
        return err_set(e, ERR_INPUT,
                       "standard input can be one text only: name a file for the "
                       "other");
    }
    if (none && isatty(STDIN_FILENO)) {
        return err_set(e, ERR_INPUT,
                       "wants a FILE, --from nvml or --synthetic: see tpguard topology "
                       "--help");
    }
    a->file = none ? "-" : a->file;
    return true;
}

/* Escape codes for terminals that want them; line-drawing characters where the locale has them. */
static void choose_style(struct topology_style *s) {
    const char *term = getenv("TERM");
    s->colour =
        isatty(STDOUT_FILENO) == 1 && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *locale = NULL;
    for (size_t i = 0; i < 3 && !locale; i++) {
        const char *value = getenv(names[i]);
        locale = value && value[0] ? value : NULL;
    }
    struct span l = span_of(locale ? locale : "");
    s->ascii = !span_has(l, "UTF-8") && !span_has(l, "utf8");
}

static int print_products(void) {
    struct buf out = buf_new(PRODUCTS_MAX);
    topology_products(&out);
    bool printed = buf_ok(&out) && fputs(buf_cstr(&out), stdout) >= 0;
    buf_done(&out);
    return printed ? EXIT_OK : EXIT_USAGE;
}

int cmd_topology(int argc, char **argv) {
    struct run r = {0};
    struct err e = {0};
    struct topology_view view;
    choose_style(&r.print.style);
    if (!take_options(&r, argc, argv, &e)) {
        return topology_refuse(&r.print, &e);
    }
    if (r.help) {
        return fputs(help_text, stdout) < 0 ? EXIT_USAGE : EXIT_OK;
    }
    if (r.products) {
        return print_products();
    }
    if (!check_sources(&r, &e)) {
        return topology_refuse(&r.print, &e);
    }
    if (r.from) {
        return topology_live_run(&r.ask, &r.live, &r.print, r.watch);
    }
    /* Only the annotation carries a time: the other outputs of one text are the same every time. */
    r.ask.now = r.print.annotation ? (int64_t)time(NULL) : 0;
    topology_gather(&r.ask, &view);
    return topology_show(&r.print, &view);
}
