/* Names that engines are given against the table, and what their weights weigh. */
#include "topology/models.h"

#include "tests/tap.h"

static const char *basis_text(enum guess_basis b) {
    static const char *const names[] = {"row", "family", "name"};
    return names[b];
}

struct named {
    const char *name;
    const char *row; /* NULL: no row */
    enum guess_basis basis;
    uint32_t params_m;
    uint32_t layers;
};

static const struct named found[] = {
    {"Qwen/Qwen3-8B", "Qwen/Qwen3-8B", GUESS_ROW, 8190, 36},
    {"qwen/qwen3-8b", "Qwen/Qwen3-8B", GUESS_ROW, 8190, 36},
    {"Qwen3-8B", "Qwen/Qwen3-8B", GUESS_ROW, 8190, 36},
    {"  Qwen3-8B ", "Qwen/Qwen3-8B", GUESS_ROW, 8190, 36},
    {"/models/Qwen3-8B", "Qwen/Qwen3-8B", GUESS_ROW, 8190, 36},
    {"/models/Qwen3-8B/", "Qwen/Qwen3-8B", GUESS_ROW, 8190, 36},
    {"/mnt/models/qwen3-8b/1", "Qwen/Qwen3-8B", GUESS_ROW, 8190, 36},
    {"hf://Qwen/Qwen3-8B", "Qwen/Qwen3-8B", GUESS_ROW, 8190, 36},
    {"s3://bucket/some/models/Qwen3-8B", "Qwen/Qwen3-8B", GUESS_ROW, 8190, 36},
    {"/root/.cache/huggingface/hub/models--Qwen--Qwen3-8B/snapshots/"
     "b968826d9c46dd6066d109eabc6255188de91218",
     "Qwen/Qwen3-8B", GUESS_FAMILY, 8190, 36},
    {"Qwen_Qwen3-8B", "Qwen/Qwen3-8B", GUESS_FAMILY, 8190, 36},
    {"someone/Qwen3-8B", "Qwen/Qwen3-8B", GUESS_ROW, 8190, 36},

    {"qwen35-27b", "Qwen/Qwen3.5-27B", GUESS_FAMILY, 27000, 64},
    {"Qwen3.5-27B-FP8", "Qwen/Qwen3.5-27B", GUESS_FAMILY, 27000, 64},
    {"qwen3.5_27b_instruct", "Qwen/Qwen3.5-27B", GUESS_FAMILY, 27000, 64},
    {"Qwen/Qwen3.6-27B", "Qwen/Qwen3.6-27B", GUESS_ROW, 27783, 64},
    {"qwen3:32b", "Qwen/Qwen3-32B", GUESS_FAMILY, 32760, 64},
    {"Qwen/Qwen3-30B-A3B-Instruct-2507", "Qwen/Qwen3-30B-A3B", GUESS_FAMILY, 30530, 48},
    {"Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "Qwen/Qwen3-235B-A22B-FP8", GUESS_FAMILY, 235090,
     94},
    {"Qwen/Qwen3-32B-AWQ", "Qwen/Qwen3-32B", GUESS_FAMILY, 32760, 64},
    {"Qwen/Qwen3-8B-AWQ", "Qwen/Qwen3-8B-AWQ", GUESS_ROW, 8000, 36},
    {"unsloth/Qwen3-14B-unsloth-bnb-4bit", "Qwen/Qwen3-14B", GUESS_FAMILY, 14770, 40},
    {"RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w8a8", "meta-llama/Llama-3.1-8B-Instruct",
     GUESS_FAMILY, 8030, 32},
    {"neuralmagic/Meta-Llama-3.1-70B-Instruct-FP8-dynamic", "nvidia/Llama-3.1-70B-Instruct-FP8",
     GUESS_FAMILY, 70550, 80},
    {"llama-3.1-8b", "meta-llama/Llama-3.1-8B-Instruct", GUESS_FAMILY, 8030, 32},
    {"meta-llama/Meta-Llama-3.1-405B-Instruct", "meta-llama/Meta-Llama-3.1-405B", GUESS_FAMILY,
     405850, 126},
    {"meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8",
     "meta-llama/Llama-4-Maverick-17B-128E-Instruct", GUESS_FAMILY, 400000, 48},
    {"mistralai/Mixtral-8x7B-Instruct-v0.1", "mistralai/Mixtral-8x7B-v0.1", GUESS_FAMILY, 46700,
     32},
    {"Mistral-7B", "mistralai/Mistral-7B-Instruct-v0.2", GUESS_FAMILY, 7240, 32},
    {"https://host/x/Qwen3-8B-Q4_K_M.gguf", "Qwen/Qwen3-8B-AWQ", GUESS_FAMILY, 8000, 36},
    {"openai/gpt-oss-120b", "openai/gpt-oss-120b", GUESS_ROW, 116790, 36},
    {"deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1", GUESS_ROW, 671030, 61},
    {"nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-FP8", "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-FP8",
     GUESS_ROW, 550000, 0},

    {"my-27b", NULL, GUESS_NAME, 27000, 0},
    {"acme/Foo-70B-Instruct", NULL, GUESS_NAME, 70000, 0},
    {"llama70b", NULL, GUESS_NAME, 70000, 0},
    {"Foo-8x7B", NULL, GUESS_NAME, 56000, 0},
    {"Foo-30B-A3B", NULL, GUESS_NAME, 30000, 0},
    {"Foo-A3B-30B", NULL, GUESS_NAME, 30000, 0},
    {"foo-0.6B", NULL, GUESS_NAME, 600, 0},
    {"foo-1.5b-chat", NULL, GUESS_NAME, 1500, 0},
    {"facebook/opt-125m", NULL, GUESS_NAME, 125, 0},
    {"Foo-7B-1M", NULL, GUESS_NAME, 7000, 0},
    {"Foo-1M-7B", NULL, GUESS_NAME, 7000, 0},
    {"Foo_7b_8bit", NULL, GUESS_NAME, 7000, 0},
    {"deepseek-ai/DeepSeek-R1-Distill-Llama-70B", NULL, GUESS_NAME, 70000, 0},
    {"meta-llama/Meta-Llama-3-70B-Instruct", NULL, GUESS_NAME, 70000, 0},
    {"llama-3-18b", NULL, GUESS_NAME, 18000, 0},
    {"Qwen/Qwen2.5-VL-7B-Instruct", NULL, GUESS_NAME, 7000, 0},
};

static void found_test(void) {
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        const struct named *want = &found[i];
        struct model_guess g;
        bool done = model_find(span_of(want->name), &g);
        ok(done, "%s is found", want->name);
        if (!done) {
            continue;
        }
        is_str(g.row ? g.row->name : NULL, want->row, "  as this row");
        is_str(basis_text(g.basis), basis_text(want->basis), "  on this basis");
        is_int(g.params_m, want->params_m, "  with these parameters");
        is_int(g.layers, want->layers, "  and these layers");
    }
}

static void not_found_test(void) {
    static const char *const names[] = {
        "",
        " ",
        "/",
        "//",
        "hf://",
        "/mnt/models",
        "/models/1",
        "model",
        "-FP8",
        "FP8",
        "-",
        "...",
        "b",
        "27",
        "v1.27",
        "A3B",
        "foo-E2B",
        "foo-4bit",
        "foo-8k",
        "foo-1M",
        "foo-17B-16E",
        "$MODEL",
        "0B",
        "foo-0b",
        "foo-7bx",

        "1.2.3b",
        "foo-99999999b",
        "8x-7q",
        "8xb",
        "x7b",
        "DeepSeek-R1-Lite",
        "phi-4-vision",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct model_guess g = {.layers = 77};
        bool done = model_find(span_of(names[i]), &g);
        ok(!done && g.layers == 77, "nothing is known of \"%s\"", names[i]);
    }
    struct model_guess g;
    ok(!model_find((struct span){NULL, 0}, &g), "nor of no name");
    char text[2 * MODEL_NAME_MAX];
    memset(text, '-', sizeof text);
    memcpy(text, "foo-7b", 6);
    ok(!model_find((struct span){text, MODEL_NAME_MAX + 1}, &g), "a name that is too long is none");
    ok(model_find((struct span){text, MODEL_NAME_MAX}, &g), "one at the limit is read");
}

struct weighed {
    const char *name;
    const char *quant;
    const char *dtype;
    const char *format;
    uint64_t mib;
    enum weight_basis basis;
};

static const struct weighed weights[] = {
    {"qwen35-27b", "fp8", "", "fp8", 25750, WEIGHT_FROM_NAME},
    {"qwen35-27b", "", "", "bf16", 51499, WEIGHT_FROM_NAME},
    {"qwen35-27b", "", "auto", "bf16", 51499, WEIGHT_FROM_NAME},
    {"qwen35-27b", "none", "half", "fp16", 51499, WEIGHT_FROM_NAME},
    {"qwen35-27b", "", "float32", "fp32", 102997, WEIGHT_FROM_NAME},
    {"qwen35-27b-fp8", "", "bfloat16", "fp8", 25750, WEIGHT_FROM_NAME},
    {"Qwen3.5-27B-NVFP4", "", "", "nvfp4", 14420, WEIGHT_FROM_NAME},
    {"Qwen/Qwen3.6-27B", "", "", "bf16", 52992, WEIGHT_PUBLISHED},
    {"Qwen/Qwen3.6-27B", "", "half", "fp16", 52992, WEIGHT_PUBLISHED},
    {"Qwen/Qwen3.6-27B", "fp8", "", "fp8", 26496, WEIGHT_COUNTED},
    {"meta-llama/Llama-3.3-70B-Instruct", "", "", "bf16", 134574, WEIGHT_PUBLISHED},
    {"meta-llama/Llama-3.3-70B-Instruct", "bitsandbytes", "", "int4", 37009, WEIGHT_COUNTED},
    {"Qwen/Qwen3-32B", "", "", "bf16", 62485, WEIGHT_COUNTED},
    {"Qwen/Qwen3-32B-AWQ", "", "", "int4", 17184, WEIGHT_COUNTED},
    {"Qwen/Qwen3-32B-AWQ", "awq_marlin", "half", "int4", 17184, WEIGHT_COUNTED},
    {"Qwen/Qwen3-8B-AWQ", "awq", "", "int4", 5816, WEIGHT_PUBLISHED},
    {"Qwen/Qwen3.5-122B-A10B-GPTQ-Int4", "gptq_marlin", "", "int4", 75233, WEIGHT_PUBLISHED},
    {"Foo-7B-GPTQ-Int8", "gptq", "", "int8", 6676, WEIGHT_FROM_NAME},
    {"Foo-7B-GPTQ", "", "", "int4", 3672, WEIGHT_FROM_NAME},
    {"Foo-7B-Q4_K_M.gguf", "gguf", "", "int4", 3672, WEIGHT_FROM_NAME},
    {"Foo-7B-GGUF", "", "", "unknown", 0, WEIGHT_UNKNOWN},
    {"Foo-7B-Q6_K.gguf", "", "", "unknown", 0, WEIGHT_UNKNOWN},
    {"Foo-7B", "compressed-tensors", "", "unknown", 0, WEIGHT_UNKNOWN},
    {"Foo-7B-quantized.w4a16", "compressed-tensors", "", "int4", 3672, WEIGHT_FROM_NAME},
    {"Foo-7B", "no-such-format", "", "unknown", 0, WEIGHT_UNKNOWN},
    {"Foo-7B", "$(QUANT)", "", "unknown", 0, WEIGHT_UNKNOWN},
    {"openai/gpt-oss-120b", "", "", "mxfp4", 62228, WEIGHT_PUBLISHED},
    {"openai/gpt-oss-120b", "", "bfloat16", "mxfp4", 62228, WEIGHT_PUBLISHED},
    {"deepseek-ai/DeepSeek-R1", "", "", "fp8", 639945, WEIGHT_COUNTED},
    {"deepseek-ai/DeepSeek-V3.2", "", "", "fp8", 657551, WEIGHT_PUBLISHED},
    {"nvidia/DeepSeek-V3.2-NVFP4", "modelopt", "", "nvfp4", 358369, WEIGHT_COUNTED},
    {"MiniMaxAI/MiniMax-M3", "", "", "bf16", 0, WEIGHT_UNKNOWN},
};

static void weights_test(void) {
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        const struct weighed *w = &weights[i];
        struct span name = span_of(w->name);
        struct span quant = span_of(w->quant);
        struct span dtype = span_of(w->dtype);
        struct model_guess g;
        enum weight_basis basis = WEIGHT_UNKNOWN;
        ok(model_find(name, &g), "%s quantization=%s dtype=%s", w->name, w->quant, w->dtype);
        is_int(model_weights_mib(&g, quant, dtype, name, &basis), w->mib, "  weighs this in MiB");
        is_str(weight_basis_name(basis), weight_basis_name(w->basis), "  on this basis");
        is_str(quant_name(model_quant(&g, quant, dtype, name)), w->format, "  in this format");
        is_int(model_weights_mib(&g, quant, dtype, name, NULL), w->mib, "  also without the basis");
    }
}

static void words_test(void) {
    static const struct {
        const char *word;
        const char *want;
    } rows[] = {
        {"fp8", "fp8"},
        {"FP8", "fp8"},
        {"fp8_e4m3", "fp8"},
        {"fbgemm_fp8", "fp8"},
        {"modelopt", "fp8"},
        {"int8", "int8"},
        {"W8A8", "int8"},
        {"w8a8_int8", "int8"},
        {"eetq", "int8"},
        {"awq", "int4"},
        {"awq_marlin", "int4"},
        {"gptq", "int4"},
        {"gptq-int4", "int4"},
        {"bitsandbytes", "int4"},
        {"bitsandbytes-nf4", "int4"},
        {"nvfp4", "nvfp4"},
        {"modelopt_fp4", "nvfp4"},
        {"mxfp4", "mxfp4"},
        {"bfloat16", "bf16"},
        {"half", "fp16"},
        {"float16", "fp16"},
        {"float", "fp32"},
        {"float32", "fp32"},
        {"auto", "unknown"},
        {"", "unknown"},
        {"-", "unknown"},
        {"gguf", "unknown"},
        {"compressed-tensors", "unknown"},
        {"fp", "unknown"},
        {"fp88", "unknown"},
        {" fp8 ", "fp8"},
        {"Q4_K.M", "int4"},
        {"-w8-A8-fp8-", "fp8"},
        {"", "unknown"},
        {"-._", "unknown"},
        {"fp", "unknown"},
        {"fp88", "unknown"},
        {"bits-and-bytes-8-bit", "int8"},
        {"a word that is longer than any of the words for formats", "unknown"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ok(strcmp(quant_normal(span_of(rows[i].word)), rows[i].want) == 0, "\"%s\" means %s",
           rows[i].word, rows[i].want);
    }
    is_str(quant_normal((struct span){"fp8\0x", 5}), "unknown", "a NUL does not end a word");
    is_str(quant_name(QUANT_COUNT), "unknown", "no format has no name");
    is_str(weight_basis_name(WEIGHT_BASIS_COUNT), "unknown", "no basis has no name");
}

/* Every row finds itself, is sane, and its size is near what its parameters say. */
static void table_test(void) {
    unsigned n = 0;
    unsigned self = 0;
    unsigned sane = 0;
    unsigned near = 0;
    for (const struct model *row = model_row(0); row; row = model_row(++n)) {
        struct model_guess g;
        struct span none = {"", 0};
        struct span name = span_of(row->name);
        bool is_self = model_find(name, &g) && g.row == row && g.basis == GUESS_ROW;
        self += is_self;
        sane += row->hidden % 64 == 0 && row->hidden <= 16384 && row->layers <= 128 &&
                row->heads >= row->kv_heads && row->kv_heads > 0 && row->quant != QUANT_UNKNOWN &&
                strchr(row->name, '/') != NULL;
        enum weight_basis basis = WEIGHT_UNKNOWN;
        uint64_t published = is_self ? model_weights_mib(&g, none, none, name, &basis) : 0;
        struct model bare = *row;
        bare.weights_mib = 0;
        g.row = &bare;
        uint64_t computed = model_weights_mib(&g, none, none, name, NULL);
        bool both = basis == WEIGHT_PUBLISHED && computed;
        bool agree = published * 10 >= computed * 9 && published * 10 <= computed * 17;
        near += !both || agree;
        if (!is_self || (both && !agree)) {
            printf("# %s: %" PRIu64 " published, %" PRIu64 " computed\n", row->name, published,
                   computed);
        }
    }
    is_int(n, 159, "the table has 159 rows");
    is_int(self, n, "each finds itself by its name");
    is_int(sane, n, "the shapes are sane");
    is_int(near, n, "published and computed sizes are near each other");
}

int main(void) {
    found_test();
    not_found_test();
    weights_test();
    words_test();
    table_test();
    return tap_done();
}
