/* The command line of `tpguard serve`: one table of options gives the parser and --help. */
#ifndef TPGUARD_WEBHOOK_SERVE_OPTIONS_H
#define TPGUARD_WEBHOOK_SERVE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "webhook/core/policy.h"
#include "webhook/sys/log.h"

#define SERVE_SANS_MAX    24
#define SERVE_CONFIGS_MAX 4

/* What a live server is there for. */
enum serve_role {
    ROLE_WEBHOOK = 0, /* admission; one of the replicas leads: marks nodes, writes events */
    ROLE_SCHEDULER,   /* beside kube-scheduler: answers the extender, writes nothing */
};

#define SERVE_EVICT_AFTER_MAX 86400
struct serve_options {
    const char *listen;
    const char *extender_listen; /* "" none */
    const char *cluster_file;    /* NULL none */
    bool live;
    const char *kubeconfig; /* NULL: as kubectl finds it, or the pod's own */
    const char *context;    /* NULL: the current one */
    const char *namespace;  /* tpguard's own; NULL: of the config */
    const char *identity;   /* NULL: the host's name */
    enum serve_role role;
    const char *issue_tls; /* Secret of the certificate; NULL: not ours to issue */
    const char *service;   /* the Service that the API server calls us by */
    const char *webhook_config[SERVE_CONFIGS_MAX];
    unsigned n_webhook_config;
    bool evict;             /* pods that run across PCIe ... */
    uint32_t evict_after_s; /* ... for so long */
    bool no_binding_gate;   /* bindings do not come by here */
    const char *tls_cert;   /* NULL: self-signed */
    const char *tls_key;
    const char *write_ca; /* NULL none */
    const char *san[SERVE_SANS_MAX];
    unsigned n_san;
    struct policy policy;
    enum log_level log_level;
    bool log_text;
    bool bench_echo;
    bool help;
    unsigned deadline_s;
    size_t max_body;
};

/* Text is borrowed from argv. ERR_INPUT says which option, what it wants and what was found. */
NODISCARD bool serve_options_read(int argc, char **argv, struct serve_options *out, struct err *e);
void serve_options_help(struct buf *out);

#endif
