/* Inside of the YAML reader: libyaml's events -> a small tree of one document (or of one list item)
 * in an arena. Anchors are remembered per document, aliases point at their node and are expanded
 * only when JSON is written. Every node knows its line, for messages. */
#ifndef TPGUARD_CODEC_YAML_TREE_H
#define TPGUARD_CODEC_YAML_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <yaml.h>

#include "topology/arena.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"

enum yaml_node_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING, YAML_ALIAS };

struct yaml_node {
    uint8_t kind; /* enum yaml_node_kind */
    bool
        implicit; /* scalar: its text says what it is; otherwise it is a string, or what tag says */
    bool open;    /* its end has not been read yet: an alias to it would contain itself */
    uint32_t line; /* 1.. */
    struct span tag;
    struct span text;         /* scalar */
    struct yaml_node *first;  /* sequence: elements; mapping: key, value, key, value */
    struct yaml_node *target; /* alias */
    struct yaml_node *next;
};

struct yaml_anchor;

struct yaml_reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    bool has_event;
    struct span text;
    unsigned line0; /* lines of the file before text */
    struct arena *arena;
    struct yaml_anchor *anchors;
};

/* text must not hold a NUL. Nodes are taken from *a; it may be exchanged (r->arena) between nodes
 * when yaml_forget is called too. false: no memory. */
NODISCARD bool yaml_open(struct yaml_reader *r, struct span text, unsigned line0, struct arena *a,
                         struct err *e);
void yaml_close(struct yaml_reader *r);
void yaml_forget(struct yaml_reader *r); /* all anchors */

/* Steps to the next event. */
NODISCARD bool yaml_step(struct yaml_reader *r, struct err *e);
/* Steps to the next document; *more is false at the end of the text. The root's first event is then
 * current. */
NODISCARD bool yaml_document(struct yaml_reader *r, bool *more, struct err *e);
/* The node that begins with the current event; its last event is current afterwards. */
NODISCARD bool yaml_compose(struct yaml_reader *r, unsigned depth, struct yaml_node **out,
                            struct err *e);
unsigned yaml_event_line(const struct yaml_reader *r);

/* The value behind a plain key; NULL when there is none. Merge keys are not followed. */
const struct yaml_node *yaml_child(const struct yaml_node *mapping, const char *key);
/* A document that says nothing: no content, or null. */
bool yaml_is_null(const struct yaml_node *n);

/* What a scalar means, as sigs.k8s.io/yaml (go-yaml v2, which kubectl uses) reads it. */
enum yaml_scalar_kind { YAML_IS_NULL, YAML_IS_TRUE, YAML_IS_FALSE, YAML_IS_NUMBER, YAML_IS_STRING };
#define YAML_NUMBER_MAX 64
struct yaml_scalar {
    enum yaml_scalar_kind kind;
    char number[YAML_NUMBER_MAX]; /* as JSON writes it */
};
NODISCARD bool yaml_resolve(const struct yaml_node *n, struct yaml_scalar *out, struct err *e);

/* JSON text of a node, appended to out. Aliases expanded are taken off *aliases; scratch is for
 * bookkeeping while it runs. */
NODISCARD bool yaml_json(const struct yaml_node *n, struct arena *scratch, unsigned *aliases,
                         struct buf *out, struct err *e);

#endif
