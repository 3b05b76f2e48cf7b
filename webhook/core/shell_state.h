/* Inside of the shell reader, shared by its parts: shell_lex.c (text to words), shell_expand.c and
 * shell_sum.c ($ and its relatives), shell.c (words to commands), shell_builtin.c (commands that
 * change variables), shell_var.c (variables and the conditions they hold under). */
#ifndef TPGUARD_CORE_SHELL_STATE_H
#define TPGUARD_CORE_SHELL_STATE_H

#include "webhook/core/shell.h"

#define SHELL_ARGS_MAX 256
#define SHELL_NEST_MAX 32
#define SHELL_WORK_MAX 1000000 /* bytes of values put into words */

/* What must have happened for the commands that are being read to run. */
enum shell_nest {
    NEST_GROUP = 0, /* { }: nothing */
    NEST_FUNCTION,  /* { } of a function: a call of it */
    NEST_CHAIN,     /* behind &&, after commands that only prepare (cd, export) */
    NEST_TESTED,    /* behind &&, after anything else */
    NEST_EITHER,    /* behind || */
    NEST_BLOCK,     /* inside if, while, for, case */
    NEST_SUBSHELL,  /* ( ) */
};

struct shell_var {
    struct span name;
    struct span value; /* elements of an array are separated by MARK_SPLIT */
    uint8_t nest;      /* how deep it was set: known there and further in */
    bool fresh;        /* nobody had set it outside */
    bool same;         /* it had this value outside */
    bool unset;
    bool exported;
};

struct shell {
    const struct shell_ask *ask;
    struct argv cmd;  /* the command that is being read */
    unsigned at;      /* where the script stands, for argv.at */
    unsigned word_at; /* where the open word stands: "$@" comes from elsewhere */
    struct shell_var var[SHELL_VARS_MAX];
    unsigned n_vars;
    unsigned n_text;
    unsigned depth;
    unsigned steps; /* left for looking up the container's environment */
    unsigned work;  /* spent of SHELL_WORK_MAX */
    uint8_t nest[SHELL_NEST_MAX + 1];
    unsigned n_nest;
    bool prepares;     /* the last command was one that only prepares */
    bool vars_full;    /* a variable that is not in var may be set */
    bool lost;         /* a command may be missing */
    struct span array; /* name of the array whose elements are being read; p NULL none */
    bool array_append;
    bool function; /* the next { opens a function's body */
    bool args_unknown;
    unsigned n_args; /* $0 first */
    struct span arg[SHELL_ARGS_MAX];
    uint16_t arg_at[SHELL_ARGS_MAX];
    char text[SHELL_TEXT_MAX];
};

/* Keeps a copy of s; a marker when there is no room. */
struct span shell_keep(struct shell *sh, struct span s);
void shell_set(struct shell *sh, struct span name, struct span value, bool append);
void shell_unset(struct shell *sh, struct span name);
void shell_set_unknown(struct shell *sh, struct span name);
struct shell_var *shell_var_of(struct shell *sh, struct span name); /* NULL when there is none */

/* Conditions begin and end; ending one makes what was set under it unknown. */
void shell_nest_enter(struct shell *sh, enum shell_nest kind);
void shell_nest_leave(struct shell *sh, enum shell_nest kind); /* up to and with the last such */
void shell_nest_close_group(struct shell *sh);                 /* } */
void shell_nest_end_list(struct shell *sh);                    /* && and || end here */
void shell_nest_next(struct shell *sh, bool either);           /* behind || (either) or && */

enum shell_found { SHELL_UNDEFINED = 0, SHELL_KNOWN, SHELL_UNKNOWN };
/* scratch gets the value when it comes from the container's environment. */
enum shell_found shell_get(struct shell *sh, struct span name, struct buf *scratch,
                           struct span *value);

/* Reads text: words into sh->cmd, shell_command at the end of each command. */
void shell_lex(struct shell *sh, struct span text);

/* The words of sh->cmd are a whole command; empties it. */
void shell_command(struct shell *sh);

/* eval and nested scripts: their text is read as a script of its own, in place. */
void shell_nested(struct shell *sh, struct span text);

/* Runs the command when the shell itself does; false when it is a program. */
bool shell_builtin(struct shell *sh);

/* Sets the variables of the assignments at the front (all: of all words, as behind export); the
 * index of the first word that is none. */
unsigned shell_assign(struct shell *sh, unsigned from, bool all);

/* Words of v from `from` on become $0 or $1 (first) and so on. */
void shell_positional(struct shell *sh, const struct argv *v, unsigned from, unsigned first);

/* Value of the expansion that starts at s[0] == '$' appended to the open word; returns how many
 * bytes it took. split: outside quotes, so spaces in the value end the word. */
size_t shell_dollar(struct shell *sh, struct span s, bool split);

/* $((...)): a whole number; false when it is not made of numbers alone. */
bool shell_arithmetic(struct shell *sh, struct span s, int64_t *out);

/* How many bytes at the front of s are a variable's name. */
size_t shell_name_len(struct span s);

#endif
