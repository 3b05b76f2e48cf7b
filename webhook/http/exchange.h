/* One HTTP request through libmicrohttpd's callbacks: head, body in pieces, handler, answer. */
#ifndef TPGUARD_HTTP_EXCHANGE_H
#define TPGUARD_HTTP_EXCHANGE_H

#include <microhttpd.h>

#include "webhook/http/handle.h"

/* What a listener's callbacks get. */
struct listener {
    struct service *service;
    bool scheduler_only;
};

/* MHD_AccessHandlerCallback; cls is a struct listener. */
enum MHD_Result exchange_step(void *cls, struct MHD_Connection *conn, const char *url,
                              const char *method, const char *version, const char *data, size_t *n,
                              void **state);
/* The request has ended, well or not; frees what exchange_step made. */
void exchange_end(void *state, bool complete);

#endif
