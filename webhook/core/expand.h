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

/* Variables that may be looked at while one command line or one script is read: values that name
 * each other many times cost no more than this, and are unknown beyond it. */
#define ENV_STEPS_MAX 4096

struct env_ask {
    const struct pod *p; /* may be NULL; gives LWS_GROUP_SIZE where the environment does not */
    const struct container *c;
    unsigned *steps; /* left of ENV_STEPS_MAX */
};

/* Value of a variable as the process sees it, with $(VAR) in it resolved from the variables before
 * it; the last one of a name wins. Appended to out when KNOWN. *at, if not NULL, is the index in
 * c->env, -1 when it is not there. */
enum env_state env_read_within(const struct env_ask *ask, struct span name, struct buf *out,
                               int *at);
/* The same, a single value. */
enum env_state env_read(const struct pod *p, const struct container *c, const char *name,
                        struct buf *out, int *at);

/* All of command and args after Kubernetes' expansion. What cannot be resolved is a marker; an
 * undefined $(VAR) stays as it is, as in Kubernetes. */
void argv_of(const struct pod *p, const struct container *c, struct argv *v);

#endif
