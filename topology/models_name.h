/* Reading the names of models: inside of models.c and quant.c. */
#ifndef TPGUARD_TOPOLOGY_MODELS_NAME_H
#define TPGUARD_TOPOLOGY_MODELS_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/models.h"
#include "topology/span.h"

/* What a word says about the format. */
struct quant_said {
    bool said;
    bool loose; /* names a container or method that comes in several formats */
    enum quant quant;
};

struct quant_said quant_read(struct span word);

/* '-', '_', '.', ':', '/', ' ' */
bool name_separator(char c);

/* The part of a path, URL or hub cache directory that names the model; empty when none does. */
struct span name_last(struct span name);

/* name without what does not change the shape of the model: formats ("-FP8", "-GPTQ-Int4") and
 * tunings ("-Instruct") at the end, vendors ("Meta-") at the start. *said, when not NULL: the
 * format that was cut off. */
struct span name_base(struct span name, struct quant_said *said);

/* The same letters and digits, case and separators aside. */
bool name_same(struct span a, struct span b);

/* name in lower case and without separators, as a C string; false when it does not fit cap bytes or
 * has a NUL in it. */
bool name_plain(struct span name, char *text, size_t cap);

/* s begins with the letters and digits of head. */
bool name_starts(struct span s, struct span head);

/* name without a vendor at its start ("Meta-", "NVIDIA-"). */
struct span name_unbranded(struct span name);

/* Finds the size in a name ("8B", "0.6B", "8x7B", "125m"). *head: the name up to and with it;
 * *millions: the parameters, 0 when the size counts active parameters only ("17B-16E"). */
bool name_size(struct span name, struct span *head, uint32_t *millions);

#endif
