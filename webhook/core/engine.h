/* The engine table: how each inference engine is told its parallel sizes. One row per engine; a new
 * engine is one more row. Sources are the engines' own argument parsers; see README, "Engines". */
#ifndef TPGUARD_CORE_ENGINE_H
#define TPGUARD_CORE_ENGINE_H

#include "webhook/core/argv.h"

/* How the engine's command line is parsed. */
enum parser {
    PARSE_ARGPARSE = 0, /* Python argparse: --k v, --k=v, unambiguous beginnings of long flags */
    PARSE_FLEXIBLE,     /* the same, and "_" stands for "-" (vLLM's FlexibleArgumentParser) */
    PARSE_CLICK,        /* --k v, --k=v, no abbreviations */
    PARSE_EXACT,        /* whole tokens only: --k v (llama.cpp) */
};

/* What the size is when nobody says it. */
enum absent {
    ABSENT_ONE = 0,
    ABSENT_VISIBLE, /* all GPUs that the container sees */
    ABSENT_UNKNOWN, /* chosen inside the container (a profile, a model's own file) */
    ABSENT_NO_TP,   /* the engine has no tensor parallelism */
};

enum precedence {
    FLAG_THEN_ENV = 0,
    ENV_IS_FLAGS, /* env_flags hold more flags, before the command line's */
};

#define NAMES_MAX 4
typedef const char *engine_words[NAMES_MAX];

struct engine_row {
    const char *name;
    engine_words module;    /* python -m X */
    engine_words exe;       /* base name of the program */
    const char *sub;        /* ... followed by this subcommand, NULL any */
    const char *script;     /* ... and only with such a script among the words, or a flag of ours */
    engine_words image;     /* part of the image name */
    const char *image_also; /* ... together with this part */
    engine_words env_sign;  /* a variable that begins so gives the engine away */
    enum parser parser;
    enum absent absent;
    engine_words tp, pp, dp, dp_local, cp;
    engine_words nodes;
    engine_words per_node; /* GPUs of each node: the nodes follow from it */
    engine_words model, quant, dtype;
    engine_words config;        /* a file with more settings: it cannot be read here */
    bool config_wins;           /* ... and overrides the command line */
    engine_words json;          /* settings as JSON text, which override all else */
    bool model_first;           /* the model is the first word that is no flag */
    bool dp_inside;             /* data parallel ranks are part of the TP ranks */
    const char *dp_inside_flag; /* ... only with this flag */
    bool over_nodes;            /* tp is the size over all nodes */
    engine_words env_tp, env_pp, env_dp, env_nodes, env_model, env_quant, env_dtype;
    engine_words env_multi;   /* set to 1 or true: several nodes, however many */
    bool env_usual;           /* sizes are usually said by environment: envFrom may hold them */
    engine_words env_flags;   /* environment with more flags */
    bool env_beaten_by_count; /* more than one visible GPU overrides env_tp (runpod's worker) */
    bool all_is_one;          /* NVIDIA_VISIBLE_DEVICES=all counts as one GPU */
    bool picks_visible;       /* ABSENT_UNKNOWN, but never more than it sees */
    bool fills_pod;           /* uses every GPU it sees, whatever the TP size */
    const char *why_unknown;  /* what decides when ABSENT_UNKNOWN */
};

extern const struct engine_row engine_rows[];
extern const unsigned engine_rows_count;

enum match { MATCH_NONE = 0, MATCH_SERVER, MATCH_WORKER, MATCH_OTHER };

/* Does this command start an engine (or a helper of one)? *row and *first (the first word behind
 * the program and its subcommand) when SERVER. */
enum match engine_of_command(const struct argv *v, const struct engine_row **row, unsigned *first);

/* A program that starts another one named among its words (env, tini, mpirun, python). */
bool engine_is_launcher(struct span program);

/* By image; NULL when none. */
const struct engine_row *engine_of_image(struct span image);

/* Flags of vLLM's that no other engine spells so: a pod with nothing but args. */
const struct engine_row *engine_of_flags(const struct argv *v);

/* By variables that only this engine's images read; NULL when none. */
struct container;
const struct engine_row *engine_of_env(const struct container *c);

const struct engine_row *engine_named(const char *name);

#endif
