/* Inside of the shell reader, shared by its two halves: shell_lex.c (text to words) and shell.c
 * (words to commands, variables). */
#ifndef TPGUARD_CORE_SHELL_STATE_H
#define TPGUARD_CORE_SHELL_STATE_H

#include "webhook/core/shell.h"

struct shell_var {
    struct span name;
    struct span value; /* elements of an array are separated by MARK_SPLIT */
};

struct shell {
    const struct shell_ask *ask;
    struct argv cmd; /* the command that is being read */
    unsigned at;     /* where the script stands, for argv.at */
    struct shell_var var[SHELL_VARS_MAX];
    unsigned n_vars;
    unsigned n_text;
    unsigned depth;
    unsigned conditions; /* inside so many of if, while, for, case */
    bool maybe;          /* behind ||: may not run */
    bool lost;           /* something did not fit */
    struct span array;   /* name of the array whose elements are being read; p NULL none */
    bool array_append;
    char text[SHELL_TEXT_MAX];
};

/* Keeps a copy of s; an empty span and `lost` when there is no room. */
struct span shell_keep(struct shell *sh, struct span s);
void shell_set(struct shell *sh, struct span name, struct span value, bool append);

enum shell_found { SHELL_UNDEFINED = 0, SHELL_KNOWN, SHELL_UNKNOWN };
/* scratch gets the value when it comes from the container's environment. */
enum shell_found shell_get(struct shell *sh, struct span name, struct buf *scratch,
                           struct span *value);

/* Reads text: words into sh->cmd, shell_command at the end of each command. */
void shell_lex(struct shell *sh, struct span text);

/* The words of sh->cmd are a whole command; empties it. */
void shell_command(struct shell *sh);

/* Value of the expansion that starts at s[0] == '$' appended to the open word; returns how many
 * bytes it took. split: outside quotes, so spaces in the value end the word. */
size_t shell_dollar(struct shell *sh, struct span s, bool split);

/* $((...)): a whole number; false when it is not made of numbers alone. */
bool shell_arithmetic(struct shell *sh, struct span s, int64_t *out);

#endif
