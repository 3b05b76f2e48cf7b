/* Where the API server is and who we are there. In a pod: the ServiceAccount's files. Elsewhere: a
 * kubeconfig, as kubectl reads it. Reading it does no network I/O. */
#ifndef TPGUARD_KUBE_CONFIG_H
#define TPGUARD_KUBE_CONFIG_H

#include <stdbool.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"

#define KUBECONFIG_MAX ((size_t)1024 * 1024)
#define KUBE_PATH_MAX  4096
#define KUBE_TOKEN_MAX ((size_t)32 * 1024) /* a header the API server still takes */
#define KUBE_PEM_MAX   ((size_t)1024 * 1024)

struct kube_config {
    char server[512];               /* "https://10.96.0.1:443", no slash at the end */
    char server_name[256];          /* tls-server-name; "" none */
    struct buf ca;                  /* PEM; empty: the system's */
    char ca_file[KUBE_PATH_MAX];    /* read again when it changes (in a pod); "" none */
    char token_file[KUBE_PATH_MAX]; /* read again at least each minute; "" none */
    struct buf token;               /* written in the kubeconfig itself */
    struct buf cert;                /* PEM client certificate and key; empty none */
    struct buf key;
    bool insecure;       /* insecure-skip-tls-verify */
    char proxy[512];     /* "http://proxy:3128", of proxy-url or the environment; "" none (in a pod
                            always) */
    char no_proxy[1024]; /* hosts that do without it, as NO_PROXY lists them */
    char namespace[254]; /* of the ServiceAccount, or of the context; "" not said */
    char source[64];     /* for log lines: "in-cluster", "kubeconfig" */
};

struct kube_config_ask {
    const char *kubeconfig; /* a file; NULL: in-cluster when there, else $KUBECONFIG, else
                               ~/.kube/config */
    const char *context;    /* NULL: current-context */
};

/* Errors name the file and the path in it (both in the message), and what to do. exec and
 * auth-provider users are refused by name: they need programs of others. Of several files in
 * $KUBECONFIG the first that exists counts, and source says so. */
NODISCARD bool kube_config_load(const struct kube_config_ask *ask, struct kube_config *out,
                                struct err *e);
void kube_config_done(struct kube_config *c); /* wipes token and key */

#endif
