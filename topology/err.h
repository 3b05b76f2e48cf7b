/* Errors are values. The caller owns the struct, nothing is allocated, nothing has to be freed.
 * A function that can fail returns bool: true is done, and then *e is untouched; false leaves every
 * output untouched and *e says what was wanted, what was found and (where there is one) at which
 * path of the input. Only an edge (command, HTTP handler) prints an error, once. */
#ifndef TPGUARD_TOPOLOGY_ERR_H
#define TPGUARD_TOPOLOGY_ERR_H

#include <stdbool.h>

#include "topology/attr.h"

/* Maps to exit codes and HTTP statuses by one table at each edge. */
enum err_code {
    ERR_NONE = 0,
    ERR_INPUT,     /* somebody gave us text that is not what it should be: exit 2, HTTP 400 */
    ERR_TOO_LARGE, /* a stated maximum was passed: exit 2, HTTP 413 */
    ERR_UNKNOWN, /* the input is readable and says that nothing can be known (cut, failed): topology
                    unknown */
    ERR_IO,      /* the system said no: exit 2, HTTP 500 */
    ERR_INTERNAL, /* a bug of ours, or no memory: exit 2, HTTP 500 */
    ERR_CODE_COUNT
};

#define ERR_MSG_MAX  320
#define ERR_PATH_MAX 192

struct err {
    enum err_code code;
    char path[ERR_PATH_MAX]; /* where in the input: "spec.containers[0].args[3]"; "" no place */
    char msg[ERR_MSG_MAX];   /* one line, no full stop */
};

/* Sets code and message (cut at ERR_MSG_MAX - 1), clears the path. Always returns false, so that a
 * caller can write `return err_set(...)`. e may be NULL. */
bool err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF(3, 4);

/* The same with a path. */
bool err_at(struct err *e, enum err_code code, const char *path, const char *fmt, ...) PRINTF(4, 5);

/* Puts context in front of the message ("node n1: " + msg). Always returns false. */
bool err_wrap(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Puts a path element in front of the path: "spec" + "containers[0]" = "spec.containers[0]". Always
 * returns false. */
bool err_in(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Puts a file's name in front of path and message, all in the message ("a.yaml: spec.x: wants
 * ..."), and clears the path: where the file ends, the place in it belongs behind its name. Always
 * returns false. */
bool err_file(struct err *e, const char *file);

/* A short stable word for the code ("input", "too-large", ...), for logs. */
const char *err_code_name(enum err_code code);

#endif
