/* Reads a shell script the way a person would: which commands does it run, with which words. Not a
 * shell: conditions are not decided (a variable set inside one becomes unknown), substitutions are
 * not run (their value is unknown). What it must never do is turn "unknown" into a number. */
#ifndef TPGUARD_CORE_SHELL_H
#define TPGUARD_CORE_SHELL_H

#include "webhook/core/argv.h"
#include "webhook/core/pod.h"

#define SHELL_VARS_MAX  64
#define SHELL_TEXT_MAX  16384 /* values of variables, and the texts of eval */
#define SHELL_DEPTH_MAX 4     /* eval, nested sh -c */

struct shell;
/* Each command in turn, a struct that is reused. sh answers shell_exported meanwhile. */
typedef void shell_sink(void *ctx, const struct argv *command, struct shell *sh);

struct shell_ask {
    const struct pod *pod;
    const struct container *container;
    shell_sink *sink;
    void *ctx;
};

/* Is this argument vector `sh -c SCRIPT ...`, itself or behind a launcher (tini --, env, mpirun)?
 * *script is the index of the script's word; words behind it are $0, $1, ... */
bool shell_is_script(const struct argv *v, unsigned *script);

/* Runs over the script in word `script` of v. false: it did not fit or nested too deep, so commands
 * may be missing. */
bool shell_read(const struct shell_ask *ask, const struct argv *v, unsigned script);

/* What the script itself says about a variable of the command's environment. */
enum shell_exported { EXPORT_NOT_HERE = 0, EXPORT_KNOWN, EXPORT_UNKNOWN, EXPORT_UNSET };
enum shell_exported shell_exported(struct shell *sh, const char *name, struct span *value);

/* The command runs only if some condition holds. */
bool shell_conditional(const struct shell *sh);

#endif
