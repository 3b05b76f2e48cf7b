/* The command line of `tpguard explain`. */
#ifndef TPGUARD_WEBHOOK_EXPLAIN_OPTIONS_H
#define TPGUARD_WEBHOOK_EXPLAIN_OPTIONS_H

#include "webhook/explain.h"
#include "webhook/explain_cluster.h"

#define EXPLAIN_FILES_MAX 64
#define EXPLAIN_BUILTIN   "the built-in example"

struct explain_options {
    const char *file[EXPLAIN_FILES_MAX]; /* borrowed from argv */
    unsigned n_files;
    struct explain_source source;
    bool json;
    bool patch_only;
    bool running; /* what runs, instead of manifests */
    struct explain_style style;
    struct policy policy;
};

/* -1: go on. Else the exit code: what there was to say is said. */
int explain_options_read(struct explain_options *o, int argc, char **argv);
/* One line on standard error; returns the exit code of wrong input. */
int explain_complain(const char *where, const struct err *e);

#endif
