#include "webhook/core/decide.h"

#include "tests/tap.h"
#include "tests/unit/core/farm.h"

static struct farm f;
static char text[8192];

static const char *written(void) {
    struct buf b = BUF_OVER(text);
    farm_judge(&f);
    decision_annotation(&f.in, &f.d, &b);
    return buf_ok(&b) ? text : "(failed)";
}

static bool has(const char *part) {
    bool good = strstr(text, part) != NULL;
    if (!good) {
        printf("# wanted %s in %s\n", part, text);
    }
    return good;
}

static void odd(void) {
    char small[16];
    struct buf b = BUF_OVER(small);
    farm_init(&f, 2, 2);
    f.node[0] = worked;
    farm_judge(&f);
    decision_annotation(&f.in, &f.d, &b);
    ok(!buf_ok(&b), "no room is said to have failed");
    f.w.engine = NULL;
    f.w.tp.known = false;
    f.w.scope = SCOPE_UNKNOWN;
    (void)written();
    ok(has("\"engine\":\"\"") && has("\"tp\":null"), "what is not known is null");
    for (unsigned i = 0; i < EV_FIELD_COUNT; i++) {
        struct evidence *e = &f.w.evidence[i];
        e->source = FROM_FLAG;
        memset(e->name, '"', sizeof e->name);
        memset(e->value, '\\', sizeof e->value);
        memset(e->where, '"', sizeof e->where);
    }
    (void)written();
    ok(strlen(text) <= 4096 && has("\"v\":1") && has("\"verdict\""),
       "evidence that needs escaping is cut or left out: %zu bytes", strlen(text));
    static char model[5000];
    memset(model, '\n', sizeof model - 1);
    f.w.model = (struct span){model, sizeof model - 1};
    (void)written();
    ok(strlen(text) <= 4096 && !strchr(text, '\n'), "a long model is cut and cleaned");
}

static void worked_example(void) {
    farm_init(&f, 2, 2);
    farm_pin(&f, "0,1");
    f.node[0] = worked;
    (void)written();
    ok(strncmp(text, "{\"v\":1,\"verdict\":\"deny\",\"code\":\"PinnedAcrossPCIe\",", 50) == 0,
       "version, verdict and code come first");
    ok(has("\"engine\":\"vllm\"") && has("\"tp\":2") && has("\"gpus\":2") &&
           has("\"pin\":\"GPUs 0,1\"") && has("\"allReducesPerToken\":128") &&
           has("\"fitsOneGpu\":true") && has("\"name\":\"--tensor-parallel-size\"") &&
           has("\"reasons\":[\"PinnedAcrossPCIe\",\"FitsOneGPU\"]"),
       "then the group, the reasons, the cost, the evidence");
    static char first[sizeof text];
    memcpy(first, text, sizeof text);
    is_str(written(), first, "the same question gives the same bytes");
    farm_init(&f, 2, 2);
    f.node[0] = worked;
    (void)written();
    ok(has("\"verdict\":\"allow\",\"code\":null") && has("\"rewrites\":\"steer\""),
       "what is allowed has no code");
}

int main(void) {
    odd();
    worked_example();
    return tap_done();
}
