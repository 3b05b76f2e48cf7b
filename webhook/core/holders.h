/* Who holds which GPUs of this node: the kubelet's books, the programs that compute on the GPUs and
 * the pods that exist, put together. Pure. What comes out is written into the annotation
 * tpguard.io/allocations (webhook/codec/held.h).
 *
 * The books name devices. Read are: a GPU's UUID; a share of it ("GPU-...::3", time-slicing), which
 * several containers may hold; slices ("MIG-...", "MIG-GPU-.../1/0"); and those of GKE's and DRA's
 * drivers, which go by minor number ("nvidia0", "nvidia0/vgpu1", "nvidia0/gi3", "gpu-0"). Anything
 * else of a resource nvidia.com/gpu* counts as a GPU, nobody knows which; of other resources it is
 * none.
 *
 * A GPU that a program computes on although the books give it to nobody is not free: it goes to
 * `unassigned`. GPUs in MIG mode are left out there, no whole GPU is given out of them. */
#ifndef TPGUARD_CORE_HOLDERS_H
#define TPGUARD_CORE_HOLDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "topology/gpuset.h"
#include "topology/span.h"
#include "topology/topo.h"

/* Devices of one resource that one container holds. All text is borrowed. */
struct held_pod {
    struct span ns; /* n = 0 with name: not said, uid says who */
    struct span name;
    struct span uid; /* n = 0: not said */
    struct span container;
    struct span resource; /* "nvidia.com/gpu"; of DRA its driver, "gpu.nvidia.com" */
    const struct span *id;
    uint32_t n;
};
struct held_list {
    const struct held_pod *pod;
    uint32_t n;
};

/* A pod of this node, as the API server (or the kubelet) lists it. */
struct node_pod {
    struct span ns;
    struct span name;
    struct span uid; /* of a static pod: the annotation kubernetes.io/config.hash, which is what the
                        kubelet calls it */
    bool ended;      /* Succeeded or Failed: holds nothing any more */
};

/* A program that computes on a GPU. */
struct held_process {
    uint32_t pid;    /* 0: not told */
    uint8_t gpu;     /* position in topo */
    struct span uid; /* of its pod (cgroup.h); n = 0: could not be traced */
};

/* A slice and the GPU it lies on. */
struct held_slice {
    struct span uuid; /* "MIG-..." */
    uint8_t gpu;      /* position in topo */
};

struct holders_in {
    const struct topo *topo;
    const int16_t *minor; /* of each position: N of /dev/nvidiaN, -1 unknown; NULL: all unknown */
    const struct held_list *held;
    const struct held_process *process;
    uint32_t n_process;
    const struct held_slice *slice; /* more than is in the slices' own names; NULL none */
    uint32_t n_slice;
    const struct node_pod *pod;
    uint32_t n_pod;
    bool pods_complete; /* `pod` is a whole list, asked for after the books: who is not in it is no
                           more. Order: programs, books, pods. Books that are older than a program
                           do not know its pod yet. */
};

#define HELD_PODS_MAX       512 /* entries of the annotation */
#define HELD_UNASSIGNED_MAX 128

/* A device that is not a GPU of topo. Shares of one device are one. */
struct held_other {
    struct span id; /* as it came, without what makes it a share */
    bool slice;     /* else: a GPU, nobody knows which */
};

/* Keyed by pod and container. In `unassigned` what is not known is empty. */
struct holding {
    struct span ns;
    struct span pod;
    struct span container;            /* pods only */
    struct span uid;                  /* unassigned only: the pod's, when its name is not known */
    uint32_t pid;                     /* unassigned only; 0 none */
    struct gpuset gpus;               /* whole GPUs and shares of them, positions in topo */
    struct gpuset sliced;             /* GPUs that its slices lie on, as far as known */
    uint8_t n_other;                  /* with `gpus` at most GPU_MAX */
    struct held_other other[GPU_MAX]; /* by id */
};

/* Large (1.2 MiB): on the heap. */
struct holdings {
    struct holding pod[HELD_PODS_MAX];              /* by namespace, name, container */
    struct holding unassigned[HELD_UNASSIGNED_MAX]; /* by first GPU */
    uint16_t n_pods;
    uint16_t n_unassigned;
};

/* Entries of pods that ended or (pods_complete) are no more are left out. Entries whose uid has no
 * name in `pod`, that list being incomplete, become unassigned. More entries, or more devices of
 * one container, than the struct holds: ERR_TOO_LARGE, never a cut; then *out is empty. Programs:
 * one entry for each that computes on a GPU nobody holds; where several do on the same, a pod's
 * goes first, then the lowest pid. */
NODISCARD bool holders_settle(const struct holders_in *in, struct holdings *out, struct err *e);

#endif
