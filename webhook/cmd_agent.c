/* tpguard agent: options -> API server -> the loop, until a signal. */
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "webhook/agent_options.h"
#include "webhook/cmd.h"
#include "webhook/kube/config.h"

#define TEXT_MAX ((size_t)512 * 1024)

static int complain(const struct err *e) {
    fprintf(stderr, "tpguard: agent: %s%s%s\n", e->path, e->path[0] ? ": " : "", e->msg);
    return EXIT_USAGE;
}

static int help(void) {
    struct buf text = buf_new(TEXT_MAX);
    agent_options_help(&text);
    fputs(buf_cstr(&text), stdout);
    buf_done(&text);
    return EXIT_OK;
}

static int once(const struct agent_command *o) {
    struct err blind = {0};
    struct err unread = {0};
    struct buf text = buf_new(TEXT_MAX);
    if (!agent_once(&o->agent, &text, &blind, &unread)) {
        err_set(&blind, ERR_INTERNAL, "no memory");
    }
    fputs(buf_cstr(&text), stdout);
    buf_done(&text);
    if (unread.code != ERR_NONE) {
        fprintf(stderr, "tpguard: agent: no allocations: %s\n", unread.msg);
    }
    if (blind.code == ERR_NONE) {
        return EXIT_OK;
    }
    (void)complain(&blind);
    return EXIT_UNTOLD;
}

static int check(const struct agent_command *o) {
    struct err e = {0};
    if (agent_is_alive(o->agent.alive, &e)) {
        return EXIT_OK;
    }
    (void)complain(&e);
    return EXIT_DENIED;
}

static bool connect_api(const struct agent_command *o, struct kube_client **out, struct err *e) {
    struct kube_config config;
    const struct kube_config_ask ask = {.kubeconfig = o->kubeconfig, .context = o->context};
    if (!kube_config_load(&ask, &config, e)) {
        return false;
    }
    struct log_line line = log_new(LOG_INFO, "agent");
    log_str(&line, "node", o->agent.node);
    log_str(&line, "server", config.server);
    log_str(&line, "config", config.source);
    log_str(&line, "version", TPGUARD_VERSION);
    log_write(&line);
    bool done = kube_client_new(&config, out, e);
    kube_config_done(&config);
    return done;
}

/* The signals that end us, as something that can be waited for beside the driver. */
static int stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int run(struct agent_command *o) {
    struct err e = {0};
    struct kube_client *client = NULL;
    int stop = stop_signals();
    if (stop < 0) {
        err_set(&e, ERR_IO, "signals cannot be waited for");
        return complain(&e);
    }
    bool done = connect_api(o, &client, &e);
    if (done && !o->agent.namespace) {
        const char *own = kube_client_namespace(client);
        o->agent.namespace = own[0] ? own : "default";
    }
    done = done && agent_run(&o->agent, client, stop, &e);
    kube_client_free(client);
    close(stop);
    return done ? EXIT_OK : complain(&e);
}

int cmd_agent(int argc, char **argv) {
    struct err e = {0};
    struct agent_command o;
    if (!agent_options_read(argc, argv, &o, &e)) {
        return complain(&e);
    }
    if (o.help) {
        return help();
    }
    if (o.check) {
        return check(&o);
    }
    log_setup(o.log_level, o.log_text);
    return o.once ? once(&o) : run(&o);
}
