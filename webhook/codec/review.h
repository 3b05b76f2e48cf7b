/* AdmissionReview v1, both ways (admission.k8s.io/v1). */
#ifndef TPGUARD_CODEC_REVIEW_H
#define TPGUARD_CODEC_REVIEW_H

#include "topology/arena.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/json.h"
#include "webhook/core/decide.h"
#include "webhook/core/pod.h"
#include "webhook/core/policy.h"

struct review {
    struct span uid;
    struct span ns; /* request.namespace: what counts, the object's own may be empty */
    struct span name;
    struct span operation; /* CREATE, UPDATE, ... */
    struct span kind;      /* request.kind.kind */
    struct span resource;
    struct span sub_resource;
    struct span user;
    bool dry_run;
    const struct json *object;     /* NULL for DELETE */
    const struct json *old_object; /* of UPDATE and DELETE, else NULL */
};
/* Refuses another apiVersion or kind, a request without uid, and whatever json.h refuses. */
NODISCARD bool review_decode(struct span body, struct arena *a, struct review *out, struct err *e);

#define REVIEW_WARNINGS_MAX 16
#define REVIEW_AUDIT_MAX    4
struct review_answer {
    struct span uid;
    bool allowed;
    const char *message; /* denial */
    unsigned code;       /* 403 */
    const char *reason;  /* "Forbidden" */
    struct span patch;   /* RFC 6902 text; n = 0 none */
    const char *warnings[REVIEW_WARNINGS_MAX];
    unsigned n_warnings;
    struct {
        const char *key;
        struct span value;
    } audit[REVIEW_AUDIT_MAX];
    unsigned n_audit;
};
void review_encode(const struct review_answer *a, struct buf *out);

/* JSON Patch (RFC 6902) that carries out the decision on this pod: decision annotation, label
 * gated, nodeAffinity on tpguard.io/nvlink-set in every term and the preference for what is free,
 * schedulerName, the new pin. What only
 * tpguard writes (annotations decision and gpus, label gated) and is not written now is removed: a
 * new pod has it from its author. Creates missing parents, escapes keys (RFC 6901), is idempotent
 * (applying to an already patched pod changes nothing more). Nothing to do: "". prefix is the JSON
 * pointer of the pod inside the object ("" or "/spec/template"). */
struct patch_ask {
    const struct pod *pod;
    const struct decision *decision; /* NULL: only what is forged is removed */
    const struct policy *policy;     /* NULL with decision */
    struct span annotation;          /* value of tpguard.io/decision; n = 0: none written */
    bool gated;                      /* the pod gets the label tpguard.io/gated */
    const char *prefix;
};
void patch_build(const struct patch_ask *ask, struct buf *out);

/* Of a pod that pod_decode refuses, what patch_build needs to remove what is forged: never fails,
 * other members are empty. */
void pod_marks(const struct json *object, struct arena *a, struct pod *out);

/* Standard base64 with padding. */
void base64_put(struct span bytes, struct buf *out);

#endif
