/* One value off a command line, the way the engine's own parser takes it. The last one wins. */
#ifndef TPGUARD_CORE_ARGS_H
#define TPGUARD_CORE_ARGS_H

#include "webhook/core/engine.h"

enum arg_state {
    ARG_ABSENT = 0,
    ARG_VALUE,
    ARG_UNKNOWN,  /* there, by a value that only the container knows; `why` says it */
    ARG_NO_VALUE, /* the flag stands there with nothing behind it */
};

struct arg {
    enum arg_state state;
    struct span name; /* as written */
    struct span value;
    unsigned word; /* where the value stands */
    const char *why;
};

/* names: one of the row's lists. from: first word behind the program. */
void arg_find(const struct argv *v, unsigned from, const struct engine_row *row,
              const engine_words names, struct arg *out);

/* A word that is one of these flags but for its dashes and underscores (--tp_size for --tp-size,
 * -tp2 for -tp); *out says which. */
bool arg_resembles(const struct argv *v, unsigned from, const engine_words names, struct arg *out);

/* A flag without a value is given. */
bool arg_given(const struct argv *v, unsigned from, const struct engine_row *row, const char *name);

/* The first word that is no flag and no flag's value; false when there is none. */
bool arg_positional(const struct argv *v, unsigned from, unsigned *word);

/* Some word as a whole is only known inside the container ($EXTRA_ARGS): it may hold any flag. */
bool arg_open_ended(const struct argv *v, unsigned from);

#endif
