/* Inside of podresources.h: the bytes of an answer, for the call and for tests. Nobody outside the
 * room includes this. */
#ifndef TPGUARD_KUBE_PODRESOURCES_INNER_H
#define TPGUARD_KUBE_PODRESOURCES_INNER_H

#include "topology/buf.h"
#include "webhook/kube/podresources.h"

struct podresources_request {
    const char *socket; /* NULL: PODRESOURCES_SOCKET */
    unsigned timeout_ms;
    const char *method;
    size_t max; /* bytes of the answer's body */
};
/* One exchange with an empty message; *body is the caller's when it is PODRESOURCES_OK, else
 * untouched and *e set. */
enum podresources_fault podresources_call(const struct podresources_request *r, struct buf *body,
                                          struct err *e);

/* Body of an answer: exactly one gRPC frame, not compressed. *message points into it. */
NODISCARD bool podresources_frame(struct span body, struct span *message, struct err *e);

/* protobufs; out and its text lie in the arena. ERR_INPUT: no such protobuf; ERR_TOO_LARGE. */
NODISCARD bool podresources_decode_list(struct span message, struct arena *a, struct held_list *out,
                                        struct err *e);
NODISCARD bool podresources_decode_allocatable(struct span message, struct arena *a,
                                               struct held_list *out, struct err *e);

/* A grpc-message header: percent-encoded; one line of printable text into out. */
void podresources_message(struct span encoded, char *out, size_t cap);

#endif
