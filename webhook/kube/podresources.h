/* The kubelet's PodResources API, v1: which container holds which devices. gRPC over the kubelet's
 * Unix socket: one POST in HTTP/2 with prior knowledge, a frame of 5 bytes and a protobuf each way,
 * the outcome in the trailers. Each call has a connection of its own, a deadline and a largest
 * answer; nothing is tried again here. May be called by several threads at once. */
#ifndef TPGUARD_KUBE_PODRESOURCES_H
#define TPGUARD_KUBE_PODRESOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "topology/arena.h"
#include "topology/attr.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/core/holders.h"

#define PODRESOURCES_SOCKET      "/var/lib/kubelet/pod-resources/kubelet.sock"
#define PODRESOURCES_TIMEOUT_MS  5000                       /* when timeout_ms is 0 */
#define PODRESOURCES_ANSWER_MAX  ((size_t)16 * 1024 * 1024) /* bytes, as in the kubelet's client */
#define PODRESOURCES_ENTRIES_MAX 65536                      /* kubelets make one entry a device */
#define PODRESOURCES_IDS_MAX     65536                      /* over all entries */
#define PODRESOURCES_TEXT_MAX    512                        /* bytes of one name or id */

/* Why there is no answer. */
enum podresources_fault {
    PODRESOURCES_OK = 0,
    PODRESOURCES_NO_SOCKET,  /* not there (not mounted, kubelet never ran), or not to be opened */
    PODRESOURCES_REFUSED,    /* there, and nobody listens: the kubelet is down */
    PODRESOURCES_DEADLINE,   /* no whole answer in time */
    PODRESOURCES_CUT,        /* the connection or the HTTP exchange failed */
    PODRESOURCES_STATUS,     /* the kubelet answered with an error of its own */
    PODRESOURCES_UNREADABLE, /* an answer that is no such protobuf */
    PODRESOURCES_TOO_LARGE,  /* beyond a limit above */
    PODRESOURCES_INTERNAL,   /* no memory, or libcurl without HTTP/2 */
};

/* socket: a path, NULL is PODRESOURCES_SOCKET. out and all its text lie in the arena. e says what
 * went wrong in words (with the path), *fault (may be NULL; also set when all went well) for
 * programs.
 *
 * List: ns, name, container, resource and ids of each resource that a container holds, as the
 * kubelet orders them; devices of DRA come as resource = driver, id = device. Containers without
 * devices are left out. */
NODISCARD bool podresources_list(const char *socket, unsigned timeout_ms, struct arena *a,
                                 struct held_list *out, enum podresources_fault *fault,
                                 struct err *e);
/* GetAllocatableResources: every device that may be given out, one entry or more a resource; only
 * resource and ids are filled. */
NODISCARD bool podresources_allocatable(const char *socket, unsigned timeout_ms, struct arena *a,
                                        struct held_list *out, enum podresources_fault *fault,
                                        struct err *e);

#endif
