#include "webhook/agent_options.h"

#include <stdlib.h>

#include "topology/annotation.h"
#include "topology/baseline.h"
#include "webhook/codec/checkpoint.h"
#include "webhook/kube/podresources.h"
#include "webhook/option_words.h"

#define SECONDS_MAX 86400
/* The main loop waits for two readings in a turn, and AGENT_ALIVE_S is what a turn may take. */
#define DEADLINE_MAX 30

static bool set_seconds(const char *v, uint32_t least, uint32_t *out, struct err *e) {
    uint32_t n = 0;
    if (!span_u32(span_of(v), SECONDS_MAX, &n) || n < least) {
        return err_set(e, ERR_INPUT, "wants seconds, %u to %d", (unsigned)least, SECONDS_MAX);
    }
    *out = n;
    return true;
}

static bool set_node(struct agent_command *o, const char *v, struct err *e) {
    o->agent.node = v;
    return (v[0] && strlen(v) <= 253) || err_set(e, ERR_INPUT, "wants the name of a node");
}
static bool set_namespace(struct agent_command *o, const char *v, struct err *e) {
    o->agent.namespace = v;
    return (v[0] && strlen(v) <= 63) || err_set(e, ERR_INPUT, "wants the name of a namespace");
}
static bool set_source(struct agent_command *o, const char *v, struct err *e) {
    static const char *const words[] = {
        [READ_ANY] = "auto", [READ_NVML] = "nvml", [READ_NVIDIASMI] = "nvidia-smi"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_is(span_of(v), words[i])) {
            o->agent.read.source = (enum read_source)i;
            return true;
        }
    }
    return err_set(e, ERR_INPUT, "wants auto, nvml or nvidia-smi");
}
static bool set_library(struct agent_command *o, const char *v, struct err *e) {
    o->agent.read.nvml_library = v;
    return v[0] || err_set(e, ERR_INPUT, "wants a file, or a name for the loader");
}
static bool set_smi(struct agent_command *o, const char *v, struct err *e) {
    o->agent.read.nvidia_smi = v;
    return v[0] || err_set(e, ERR_INPUT, "wants a program");
}
static bool set_socket(struct agent_command *o, const char *v, struct err *e) {
    (void)e;
    o->agent.pod_resources = v;
    return true;
}
static bool set_checkpoint(struct agent_command *o, const char *v, struct err *e) {
    (void)e;
    o->agent.checkpoint = v;
    return true;
}
static bool set_deadline(struct agent_command *o, const char *v, struct err *e) {
    uint32_t n = 0;
    if (!span_u32(span_of(v), DEADLINE_MAX, &n) || n == 0) {
        return err_set(e, ERR_INPUT, "wants seconds, 1 to %d", DEADLINE_MAX);
    }
    o->agent.read.deadline_ms = n * 1000;
    return true;
}
static bool set_poll(struct agent_command *o, const char *v, struct err *e) {
    return set_seconds(v, 1, &o->agent.poll_s, e);
}
static bool set_quiet(struct agent_command *o, const char *v, struct err *e) {
    return set_seconds(v, 0, &o->agent.quiet_s, e);
}
static bool set_heartbeat(struct agent_command *o, const char *v, struct err *e) {
    return set_seconds(v, 5, &o->agent.heartbeat_s, e);
}
static bool set_trace(struct agent_command *o, const char *v, struct err *e) {
    (void)v;
    (void)e;
    o->agent.trace = true;
    return true;
}
static bool set_alive(struct agent_command *o, const char *v, struct err *e) {
    o->agent.alive = v;
    return v[0] || err_set(e, ERR_INPUT, "wants a file");
}
static bool set_check(struct agent_command *o, const char *v, struct err *e) {
    (void)v;
    (void)e;
    o->check = true;
    return true;
}
static bool set_once(struct agent_command *o, const char *v, struct err *e) {
    (void)v;
    (void)e;
    o->once = true;
    return true;
}
static bool set_kubeconfig(struct agent_command *o, const char *v, struct err *e) {
    o->kubeconfig = v;
    return v[0] || err_set(e, ERR_INPUT, "wants a file");
}
static bool set_context(struct agent_command *o, const char *v, struct err *e) {
    o->context = v;
    return v[0] || err_set(e, ERR_INPUT, "wants the name of a context");
}
static bool set_log_level(struct agent_command *o, const char *v, struct err *e) {
    return log_level_parse(span_of(v), &o->log_level) ||
           err_set(e, ERR_INPUT, "wants debug, info, warn or error");
}
static bool set_log_format(struct agent_command *o, const char *v, struct err *e) {
    o->log_text = span_is(span_of(v), "text");
    return o->log_text || span_is(span_of(v), "json") ||
           err_set(e, ERR_INPUT, "wants json or text");
}
static bool set_help(struct agent_command *o, const char *v, struct err *e) {
    (void)v;
    (void)e;
    o->help = true;
    return true;
}

static const struct option_row {
    const char *name;
    const char *value; /* NULL: takes none */
    const char *help;
    bool (*set)(struct agent_command *o, const char *v, struct err *e);
} rows[] = {
    {"once", NULL, "print what would be written to the node, and exit; asks no API server",
     set_once},
    {"node-name", "NAME", "this node's name in the cluster ($NODE_NAME)", set_node},
    {"namespace", "NAME", "where the heartbeat's Lease lies: tpguard's own namespace (the pod's)",
     set_namespace},
    {"source", "SOURCE",
     "of the wiring: nvml, nvidia-smi, or auto: NVML where its library can be loaded (auto)",
     set_source},
    {"nvml-library", "FILE",
     "NVIDIA's library, or its name for the loader ($" READ_LIBRARY_ENV ", else " READ_LIBRARY ")",
     set_library},
    {"nvidia-smi", "FILE", "NVIDIA's program, searched in PATH (" READ_SMI ")", set_smi},
    {"deadline", "SECONDS",
     "of one reading: a driver that has not answered by then is unknown, at most 30 (10)",
     set_deadline},
    {"pod-resources", "SOCKET",
     "the kubelet's, which says who holds which GPU; '': not asked (" PODRESOURCES_SOCKET ")",
     set_socket},
    {"checkpoint", "FILE",
     "the kubelet's device checkpoint, read where that socket is not there; '': not read "
     "(" CHECKPOINT_PATH ")",
     set_checkpoint},
    {"trace-processes", NULL,
     "name the pods of programs on GPUs that nobody was given; wants the host's processes "
     "(hostPID)",
     set_trace},
    {"poll", "SECONDS", "between two looks at the wiring while the driver reports nothing (10)",
     set_poll},
    {"quiet", "SECONDS", "a link that came back is trusted after this long without a change (300)",
     set_quiet},
    {"heartbeat", "SECONDS", "between two heartbeats: a quarter of serve's --freshness (150)",
     set_heartbeat},
    {"alive", "FILE", "touch it while the main loop goes round: for a liveness probe", set_alive},
    {"check", NULL, "be that probe: exit 0 when the file of --alive was touched in the last minute",
     set_check},
    {"kubeconfig", "FILE", "the cluster, as kubectl reads it (the pod's ServiceAccount)",
     set_kubeconfig},
    {"context", "NAME", "of the kubeconfig (its current-context)", set_context},
    {"log-level", "LEVEL", "debug, info, warn or error (info)", set_log_level},
    {"log-format", "FORMAT", "json or text (json)", set_log_format},
    {"help", NULL, "this text", set_help},
};
#define ROWS (sizeof rows / sizeof rows[0])

static const struct option_row *find(struct span name) {
    for (size_t i = 0; i < ROWS; i++) {
        if (span_is(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool take(struct agent_command *o, int argc, char **argv, int *i, struct err *e) {
    struct option_word w = {0};
    const char *value = NULL;
    if (!option_word_read(argv[*i], &w, e)) {
        return false;
    }
    const struct option_row *r = find(w.name);
    if (!r) {
        return err_set(e, ERR_INPUT, "no option --" SPAN_FMT ": tpguard agent --help lists them",
                       SPAN_ARG(span_upto(w.name, 80)));
    }
    if (!option_word_value(&w, r->value != NULL, argc, argv, i, &value, e)) {
        return false;
    }
    return r->set(o, value, e) || option_word_wrap(w.name, r->value != NULL, value, e);
}

static bool agree(const struct agent_command *o, struct err *e) {
    if (o->check && !o->agent.alive) {
        return err_set(e, ERR_INPUT, "--check wants --alive, the file to look at");
    }
    if (!o->check && !o->once && !o->agent.node[0]) {
        return err_set(e, ERR_INPUT,
                       "--node-name is missing: which node is this? (or --once, which writes "
                       "nothing)");
    }
    return true;
}

bool agent_options_read(int argc, char **argv, struct agent_command *out, struct err *e) {
    const char *node = getenv("NODE_NAME");
    struct agent_command o = {.agent = {.node = node ? node : "",
                                        .read = {.nvml_library = getenv(READ_LIBRARY_ENV)},
                                        .poll_s = AGENT_POLL_S,
                                        .quiet_s = BASELINE_QUIET_S,
                                        .heartbeat_s = AGENT_HEARTBEAT_S,
                                        .pod_resources = PODRESOURCES_SOCKET,
                                        .checkpoint = CHECKPOINT_PATH},
                              .log_level = LOG_INFO};
    for (int i = 1; i < argc; i++) {
        if (!take(&o, argc, argv, &i, e)) {
            return false;
        }
    }
    if (!o.help && !agree(&o, e)) {
        return false;
    }
    *out = o;
    return true;
}

void agent_options_help(struct buf *out) {
    buf_str(out,
            "Runs on a GPU node and keeps two annotations of it true: tpguard.io/topology, the "
            "wiring of its GPUs,\nand tpguard.io/allocations, which pod holds which of them. The "
            "chart runs it on every GPU node;\n`tpguard agent --once` on a node shows what it "
            "sees there, and writes nothing.\n\n"
            "Usage: tpguard agent [OPTIONS]\n\n");
    for (size_t i = 0; i < ROWS; i++) {
        option_word_help(rows[i].name, rows[i].value, rows[i].help, out);
    }
    buf_str(
        out,
        "\nWhat was linked once is expected from then on. To make it forget, after a bridge was "
        "taken out on\npurpose: kubectl annotate node NODE " ANNOTATION_KEY "-\n"
        "What is written stays when the agent ends, and is unknown once it is older than "
        "serve's --freshness.\n\n"
        "Exit codes: 0 fine, or stopped by a signal; 1 --check: not alive; 2 wrong input or "
        "usage;\n3 --once: the GPUs cannot be read.\n");
}
