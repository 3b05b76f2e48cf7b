/* Formats of weights: the words for them, and what they take. */
#include "topology/models.h"
#include "topology/models_name.h"

const char *quant_name(enum quant q) {
    static const char *const names[QUANT_COUNT] = {
        [QUANT_UNKNOWN] = "unknown", [QUANT_BF16] = "bf16",   [QUANT_FP16] = "fp16",
        [QUANT_FP32] = "fp32",       [QUANT_FP8] = "fp8",     [QUANT_INT8] = "int8",
        [QUANT_INT4] = "int4",       [QUANT_NVFP4] = "nvfp4", [QUANT_MXFP4] = "mxfp4",
    };
    return (unsigned)q < QUANT_COUNT ? names[q] : names[QUANT_UNKNOWN];
}

/* More than the longest word has. */
#define WORD_MAX 24

struct word {
    const char *text; /* without separators, lower case */
    uint8_t quant;
    bool loose;
};

/* The spellings of vLLM, SGLang, TensorRT-LLM, TGI, llama.cpp and of checkpoint names. A known word
 * with QUANT_UNKNOWN is a format of another size than those we have figures for. */
static const struct word words[] = {
    {"fp8", QUANT_FP8, false},
    {"mxfp8", QUANT_FP8, false},
    {"fp8e4m3", QUANT_FP8, false},
    {"fp8e5m2", QUANT_FP8, false},
    {"e4m3", QUANT_FP8, false},
    {"float8e4m3fn", QUANT_FP8, false},
    {"fp8dynamic", QUANT_FP8, false},
    {"fp8rowwise", QUANT_FP8, false},
    {"fp8pbwo", QUANT_FP8, false},
    {"fp8pertensor", QUANT_FP8, false},
    {"fp8block", QUANT_FP8, false},
    {"blockfp8", QUANT_FP8, false},
    {"blockwisefp8", QUANT_FP8, false},
    {"fbgemmfp8", QUANT_FP8, false},
    {"ptpcfp8", QUANT_FP8, false},
    {"w8a8fp8", QUANT_FP8, false},
    {"modeloptfp8", QUANT_FP8, false},
    {"modelopt", QUANT_FP8, true},

    {"int8", QUANT_INT8, false},
    {"w8a8", QUANT_INT8, false},
    {"w8a16", QUANT_INT8, false},
    {"w8a8int8", QUANT_INT8, false},
    {"blockint8", QUANT_INT8, false},
    {"expertsint8", QUANT_INT8, false},
    {"tpuint8", QUANT_INT8, false},
    {"int8sq", QUANT_INT8, false},
    {"int8weightonly", QUANT_INT8, false},
    {"int8wo", QUANT_INT8, false},
    {"smoothquant", QUANT_INT8, false},
    {"eetq", QUANT_INT8, false},
    {"bitsandbytes8bit", QUANT_INT8, false},
    {"8bit", QUANT_INT8, false},
    {"q80", QUANT_INT8, false},

    {"int4", QUANT_INT4, false},
    {"w4a16", QUANT_INT4, false},
    {"w4a8", QUANT_INT4, false},
    {"w4a4", QUANT_INT4, false},
    {"w4afp8", QUANT_INT4, false},
    {"w4a8awq", QUANT_INT4, false},
    {"w4a16awq", QUANT_INT4, false},
    {"w4a16gptq", QUANT_INT4, false},
    {"int4awq", QUANT_INT4, false},
    {"int4weightonly", QUANT_INT4, false},
    {"int4wo", QUANT_INT4, false},
    {"awq", QUANT_INT4, false},
    {"awqmarlin", QUANT_INT4, false},
    {"awqint4", QUANT_INT4, false},
    {"gptqint4", QUANT_INT4, false},
    {"gptqmarlin24", QUANT_INT4, false},
    {"squeezellm", QUANT_INT4, false},
    {"qqq", QUANT_INT4, false},
    {"qoq", QUANT_INT4, false},
    {"nf4", QUANT_INT4, false},
    {"bitsandbytesnf4", QUANT_INT4, false},
    {"bitsandbytesfp4", QUANT_INT4, false},
    {"bitsandbytes4bit", QUANT_INT4, false},
    {"bnb4bit", QUANT_INT4, false},
    {"4bit", QUANT_INT4, false},
    {"q40", QUANT_INT4, false},
    {"q41", QUANT_INT4, false},
    {"q4km", QUANT_INT4, false},
    {"q4ks", QUANT_INT4, false},
    {"gptq", QUANT_INT4, true},
    {"gptqmarlin", QUANT_INT4, true},
    {"marlin", QUANT_INT4, true},
    {"moewna16", QUANT_INT4, true},
    {"autoround", QUANT_INT4, true},
    {"bitsandbytes", QUANT_INT4, true},
    {"bnb", QUANT_INT4, true},
    {"hqq", QUANT_INT4, true},

    {"nvfp4", QUANT_NVFP4, false},
    {"nvfp4a16", QUANT_NVFP4, false},
    {"modeloptfp4", QUANT_NVFP4, false},
    {"petitnvfp4", QUANT_NVFP4, false},
    {"fp4", QUANT_NVFP4, false},
    {"mxfp4", QUANT_MXFP4, false},
    {"gptossmxfp4", QUANT_MXFP4, false},

    {"bf16", QUANT_BF16, false},
    {"bfloat16", QUANT_BF16, false},
    {"fp16", QUANT_FP16, false},
    {"f16", QUANT_FP16, false},
    {"half", QUANT_FP16, false},
    {"float16", QUANT_FP16, false},
    {"fp32", QUANT_FP32, false},
    {"f32", QUANT_FP32, false},
    {"float", QUANT_FP32, false},
    {"float32", QUANT_FP32, false},

    {"compressedtensors", QUANT_UNKNOWN, true},
    {"gguf", QUANT_UNKNOWN, true},
    {"quark", QUANT_UNKNOWN, true},
    {"torchao", QUANT_UNKNOWN, true},
    {"inc", QUANT_UNKNOWN, true},
    {"modeloptmixed", QUANT_UNKNOWN, true},
    {"exl2", QUANT_UNKNOWN, false},
    {"exl3", QUANT_UNKNOWN, false},
    {"aqlm", QUANT_UNKNOWN, false},
    {"2bit", QUANT_UNKNOWN, false},
    {"3bit", QUANT_UNKNOWN, false},
    {"5bit", QUANT_UNKNOWN, false},
    {"6bit", QUANT_UNKNOWN, false},
    {"int2", QUANT_UNKNOWN, false},
    {"int3", QUANT_UNKNOWN, false},
    {"q2k", QUANT_UNKNOWN, false},
    {"q3ks", QUANT_UNKNOWN, false},
    {"q3km", QUANT_UNKNOWN, false},
    {"q3kl", QUANT_UNKNOWN, false},
    {"q50", QUANT_UNKNOWN, false},
    {"q51", QUANT_UNKNOWN, false},
    {"q5ks", QUANT_UNKNOWN, false},
    {"q5km", QUANT_UNKNOWN, false},
    {"q6k", QUANT_UNKNOWN, false},
};

struct quant_said quant_read(struct span word) {
    char text[WORD_MAX];
    if (!name_plain(word, text, sizeof text)) {
        return (struct quant_said){.said = false};
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i].text[0] == text[0] && strcmp(words[i].text, text) == 0) {
            return (struct quant_said){
                .said = true, .loose = words[i].loose, .quant = (enum quant)words[i].quant};
        }
    }
    return (struct quant_said){.said = false};
}

const char *quant_normal(struct span word) {
    return quant_name(quant_read(span_trim(word)).quant);
}

/* A flag that leaves the choice to the engine. */
static bool says_nothing(struct span flag) {
    static const char *const none[] = {"", "none", "null", "auto", "no", "false"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        if (span_ieq(flag, span_of(none[i]))) {
            return true;
        }
    }
    return false;
}

/* The format of the checkpoint itself, when the row is the checkpoint or its base: a row whose name
 * ends in a format is a conversion, and says nothing of others of the family. */
static enum quant row_own(const struct model_guess *g) {
    if (!g->row) {
        return QUANT_UNKNOWN;
    }
    struct quant_said cut = {0};
    (void)name_base(name_last(span_of(g->row->name)), &cut);
    return cut.said && g->basis != GUESS_ROW ? QUANT_UNKNOWN : g->row->quant;
}

static bool is_16_bit(enum quant q) {
    return q == QUANT_BF16 || q == QUANT_FP16;
}

enum quant model_quant(const struct model_guess *g, struct span quant, struct span dtype,
                       struct span name) {
    struct span flag = span_trim(quant);
    struct quant_said asked = quant_read(flag);
    struct quant_said named = {0};
    (void)name_base(name_last(name), &named);
    if (asked.said && !asked.loose) {
        return asked.quant;
    }
    if (!asked.said && !says_nothing(flag)) {
        return QUANT_UNKNOWN;
    }
    if (named.said && !named.loose) {
        return named.quant;
    }
    enum quant own = row_own(g);
    if (own != QUANT_UNKNOWN && !is_16_bit(own)) {
        return own;
    }
    if (asked.said || named.said) {
        return asked.said && asked.quant ? asked.quant : named.quant;
    }
    struct quant_said as = quant_read(span_trim(dtype));
    return as.said ? as.quant : QUANT_BF16;
}

/* Bytes per 100 parameters. */
static const uint16_t bytes_per_100[QUANT_COUNT] = {
    [QUANT_BF16] = 200, [QUANT_FP16] = 200, [QUANT_FP32] = 400, [QUANT_FP8] = 100,
    [QUANT_INT8] = 100, [QUANT_INT4] = 55,  [QUANT_NVFP4] = 56, [QUANT_MXFP4] = 56,
};

const char *weight_basis_name(enum weight_basis b) {
    static const char *const names[WEIGHT_BASIS_COUNT] = {
        [WEIGHT_UNKNOWN] = "unknown",
        [WEIGHT_PUBLISHED] = "published size",
        [WEIGHT_COUNTED] = "parameter count",
        [WEIGHT_FROM_NAME] = "size in the name",
    };
    return (unsigned)b < WEIGHT_BASIS_COUNT ? names[b] : names[WEIGHT_UNKNOWN];
}

uint64_t model_weights_mib(const struct model_guess *g, struct span quant, struct span dtype,
                           struct span name, enum weight_basis *basis) {
    enum quant q = model_quant(g, quant, dtype, name);
    enum weight_basis how = WEIGHT_UNKNOWN;
    uint64_t mib = 0;
    const struct model *row = g->row;
    bool as_published = row && (row->quant == q || (is_16_bit(row->quant) && is_16_bit(q)));
    if (as_published && row->weights_mib) {
        how = WEIGHT_PUBLISHED;
        mib = row->weights_mib;
    } else if (q != QUANT_UNKNOWN && g->params_m) {
        how = g->params_from_name ? WEIGHT_FROM_NAME : WEIGHT_COUNTED;
        /* Millions times bytes per 100: ten thousands. Below 2^32 * 400 * 10^4 < 2^64. */
        uint64_t bytes = (uint64_t)g->params_m * bytes_per_100[q] * 10000;
        mib = (bytes + (UINT64_C(1) << 20) - 1) >> 20;
    }
    if (basis) {
        *basis = how;
    }
    return mib;
}
