/* One exchange with the API server, carried out by libcurl: what kube_call and kube_stream share.
 * Inside of the room kube. */
#ifndef TPGUARD_KUBE_TRANSFER_H
#define TPGUARD_KUBE_TRANSFER_H

#include "webhook/kube/client.h"
#include "webhook/kube/creds.h"
#include "webhook/kube/handles.h"
#include "webhook/kube/lines.h"

struct kube_client {
    char server[512];
    char server_name[256];
    char proxy[512];
    char no_proxy[1024];
    char namespace[254];
    bool insecure;
    struct buf cert;
    struct buf key;
    struct creds *creds;
    struct handles *handles;
};

struct transfer {
    const struct kube_client *client;
    const char *method;
    const char *path;
    const char *accept;
    const char *content_type; /* of body; NULL none */
    struct span body;
    size_t max;               /* bytes of the answer's body */
    int64_t deadline_us;      /* clock_mono_us(); 0 none: a stream */
    unsigned connect_ms;      /* stream: until the headers are there */
    unsigned idle_ms;         /* stream: without a byte */
    const _Atomic bool *stop; /* NULL fine */
    struct lines *lines;      /* where the body of a 200 goes; NULL: into the answer */
    void (*open)(void *ctx);  /* a 200 that goes to lines has begun; NULL fine */
    void *ctx;
};

/* One exchange, and a second one when the token was refused and there is another by now. Errors as
 * kube_call; a stream that was stopped (stop, line) ended well, a call that was stopped failed. */
NODISCARD bool transfer_run(const struct transfer *t, struct kube_response *out, struct err *e);

#endif
