/* Environment of a container and Kubernetes' own $(VAR) expansion of command, args and env values.
 */
#ifndef TPGUARD_CORE_EXPAND_H
#define TPGUARD_CORE_EXPAND_H

#include "topology/buf.h"
#include "webhook/core/argv.h"
#include "webhook/core/pod.h"

/* Longest environment value that is read; a longer one is unknown. */
#define ENV_VALUE_MAX 4096

enum env_state {
    ENV_ABSENT = 0,
    ENV_KNOWN,
    ENV_UNKNOWN, /* set, but by a value that is not in the pod (or it may be set by envFrom) */
};

/* Value of a variable as the process sees it, with $(VAR) in it resolved from the variables before
 * it; the last one of a name wins. Appended to out when KNOWN. p may be NULL; it gives
 * LWS_GROUP_SIZE where the env does not. *at, if not NULL, is the index in c->env. */
enum env_state env_read(const struct pod *p, const struct container *c, const char *name,
                        struct buf *out, int *at);
enum env_state env_read_span(const struct pod *p, const struct container *c, struct span name,
                             struct buf *out, int *at);

/* Expands one element of command or args into the open word of v. Unresolvable: a marker. Undefined
 * $(VAR) stays as it is, as in Kubernetes. */
void expand_word(const struct pod *p, const struct container *c, struct span text, struct argv *v);

/* All of command and args. args_only: command is empty. */
void argv_of(const struct pod *p, const struct container *c, struct argv *v);

#endif
