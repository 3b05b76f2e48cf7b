/* Inside of the YAML reader: a file cut into parts at its `---` lines, so that a broken document
 * harms no other one, and the walk over all documents that yaml_read and yaml_line share (document
 * numbers are the same in both: empty documents are not counted, broken ones are). */
#ifndef TPGUARD_CODEC_YAML_DOCS_H
#define TPGUARD_CODEC_YAML_DOCS_H

#include "webhook/codec/yaml_tree.h"

struct yaml_part {
    struct span text;
    unsigned line0; /* lines of the file before text */
    bool json;      /* JSON texts, one after the other; else YAML */
};
/* Refuses a NUL byte; takes a byte order mark off. */
NODISCARD bool yaml_parts_begin(struct span *text, struct err *e);
/* false at the end. *line0 starts at 0. */
bool yaml_part_next(struct span *rest, unsigned *line0, struct yaml_part *out);

/* One JSON text off the front of *rest. *more is false when only white space was left. */
NODISCARD bool yaml_json_next(struct span *rest, unsigned *line0, struct span *text, bool *more,
                              struct err *e);

struct yaml_found {
    const struct yaml_node *root; /* YAML; NULL for JSON or a broken document */
    struct span json;             /* JSON */
    unsigned line;
    const struct err *bad; /* why it cannot be read; else NULL */
};
typedef bool yaml_doc_fn(void *ctx, const struct yaml_found *doc, struct err *e); /* false stops */
/* false: fn returned false, or what ends the reading of the whole file (memory, a maximum). */
NODISCARD bool yaml_docs_each(struct span text, yaml_doc_fn *fn, void *ctx, struct err *e);

#endif
