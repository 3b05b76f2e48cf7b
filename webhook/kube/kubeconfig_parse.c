/* kubeconfig text -> the strings of one context. What it names is not looked at here, so that any
 * text can be given to it. */
#include "topology/json.h"
#include "webhook/codec/manifest.h"
#include "webhook/kube/config_inner.h"

#define ENTRIES_MAX 4096

/* One of the three lists: [{"name": ..., "<key>": {...}}]. */
struct list {
    const char *list;
    const char *key;
    const char *what;
};
static const struct list clusters = {"clusters", "cluster", "cluster"};
static const struct list contexts = {"contexts", "context", "context"};
static const struct list users = {"users", "user", "user"};

struct place {
    const struct list *list;
    unsigned at;
    const struct json *value; /* never NULL */
};

static bool in_place(const struct place *p, struct err *e) {
    return err_in(e, "%s[%u].%s", p->list->list, p->at, p->list->key);
}

static bool no_such(const struct list *l, struct span name, const struct json *array,
                    struct err *e) {
    char text[200];
    struct buf has = BUF_OVER(text);
    unsigned n = 0;
    for (const struct json *v = array ? json_first(array) : NULL; v && n < 8; v = json_next(v)) {
        struct span other = {0};
        if (json_opt_str(v, "name", &other, NULL) && other.n) {
            buf_fmt(&has, "%s\"" SPAN_FMT "\"", n ? ", " : "", SPAN_ARG(span_upto(other, 40)));
            n++;
        }
    }
    return err_at(e, ERR_INPUT, l->list, "no %s \"" SPAN_FMT "\" in this file; it has %s", l->what,
                  SPAN_ARG(span_upto(name, 64)), n ? text : "none");
}

static bool find(const struct json *root, const struct list *l, struct span name, struct place *out,
                 struct err *e) {
    const struct json *array = NULL;
    if (!json_opt_array(root, l->list, &array, e)) {
        return false;
    }
    if (array && json_count(array) > ENTRIES_MAX) {
        return err_at(e, ERR_TOO_LARGE, l->list, "wants at most %d entries", ENTRIES_MAX);
    }
    unsigned at = 0;
    for (const struct json *v = array ? json_first(array) : NULL; v; v = json_next(v), at++) {
        struct span other = {0};
        if (json_kind(v) != JSON_OBJECT) {
            return err_at(e, ERR_INPUT, l->list, "[%u]: wants an object, found %s", at,
                          json_kind_name(json_kind(v)));
        }
        if (!json_opt_str(v, "name", &other, e)) {
            return err_in(e, "%s[%u]", l->list, at);
        }
        if (span_eq(other, name)) {
            const struct json *value = NULL;
            if (!json_req_object(v, l->key, &value, e)) {
                return err_in(e, "%s[%u]", l->list, at);
            }
            *out = (struct place){l, at, value};
            return true;
        }
    }
    return no_such(l, name, array, e);
}

static bool strings(const struct json *o, struct err *e, unsigned n, const char *const *key,
                    struct span *const *out) {
    for (unsigned i = 0; i < n; i++) {
        if (!json_opt_str(o, key[i], out[i], e)) {
            return false;
        }
    }
    return true;
}

static bool read_cluster(const struct json *root, struct span name, struct kubeconfig *k,
                         struct err *e) {
    static const char *const keys[] = {"server", "tls-server-name", "proxy-url",
                                       "certificate-authority-data", "certificate-authority"};
    struct span *const out[] = {&k->server, &k->server_name, &k->proxy_url, &k->ca_data,
                                &k->ca_file};
    struct place at = {.list = &clusters};
    if (!find(root, &clusters, name, &at, e)) {
        return false;
    }
    if (!strings(at.value, e, 5, keys, out) ||
        !json_opt_bool(at.value, "insecure-skip-tls-verify", &k->insecure, e)) {
        return in_place(&at, e);
    }
    if (k->insecure && (k->ca_data.n || k->ca_file.n)) {
        (void)err_at(e, ERR_INPUT, "insecure-skip-tls-verify",
                     "asks for no check of the server, and a certificate-authority is given to "
                     "check it with: take one out");
        return in_place(&at, e);
    }
    if (!k->server.n) {
        (void)err_at(e, ERR_INPUT, "server", "wants https://HOST:PORT, found nothing");
        return in_place(&at, e);
    }
    return true;
}

/* Ways to be somebody that tpguard does not go. */
static const struct refused {
    const char *key;
    const char *why;
} refused[] = {
    {"exec", "needs a program of others (exec plugin), which tpguard does not run: use a "
             "ServiceAccount token or a client certificate; explain also takes a recorded cluster "
             "(--cluster FILE)"},
    {"auth-provider", "needs a program of others (auth-provider), which tpguard does not run: use "
                      "a ServiceAccount token or a client certificate"},
    {"username", "is a password, which API servers no longer take: use a token or a client "
                 "certificate"},
    {"as", "acts as somebody else (impersonation), which tpguard does not do: use that account's "
           "own token"},
};

static bool read_user(const struct json *root, struct span name, struct kubeconfig *k,
                      struct err *e) {
    static const char *const keys[] = {
        "token",           "tokenFile", "client-certificate-data", "client-certificate",
        "client-key-data", "client-key"};
    struct span *const out[] = {&k->token,     &k->token_file, &k->cert_data,
                                &k->cert_file, &k->key_data,   &k->key_file};
    struct place at = {.list = &users};
    if (!find(root, &users, name, &at, e)) {
        return false;
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const struct json *v = NULL;
        if (!json_member(at.value, refused[i].key, &v, e)) {
            return in_place(&at, e);
        }
        if (v) {
            (void)err_at(e, ERR_INPUT, refused[i].key, "%s", refused[i].why);
            return in_place(&at, e);
        }
    }
    if (!strings(at.value, e, 6, keys, out)) {
        return in_place(&at, e);
    }
    bool cert = k->cert_data.n || k->cert_file.n;
    bool key = k->key_data.n || k->key_file.n;
    if (cert != key) {
        (void)err_at(
            e, ERR_INPUT, cert ? "client-key" : "client-certificate",
            "a client certificate needs its key and a key its certificate: one is missing");
        return in_place(&at, e);
    }
    return true;
}

static bool read_context(const struct json *root, const char *context, struct kubeconfig *k,
                         struct err *e) {
    struct span name = span_of(context);
    struct span cluster = {0};
    struct span user = {0};
    struct place at = {.list = &contexts};
    if (!name.n && !json_opt_str(root, "current-context", &name, e)) {
        return false;
    }
    if (!name.n) {
        return err_at(e, ERR_INPUT, "current-context",
                      "wants the name of a context, found nothing");
    }
    if (!find(root, &contexts, name, &at, e)) {
        return false;
    }
    if (!json_req_str(at.value, "cluster", &cluster, e) ||
        !json_opt_str(at.value, "user", &user, e) ||
        !json_opt_str(at.value, "namespace", &k->ns, e)) {
        return in_place(&at, e);
    }
    /* A context without a user is somebody anonymous, as for kubectl. */
    return read_cluster(root, cluster, k, e) && (user.n == 0 || read_user(root, user, k, e));
}

bool kubeconfig_parse(struct span text, const char *context, struct arena *a,
                      struct kubeconfig *out, struct err *e) {
    struct yaml_doc *docs = NULL;
    const struct json *root = NULL;
    struct kubeconfig k = {0};
    unsigned n = 0;
    if (!yaml_read(text, a, &docs, &n, e)) {
        return false;
    }
    if (n != 1) {
        return err_set(e, ERR_INPUT, "wants one document, found %u", n);
    }
    if (docs[0].bad.code != ERR_NONE) {
        if (e) {
            *e = docs[0].bad;
        }
        return false;
    }
    if (!json_parse(docs[0].json, a, &root, e)) {
        return false;
    }
    if (json_kind(root) != JSON_OBJECT) {
        return err_set(e, ERR_INPUT, "wants a kubeconfig (kind: Config), found %s",
                       json_kind_name(json_kind(root)));
    }
    struct span kind = SPAN("Config");
    if (!json_opt_str(root, "kind", &kind, e)) {
        return false;
    }
    if (!span_is(kind, "Config")) {
        return err_at(e, ERR_INPUT, "kind", "wants Config, found \"" SPAN_FMT "\"",
                      SPAN_ARG(span_upto(kind, 40)));
    }
    if (!read_context(root, context, &k, e)) {
        return false;
    }
    *out = k;
    return true;
}
