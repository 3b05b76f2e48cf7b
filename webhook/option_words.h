/* One word of a command line after the other, for the commands that keep their options in a table:
 * --name, --name=value, --name value, -h. What the names mean is the table's business. */
#ifndef TPGUARD_WEBHOOK_OPTION_WORDS_H
#define TPGUARD_WEBHOOK_OPTION_WORDS_H

#include <stdbool.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"

struct option_word {
    struct span name;  /* without the dashes; -h is "help" */
    const char *value; /* behind '='; NULL none */
};
/* Text is borrowed. ERR_INPUT for a word that is no option. */
NODISCARD bool option_word_read(const char *text, struct option_word *out, struct err *e);

/* The word's value, once it is known whether its option takes one; *i is where argv stands, and
 * moves on over a value that is a word of its own. *value is "" where none is taken. */
NODISCARD bool option_word_value(const struct option_word *w, bool takes_value, int argc,
                                 char **argv, int *i, const char **value, struct err *e);

/* "--name" or "--name VALUE" in front of what went wrong with it. Always false. */
bool option_word_wrap(struct span name, bool takes_value, const char *value, struct err *e);

/* A line of --help; value NULL: takes none. */
void option_word_help(const char *name, const char *value, const char *help, struct buf *out);

#endif
