/* Words of nvidia-smi text. Terminals and pastes leave escape codes in it (real ones, or their
 * readable remains: "[4m", "^[[0m", "\033[4m"), no-break spaces, quote marks and table bars: all of
 * these count as white space. */
#ifndef TPGUARD_TOPOLOGY_SMI_TEXT_H
#define TPGUARD_TOPOLOGY_SMI_TEXT_H

#include "topology/err.h"
#include "topology/span.h"

/* Takes the next word off *rest; an empty span when there is none. */
struct span smi_word(struct span *rest);

/* One line of the text and its number, from 1; false at the end. Start with line 0. */
struct smi_lines {
    struct span rest;
    struct span line;
    unsigned number;
};
bool smi_next_line(struct smi_lines *l);

/* "GPU12" -> 12, nothing around it; digits beyond GPU_INDEX_MAX give a number above it. */
bool smi_gpu_name(struct span word, unsigned *index);

/* The first line of the text that holds one of nvidia-smi's own words for "it did not work" (no
 * driver, no device, no such command); empty when there is none. */
struct span smi_failure(struct span text);

/* word is somewhere in s, the case of letters aside. */
bool smi_has(struct span s, const char *word);

/* Copies s to out (cap bytes with the NUL) when it is short enough and all printable ASCII;
 * otherwise leaves out as it is: a name that could carry escape codes to a terminal is no name. */
bool smi_copy(char *out, size_t cap, struct span s);

/* err_at with the path "line N". Always returns false. */
bool smi_fail(struct err *e, enum err_code code, unsigned line, const char *fmt, ...) PRINTF(4, 5);

#endif
