/* Inside of the configuration: the two places it comes from, and what they share. */
#ifndef TPGUARD_KUBE_CONFIG_INNER_H
#define TPGUARD_KUBE_CONFIG_INNER_H

#include "topology/arena.h"
#include "topology/span.h"
#include "webhook/kube/config.h"

/* The texts of one context of a kubeconfig, borrowed from the arena; p == NULL not there. Files
 * are as written, nothing but text has been read. */
struct kubeconfig {
    struct span server, server_name, proxy_url, ns;
    struct span ca_data, ca_file;
    struct span token, token_file;
    struct span cert_data, cert_file;
    struct span key_data, key_file;
    bool insecure;
};
/* context: NULL current-context. Does no I/O at all. */
NODISCARD bool kubeconfig_parse(struct span text, const char *context, struct arena *a,
                                struct kubeconfig *out, struct err *e);
/* A whole kubeconfig file with the files it names (relative to it). */
NODISCARD bool kubeconfig_load(const char *path, const char *context, struct kube_config *out,
                               struct err *e);

/* dir holds token, ca.crt and namespace. */
NODISCARD bool kube_config_in_cluster(const char *dir, const char *host, const char *port,
                                      struct kube_config *out, struct err *e);

/* Copies into a C string of cap bytes; ERR_TOO_LARGE beyond. */
NODISCARD bool config_text(struct span s, char *out, size_t cap, struct err *e);
/* http:// or https://, a host, perhaps a port and a path; the slash at the end is taken off. */
NODISCARD bool config_server(struct span s, char *out, size_t cap, struct err *e);
/* A bearer token: printable ASCII without spaces; white space around it is taken off. */
NODISCARD bool config_token(struct span s, struct buf *out, struct err *e);
/* A text with at least one PEM block. */
NODISCARD bool config_pem(struct span s, struct err *e);
/* Standard base64, line ends passed over, as Go reads it. */
NODISCARD bool config_base64(struct span s, struct buf *out, struct err *e);

/* What the environment says about proxies for this server, as Go's HTTP clients take it:
 * HTTPS_PROXY or HTTP_PROXY after the scheme, NO_PROXY, never for this very machine. */
NODISCARD bool config_proxy(struct kube_config *c, struct err *e);

#endif
