/* The closed lists, printed from the tables that decide, so that README can be checked against
 * them. */
#include "webhook/explain.h"

#include "webhook/core/reason.h"
#include "webhook/core/workload.h"

void explain_reasons(struct buf *out) {
    buf_str(out, "| code | means | kube-scheduler says | evicting helps |\n|---|---|---|---|\n");
    for (unsigned r = REASON_NONE + 1; r < REASON_COUNT; r++) {
        const struct reason_row *row = reason_row((enum reason)r);
        buf_fmt(out, "| `%s` | %s | ", row->code, row->meaning);
        if (row->phrase) {
            struct span rest = span_of(row->phrase);
            size_t at = span_search(rest, "{k}");
            buf_span(out, span_upto(rest, at));
            buf_str(out, at < rest.n ? "K" : "");
            buf_span(out, span_from(rest, at + 3));
        }
        buf_fmt(out, " | %s |\n", !row->phrase ? "" : row->resolvable ? "yes" : "no");
    }
}

void explain_engines(struct buf *out) {
    for (unsigned i = 0; engine_name(i); i++) {
        bool again = false; /* several rows may read one engine's several start scripts */
        for (unsigned j = 0; j < i; j++) {
            again = again || span_is(span_of(engine_name(j)), engine_name(i));
        }
        if (again) {
            continue;
        }
        buf_fmt(out, "%s\n", engine_name(i));
    }
}
