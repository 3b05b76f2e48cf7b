/* The two halves of the stand-in library: calls about one GPU, and the rest. */
#ifndef TPGUARD_TESTS_NVML_STANDIN_H
#define TPGUARD_TESTS_NVML_STANDIN_H

#include <stdbool.h>
#include <sys/stat.h>

#include "tests/nvml/scenario.h"

struct standin {
    bool started;
    bool wrong; /* the file as it is now; what was read before still stands */
    struct stat seen;
    struct scenario s;
    struct scenario fresh;
    unsigned next_xid;
    unsigned long long watched[STAND_GPU_MAX];
    char device[STAND_GPU_MAX]; /* their addresses are the handles */
};
extern struct standin here;

/* What each exported symbol does; the symbols themselves are made of these in standin.c. */
#define DECLARE(member, symbol, args) int do_##symbol args;
NVML_CALLS(DECLARE)

/* What the scenario has against this call; 0 nothing. gpu -1: a call without one. */
int stand_enter(const char *name, int gpu);
/* The index behind a handle, or -1. */
int stand_find(nvml_device d, struct stand_gpu **out);
/* Text into a caller's array, or NVML_INSUFFICIENT_SIZE. */
int stand_put(char *out, unsigned cap, const char *text);

/* The start of each call about a GPU. */
#define ENTER(symbol)                                                                              \
    struct stand_gpu *g = NULL;                                                                    \
    int at = stand_find(d, &g);                                                                    \
    int rc_ = at < 0 ? NVML_INVALID_ARGUMENT : stand_enter(#symbol, at);                           \
    if (rc_) {                                                                                     \
        return rc_;                                                                                \
    }

#endif
