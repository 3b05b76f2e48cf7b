/* Inside of an exchange: its state while libcurl runs, shared by the options and the callbacks. */
#ifndef TPGUARD_KUBE_TRANSFER_INNER_H
#define TPGUARD_KUBE_TRANSFER_INNER_H

#include "webhook/kube/transfer.h"

/* Why a callback of ours ended the exchange. */
enum run_end {
    RUN_GOES = 0,
    RUN_STOPPED,   /* stop, or line said so */
    RUN_IDLE,      /* nothing came for idle_ms */
    RUN_NO_HEAD,   /* no headers after connect_ms */
    RUN_TOO_LARGE, /* body, line */
    RUN_HEADERS,   /* more headers than an API server sends */
    RUN_NO_MEMORY,
};

struct run {
    const struct transfer *t;
    CURL *curl;
    struct span token;
    struct buf body; /* of the answer */
    size_t sent;     /* bytes of t->body handed to libcurl */
    size_t headers;  /* bytes of the answer's headers */
    long status;     /* 0 until the headers are there */
    int64_t date;    /* 0 until one came */
    int64_t started_us;
    int64_t last_us; /* the last byte, or the headers */
    enum run_end end;
    char text[CURL_ERROR_SIZE];
    /* What the options borrow until the end. */
    struct buf url;
    struct buf ca;
    char connect_to[1100];
    struct curl_slist *heads;
    struct curl_slist *connect;
};

/* All options but the callbacks. false: ERR_INTERNAL. */
NODISCARD bool run_options(struct run *r, struct err *e);
void run_callbacks(struct run *r);
void run_done(struct run *r); /* wipes the token's header */

#endif
