/* What a model needs: layers and hidden size (for the cost of its all-reduces) and the memory of
 * its weights, from a table of published models (models_table.inc) or, for a name that is not in
 * it, from the name. Pure; nothing is looked up anywhere. All spans are borrowed; rows live
 * forever.
 */
#ifndef TPGUARD_TOPOLOGY_MODELS_H
#define TPGUARD_TOPOLOGY_MODELS_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/span.h"

/* Number formats of weights, by what a parameter takes in memory. */
enum quant {
    QUANT_UNKNOWN = 0,
    QUANT_BF16,
    QUANT_FP16,
    QUANT_FP32,
    QUANT_FP8,
    QUANT_INT8,
    QUANT_INT4, /* AWQ, GPTQ, bitsandbytes NF4, Q4 of GGUF */
    QUANT_NVFP4,
    QUANT_MXFP4,
    QUANT_COUNT
};

const char *quant_name(enum quant q); /* "bf16", "fp8", ..., "unknown" */
/* The format that a flag or a word means: "awq_marlin" -> "int4", "half" -> "fp16". Case and
 * separators aside. "unknown" for what names no format or one whose size is not known. */
const char *quant_normal(struct span word);

struct model {
    const char *name; /* "Qwen/Qwen3.5-27B" */
    uint32_t layers, hidden, heads, kv_heads;
    uint32_t params_m;           /* parameters of all experts, millions */
    uint32_t weights_mib;        /* weight files of the checkpoint, in its own format */
    uint32_t kv_bytes_per_token; /* with a 16-bit cache, over all GPUs; an upper bound for models
                                    with sliding windows */
    enum quant quant;            /* of the checkpoint; QUANT_BF16 for any 16 bit */
};

/* Row number i, NULL behind the last one. */
const struct model *model_row(unsigned i);

enum guess_basis {
    GUESS_ROW = 0, /* the name is in the table */
    GUESS_FAMILY,  /* a row of the same family and size (another quantization, tuning, spelling) */
    GUESS_NAME,    /* only the size that stands in the name ("27b"); layers are unknown */
};

struct model_guess {
    const struct model *row; /* NULL when GUESS_NAME */
    enum guess_basis basis;
    bool params_from_name;          /* params_m was read in a name, not counted */
    uint32_t params_m;              /* 0 unknown */
    uint32_t layers, hidden, heads; /* 0 unknown */
};

#define MODEL_NAME_MAX 512

/* Finds a model by the name that an engine is given: a hub name with or without the organisation,
 * a path or URL whose last part is one ("/models/Qwen3-8B", "hf://...", a hub cache directory), in
 * any case, with a format behind it ("-FP8-dynamic", "-GPTQ-Int4", "-Q4_K_M.gguf"). Then by family
 * and size: "qwen35-27b" is Qwen/Qwen3.5-27B. Then the size alone: "27b", "0.6B", "30B-A3B" (30),
 * "8x7B" (56: an upper bound, experts share layers); "17B-16E" names active parameters only and
 * says nothing. False, and *out untouched, when nothing is known. */
NODISCARD bool model_find(struct span name, struct model_guess *out);

/* The format in which the weights will lie in memory: the flag (--quantization), else the name's
 * suffix, else the row's own, else the dtype; a name alone is 16 bit, which is what engines load.
 * A flag that names a container of several formats (compressed-tensors, gptq, gguf) gives way to a
 * name or row that is precise. QUANT_UNKNOWN when it cannot be told. Empty spans: not given. */
enum quant model_quant(const struct model_guess *g, struct span quant, struct span dtype,
                       struct span name);

enum weight_basis {
    WEIGHT_UNKNOWN = 0,
    WEIGHT_PUBLISHED, /* size of the published files in this very format */
    WEIGHT_COUNTED,   /* counted parameters times the bytes of the format */
    WEIGHT_FROM_NAME, /* the size in the name times the bytes of the format */
    WEIGHT_BASIS_COUNT
};
const char *weight_basis_name(enum weight_basis b); /* "published size", ... */

/* Memory of the weights, over all GPUs, rounded up to whole MiB; 0 (WEIGHT_UNKNOWN) when unknown.
 * Bytes per parameter: fp32 4, bf16/fp16 2, fp8/int8 1, int4 0.55, nvfp4/mxfp4 0.56 (their scales
 * included; embeddings that stay in 16 bit are not). 27B in fp8 is 25,750 MiB. basis may be NULL.
 */
uint64_t model_weights_mib(const struct model_guess *g, struct span quant, struct span dtype,
                           struct span name, enum weight_basis *basis);

#endif
