/* Files people have: manifests for `kubectl apply -f` and what `kubectl get nodes,pods -A -o
 * yaml|json` prints. YAML (libyaml) becomes JSON text, and from there on there is one reader for
 * both. */
#ifndef TPGUARD_CODEC_MANIFEST_H
#define TPGUARD_CODEC_MANIFEST_H

#include "topology/arena.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "webhook/codec/object.h"

#define MANIFEST_MAX     ((size_t)8 * 1024 * 1024)
#define CLUSTER_FILE_MAX ((size_t)256 * 1024 * 1024)
#define YAML_DOCS_MAX    1000
#define YAML_DEPTH_MAX   64
#define YAML_ALIASES_MAX                                                                           \
    1000 /* expansions of aliases in one file, their total size bounded by the arena */

struct yaml_doc {
    struct span json; /* of YAML: compact, in the arena; JSON: as it stands in the text given */
    struct err
        bad;       /* code != ERR_NONE: this document cannot be read (json empty); the others can */
    unsigned line; /* of its first line, 1.. */
};
/* Scalars as kubectl reads them (YAML 1.1 booleans and numbers, quoted = string). A broken document
 * hides no other one; only when none can be read that is an error. Documents that say nothing
 * (comments, null) are not listed. JSON text is accepted too (several texts one after the other as
 * well). */
NODISCARD bool yaml_read(struct span text, struct arena *a, struct yaml_doc **docs, unsigned *n,
                         struct err *e);
/* Line (1..) of the value at `path` ("spec.containers[0].args[3]") in document doc; the deepest
 * part that exists; 0 when it cannot be told. For error messages only. */
unsigned yaml_line(struct span text, unsigned doc, const char *path);

/* All pod templates of a manifest text, several documents and Lists included. Documents of other
 * kinds count in *others. Errors carry e->path; the caller prints file and line with yaml_line
 * (e_doc says which document). */
#define MANIFEST_CUSTOM_MAX 32
struct manifest_custom {
    struct span kind, name, ns;
    unsigned doc;
};
struct manifest {
    struct unit *unit;
    unsigned n;
    /* Custom resources that speak of GPUs but show no pod template: an operator makes their pods.
     */
    struct manifest_custom custom[MANIFEST_CUSTOM_MAX];
    unsigned n_custom;
    unsigned others; /* documents without a pod template (Service, ConfigMap, CRDs ...) */
    unsigned broken; /* documents that could not be read, while others could */
    struct err first_broken;
};
NODISCARD bool manifest_read(struct span text, struct arena *a, struct manifest *out,
                             unsigned *e_doc, struct err *e);

/* One object after the other out of a cluster file: kind Node, Pod, Namespace; inside List,
 * NodeList, PodList too; other kinds are passed over. Each object gets a fresh scratch arena;
 * nothing may be kept from it. */
struct cluster_sink {
    void *ctx;
    bool (*node)(void *ctx, const struct node_object *n, struct err *e);
    bool (*pod)(void *ctx, const struct pod *p, struct err *e);
    bool (*ns)(void *ctx, const struct namespace_object *n, struct err *e);
};
struct cluster_file_counts {
    unsigned nodes, pods, namespaces, others;
};
NODISCARD bool cluster_file_read(struct span text, const struct cluster_sink *sink,
                                 struct cluster_file_counts *counts, struct err *e);

#endif
