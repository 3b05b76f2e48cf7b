#include "topology/jw.h"
#include "webhook/codec/manifest.h"
#include "webhook/explain.h"

#define WHY                                                                                        \
    "an operator makes the pods of this kind: their TP size stands in no pod template here; ask "  \
    "again about the pods it makes"

static void put_json(const char *file, const struct manifest_custom *c, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_kv_u64(&w, "version", 1);
    jw_kv_str(&w, "file", file);
    jw_kv_span(&w, "kind", c->kind);
    jw_kv_span(&w, "namespace", c->ns);
    jw_kv_span(&w, "name", c->name);
    jw_kv_str(&w, "verdict", verdict_name(VERDICT_UNKNOWN));
    jw_kv_bool(&w, "allowed", true);
    jw_kv_str(&w, "code", reason_row(REASON_TP_UNKNOWN)->code);
    jw_key(&w, "reasons");
    jw_array(&w);
    jw_object(&w);
    jw_kv_str(&w, "code", reason_row(REASON_TP_UNKNOWN)->code);
    jw_kv_str(&w, "sentence", WHY);
    jw_object_end(&w);
    jw_array_end(&w);
    jw_key(&w, "group");
    jw_object(&w);
    static const char *const unknown[] = {"engine", "tp",    "pp",           "dp",
                                          "gpus",   "model", "quantization", "pin"};
    for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        jw_kv_null(&w, unknown[i]);
    }
    jw_kv_str(&w, "scope", scope_name(SCOPE_UNKNOWN));
    jw_key(&w, "evidence");
    jw_object(&w);
    jw_object_end(&w);
    jw_object_end(&w);
    static const char *const empty[] = {"rewrites", "patch", "nodes", "advice"};
    for (unsigned i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        jw_key(&w, empty[i]);
        jw_array(&w);
        jw_array_end(&w);
    }
    jw_kv_null(&w, "cost");
    jw_object_end(&w);
    buf_char(out, '\n');
}

void explain_custom(const char *file, const struct manifest_custom *c, bool json, struct buf *out) {
    if (json) {
        put_json(file, c, out);
        return;
    }
    for (size_t i = 0; i < c->kind.n; i++) {
        buf_char(out, span_lower(c->kind.p[i]));
    }
    buf_fmt(out, " " SPAN_FMT ": cannot be told (%s)\n\n  %s\n\n", SPAN_ARG(c->name),
            reason_row(REASON_TP_UNKNOWN)->code, WHY);
}
