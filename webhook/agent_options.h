/* The command line of `tpguard agent`: one table of options gives the parser and --help. */
#ifndef TPGUARD_WEBHOOK_AGENT_OPTIONS_H
#define TPGUARD_WEBHOOK_AGENT_OPTIONS_H

#include <stdbool.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "webhook/agent/agent.h"
#include "webhook/sys/log.h"

struct agent_command {
    struct agent_options agent; /* node "" where it is not said */
    const char *kubeconfig;     /* NULL: as kubectl finds it, or the pod's own */
    const char *context;        /* NULL: the current one */
    enum log_level log_level;
    bool log_text;
    bool once;
    bool check;
    bool help;
};

/* Text is borrowed from argv and the environment. ERR_INPUT says which option, what it wants and
 * what was found. */
NODISCARD bool agent_options_read(int argc, char **argv, struct agent_command *out, struct err *e);
void agent_options_help(struct buf *out);

#endif
