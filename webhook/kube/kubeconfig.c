/* A kubeconfig file and the files it names -> struct kube_config. */
#include "webhook/kube/config_inner.h"
#include "webhook/sys/file.h"

#define ARENA_MAX ((size_t)64 * 1024 * 1024)

/* Files in a kubeconfig are relative to it, not to where we were started. */
static bool beside(const char *config, struct span file, char *out, struct err *e) {
    const char *slash = strrchr(config, '/');
    char path[KUBE_PATH_MAX];
    struct buf b = BUF_OVER(path);
    if (file.n && file.p[0] != '/' && slash) {
        buf_put(&b, config, (size_t)(slash - config) + 1);
    }
    buf_span(&b, file);
    if (!buf_ok(&b)) {
        return err_set(e, ERR_TOO_LARGE, "the path is longer than %d characters",
                       KUBE_PATH_MAX - 1);
    }
    return config_text(buf_view(&b), out, KUBE_PATH_MAX, e);
}

/* One PEM text, written in the kubeconfig (base64) or named by it; *path gets the file's name. */
struct pem {
    const char *data_key, *file_key;
    struct span data, file;
};
static bool load_pem(const char *config, const struct pem *p, char *path, struct buf *out,
                     struct err *e) {
    struct buf b = buf_new(KUBE_PEM_MAX);
    bool done = true;
    path[0] = '\0';
    if (p->data.n) {
        done = config_base64(p->data, &b, e) && config_pem(buf_view(&b), e);
    } else if (p->file.n) {
        done = beside(config, p->file, path, e) && file_read(path, KUBE_PEM_MAX, &b, e) &&
               (config_pem(buf_view(&b), e) || err_wrap(e, "%.200s: ", path));
    }
    if (!done) {
        if (b.p) {
            explicit_bzero(b.p, b.cap);
        }
        buf_done(&b);
        return err_in(e, "%s", p->data.n ? p->data_key : p->file_key);
    }
    *out = b;
    return true;
}

static bool load_pems(const char *config, const struct kubeconfig *k, struct kube_config *c,
                      struct err *e) {
    char unused[KUBE_PATH_MAX];
    const struct pem ca = {"certificate-authority-data", "certificate-authority", k->ca_data,
                           k->ca_file};
    const struct pem cert = {"client-certificate-data", "client-certificate", k->cert_data,
                             k->cert_file};
    const struct pem key = {"client-key-data", "client-key", k->key_data, k->key_file};
    return load_pem(config, &ca, c->ca_file, &c->ca, e) &&
           load_pem(config, &cert, unused, &c->cert, e) &&
           load_pem(config, &key, unused, &c->key, e);
}

static bool load_token(const char *config, const struct kubeconfig *k, struct kube_config *c,
                       struct err *e) {
    c->token = buf_new(KUBE_TOKEN_MAX);
    if (k->token.n && !config_token(k->token, &c->token, e)) {
        return err_in(e, "token");
    }
    if (!k->token_file.n) {
        return true;
    }
    struct buf text = buf_new(KUBE_TOKEN_MAX);
    struct buf token = buf_new(KUBE_TOKEN_MAX);
    bool done =
        beside(config, k->token_file, c->token_file, e) &&
        file_read(c->token_file, KUBE_TOKEN_MAX, &text, e) &&
        (config_token(buf_view(&text), &token, e) || err_wrap(e, "%.200s: ", c->token_file));
    if (text.p) {
        explicit_bzero(text.p, text.cap);
    }
    if (token.p) {
        explicit_bzero(token.p, token.cap);
    }
    buf_done(&text);
    buf_done(&token);
    return done || err_in(e, "tokenFile");
}

/* proxy-url counts instead of the environment, NO_PROXY included: so kubectl. */
static bool load_proxy(const struct kubeconfig *k, struct kube_config *c, struct err *e) {
    if (!k->proxy_url.n) {
        return config_proxy(c, e);
    }
    struct span s = k->proxy_url;
    if (!span_starts(s, "http://") && !span_starts(s, "https://") && !span_starts(s, "socks5://")) {
        return err_at(e, ERR_INPUT, "proxy-url", "wants http://, https:// or socks5://");
    }
    return config_text(s, c->proxy, sizeof c->proxy, e) || err_in(e, "proxy-url");
}

/* It becomes a part of a URL and of a handshake. */
static bool server_name(struct span s, struct kube_config *c, struct err *e) {
    for (size_t i = 0; i < s.n; i++) {
        char lower = span_lower(s.p[i]);
        if (!((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '.' ||
              lower == '-' || lower == '_')) {
            return err_set(e, ERR_INPUT, "wants a name (a-z, 0-9, dots), found \"" SPAN_FMT "\"",
                           SPAN_ARG(span_upto(s, 64)));
        }
    }
    return config_text(s, c->server_name, sizeof c->server_name, e);
}

static bool load_texts(const struct kubeconfig *k, struct kube_config *c, struct err *e) {
    if (!config_server(k->server, c->server, sizeof c->server, e)) {
        return err_in(e, "server");
    }
    if (!server_name(k->server_name, c, e)) {
        return err_in(e, "tls-server-name");
    }
    return config_text(k->ns, c->namespace, sizeof c->namespace, e) || err_in(e, "namespace");
}

bool kubeconfig_load(const char *path, const char *context, struct kube_config *out,
                     struct err *e) {
    struct kube_config c = {.source = "kubeconfig"};
    struct kubeconfig k = {0};
    struct arena a = arena_new(ARENA_MAX);
    struct buf text = buf_new(KUBECONFIG_MAX);
    bool done = file_read(path, KUBECONFIG_MAX, &text, e);
    if (done) {
        done =
            (kubeconfig_parse(buf_view(&text), context, &a, &k, e) && load_texts(&k, &c, e) &&
             load_pems(path, &k, &c, e) && load_token(path, &k, &c, e) && load_proxy(&k, &c, e)) ||
            err_file(e, path);
    }
    c.insecure = k.insecure;
    /* Tokens and keys stood in it. */
    if (text.p) {
        explicit_bzero(text.p, text.cap);
    }
    buf_done(&text);
    arena_done(&a);
    if (!done) {
        kube_config_done(&c);
        return false;
    }
    *out = c;
    return true;
}
