/* argv -> command. The table is the list of commands: name, function and the line of help cannot
 * drift apart. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "topology/read.h"
#include "webhook/cmd.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"serve", cmd_serve, "HTTPS server: admission of pods, scheduler extender, metrics"},
    {"agent", cmd_agent, "on a GPU node: keeps its wiring and allocations annotations true"},
    {"explain", cmd_explain, "what would happen to this manifest on these nodes, and why"},
    {"topology", cmd_topology, "nvidia-smi text -> wiring: matrix, picture, JSON, node annotation"},
    {"version", cmd_version, "print the version"},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static void usage(FILE *to) {
    fprintf(to, "tpguard makes Kubernetes see the wire between GPUs.\n\nUsage: tpguard COMMAND "
                "[OPTIONS]\n\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    }
    fprintf(to, "\ntpguard COMMAND --help shows the options of a command.\n"
                "Exit codes: 0 allowed or fine, 1 denied or nothing fits, 2 wrong input or usage, "
                "3 cannot be told.\n");
}

int cmd_version(int argc, char **argv) {
    if (argc > 1) {
        fprintf(stderr, "tpguard: version: takes no argument, found \"%s\"\n", argv[1]);
        return EXIT_USAGE;
    }
    printf("tpguard %s\n", TPGUARD_VERSION);
    return EXIT_OK;
}

static int run_command(int argc, char **argv) {
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[0], commands[i].name) == 0) {
            return commands[i].run(argc, argv);
        }
    }
    fprintf(stderr, "tpguard: no command \"%s\": one of", argv[0]);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(stderr, "%s %s", i ? "," : "", commands[i].name);
    }
    fputc('\n', stderr);
    return EXIT_USAGE;
}

/* What was printed must have arrived: a full disk or a closed pipe is not "fine". */
static int flushed(int rc) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "tpguard: cannot write to standard output\n");
        return rc == EXIT_OK ? EXIT_USAGE : rc;
    }
    return rc;
}

int main(int argc, char **argv) {
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], READ_CHILD) == 0) {
        return read_child_main(argc - 1,
                               argv + 1); /* started by ourselves: no command for people */
    }
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return flushed(EXIT_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tpguard %s\n", TPGUARD_VERSION);
        return flushed(EXIT_OK);
    }
    return flushed(run_command(argc - 1, argv + 1));
}
