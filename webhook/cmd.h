/* One function per command; main.c holds the table of names and help lines. argv[0] is the
 * command's own name. They return the exit code: 0 allowed or fine, 1 denied or nothing fits, 2
 * wrong input or usage, 3 cannot be told. */
#ifndef TPGUARD_WEBHOOK_CMD_H
#define TPGUARD_WEBHOOK_CMD_H

#include "topology/span.h"
#include "webhook/sys/version.h"

enum exit_code { EXIT_OK = 0, EXIT_DENIED = 1, EXIT_USAGE = 2, EXIT_UNTOLD = 3 };

int cmd_serve(int argc, char **argv);
int cmd_agent(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_topology(int argc, char **argv);
int cmd_version(int argc, char **argv);

/* The cluster that ships inside the program (webhook/demo_cluster.yaml, the worked example of
 * README): used when no file is named. */
struct span demo_cluster(void);

#endif
