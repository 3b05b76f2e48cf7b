/* Kubernetes objects -> plain structs: the few fields that tpguard reads, strictly typed, with the
 * path in every error. All text borrows from the JSON tree's arena. cJSON stays behind
 * topology/json.h. */
#ifndef TPGUARD_CODEC_OBJECT_H
#define TPGUARD_CODEC_OBJECT_H

#include "topology/arena.h"
#include "topology/err.h"
#include "topology/gpuset.h"
#include "topology/json.h"
#include "webhook/core/place.h"
#include "webhook/core/pod.h"

/* A v1 Pod (metadata, spec, status). */
NODISCARD bool pod_decode(const struct json *o, struct arena *a, struct pod *out, struct err *e);

/* Of a pod that pod_decode refuses: its names, node, whether it has ended, and one container that
 * stands for all: the GPUs they ask for together, or all of the node where that cannot be told. */
NODISCARD bool pod_bare_decode(const struct json *o, struct arena *a, struct pod *out,
                               struct err *e);

/* A pod template {metadata, spec}: as pod_decode, no status. */
NODISCARD bool pod_template_decode(const struct json *o, struct arena *a, struct pod *out,
                                   struct err *e);

/* What the node shows of its own wiring: labels tpguard.io/nvlink, nvlink-set, nvlink-free and
 * stranded, condition NVLinkDegraded. p == NULL where it shows nothing. */
struct node_marks {
    struct span nvlink;
    struct span nvlink_set;
    struct span nvlink_free;
    struct span stranded;
    struct span status; /* of the condition: "True", "False", "Unknown" */
    struct span reason;
    struct span message;
    struct span since; /* lastTransitionTime */
};

struct node_object {
    struct span name;
    struct span uid;
    struct node_marks marks;
    bool unschedulable;
    bool gpus_known;            /* status.allocatable is there */
    uint32_t gpus;              /* status.allocatable["nvidia.com/gpu"], 0 if not listed */
    struct span product;        /* label nvidia.com/gpu.product, "" */
    uint32_t gfd_count;         /* label nvidia.com/gpu.count, 0 */
    struct node_place_in place; /* labels and taints */
    /* annotations, p == NULL when absent */
    struct span topology;
    struct span smi_topo;
    struct span smi_nvlink;
    struct span allocations;
    struct span cordoned;
};
NODISCARD bool node_decode(const struct json *o, struct arena *a, struct node_object *out,
                           struct err *e);

struct namespace_object {
    struct span name;
    struct span mode; /* label tpguard.io/mode; p == NULL when absent */
};
NODISCARD bool namespace_decode(const struct json *o, struct namespace_object *out, struct err *e);

/* tpguard.io/allocations of a node: which pod holds which GPUs (written by the agent: held.h).
 * Canonical JSON, version 1:
 * {"version":1,"observedAt":"...Z",
 *  "pods":[{"namespace":"llm","name":"chat-0","container":"main","gpus":["GPU-...",1]}],
 *  "unassigned":[{"namespace":"llm","name":"job-1","uid":"...","pid":4711,"gpus":[3]}]}
 * gpus: UUID strings or NVML indices; "MIG-..." is a slice. At most 512 pods.
 * unassigned: GPUs in use that the kubelet's books give to nobody, or to a pod without a name; all
 * keys but gpus may be missing, as may the whole list; name comes with namespace. At most 128. */
#define ALLOCATIONS_PID_MAX 4194304
struct held {
    struct span ns, pod; /* n = 0 both in unassigned: not known */
    struct span uid;     /* unassigned only; n = 0 not known */
    uint32_t pid;        /* unassigned only; 0 not known */
    struct span uuid[GPU_MAX];
    int16_t index[GPU_MAX]; /* -1 where uuid says it */
    uint8_t n;
};
struct allocations {
    int64_t observed_at;
    const struct held *pod;
    unsigned n;
    const struct held *unassigned;
    unsigned n_unassigned;
};
NODISCARD bool allocations_decode(struct span text, struct arena *a, struct allocations *out,
                                  struct err *e);

/* A bare pod spec {containers, ...}: as pod_template_decode, without metadata. */
NODISCARD bool pod_spec_decode(const struct json *o, struct arena *a, struct pod *out,
                               struct err *e);

/* A kind that carries pod templates: Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job,
 * CronJob, ReplicationController, LeaderWorkerSet (two: leader and worker), PodTemplate: these must
 * have theirs. InferenceService of KServe: its predictor, where that names its own containers.
 * Other kinds (RayCluster, RoleBasedGroup, JobSet, ...): every object inside spec that has a
 * spec.containers of its own; none: n = 0, true. */
#define UNITS_MAX 64
struct unit {
    struct span kind; /* of the manifest */
    struct span name;
    struct span ns;
    char role[16];  /* "leader", "worker", name of the role or group it stands in (cut), or "" */
    char path[96];  /* of the pod inside the object: "", "spec.template", ... : prefix for paths in
                       errors */
    bool bare_spec; /* what stands at path is a pod's spec, without metadata */
    unsigned doc;   /* which document of the file, 0.. */
    const struct json *object; /* what stands at path */
    struct pod pod; /* owner_kind, owner_name, replicas, group_size filled from the manifest */
};
NODISCARD bool units_decode(const struct json *o, struct arena *a, struct unit *out, unsigned max,
                            unsigned *n, struct err *e);

/* A custom resource without the ignore label whose spec speaks of GPUs or of parallelism. When
 * units_decode finds no pod in it, an operator makes its pods, and what they will be cannot be told
 * from it. */
bool custom_of_gpus(const struct json *o);
/* For the two, custom_of_gpus looks at the same. */
bool object_same_spec(const struct json *a, const struct json *b);
/* Another object manages this one (ownerReferences, controller). */
bool object_is_managed(const struct json *o);

#endif
