/* Where the API server is: refused files first, then what kubectl would read, a pod, and the
 * environment. */
#include "kit.h"
#include "webhook/kube/config_inner.h"

#define PEM "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
/* base64 of PEM */
#define PEM64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="

/* A kubeconfig whose cluster, user and context have these members (flow style). */
static const char *with(const char *cluster, const char *user, const char *context) {
    static char text[8192];
    (void)snprintf(text, sizeof text,
                   "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                   "clusters:\n- name: other\n  cluster: {server: 'https://no'}\n"
                   "- name: k\n  cluster: {%s}\n"
                   "users:\n- name: u\n  user: {%s}\n"
                   "contexts:\n- name: c\n  context: {%s}\n",
                   cluster, user, context);
    return text;
}

static bool load(const char *text, const char *context, struct kube_config *c, struct err *e) {
    kit_text("config", text);
    return kubeconfig_load(kit_path("config"), context, c, e);
}

#define SERVER "server: 'https://h:1'"
#define PLACE  "cluster: k, user: u"

static void test_refusals(void) {
    static const struct {
        const char *cluster, *user, *context, *path, *says;
    } rows[] = {
        {SERVER, "exec: {command: aws}", PLACE, "users[0].user.exec", "exec plugin"},
        {SERVER, "auth-provider: {name: gcp}", PLACE, "users[0].user.auth-provider",
         "auth-provider"},
        {SERVER, "username: x, password: y", PLACE, "users[0].user.username", "password"},
        {SERVER, "as: root", PLACE, "users[0].user.as", "impersonation"},
        {SERVER, "client-certificate-data: " PEM64, PLACE, "users[0].user.client-key",
         "is missing"},
        {SERVER, "client-key: k.pem", PLACE, "users[0].user.client-certificate", "is missing"},
        {SERVER, "token: 'a b'", PLACE, "token", "0x20"},
        {SERVER, "token: 7", PLACE, "users[0].user.token", "string"},
        {SERVER, "Token: x", PLACE, "users[0].user", "where \"token\" was expected"},
        {SERVER, "tokenFile: nowhere", PLACE, "tokenFile", "No such file"},
        {SERVER, "client-certificate: nowhere, client-key: x", PLACE, "client-certificate",
         "No such file"},
        {SERVER ", certificate-authority-data: '####'", "", PLACE, "certificate-authority-data",
         "base64"},
        {SERVER ", certificate-authority-data: aGVsbG8=", "", PLACE, "certificate-authority-data",
         "PEM"},
        {SERVER ", certificate-authority: nowhere", "", PLACE, "certificate-authority",
         "No such file"},
        {SERVER ", insecure-skip-tls-verify: true, certificate-authority: x", "", PLACE,
         "clusters[1].cluster.insecure-skip-tls-verify", "take one out"},
        {SERVER ", insecure-skip-tls-verify: 'yes'", "", PLACE,
         "clusters[1].cluster.insecure-skip-tls-verify", ""},
        {SERVER ", proxy-url: 'ftp://p'", "", PLACE, "proxy-url", "socks5"},
        {SERVER ", tls-server-name: 'a b'", "", PLACE, "tls-server-name", "a name"},
        {"", "", PLACE, "clusters[1].cluster.server", "wants https"},
        {"server: h", "", PLACE, "server", "wants https"},
        {"server: 'ftp://h'", "", PLACE, "server", "wants https"},
        {"server: 'https://'", "", PLACE, "server", "wants https"},
        {"server: 'https:///path'", "", PLACE, "server", "wants https"},
        {"server: 'https://u:p@h'", "", PLACE, "server", "wants https"},
        {"server: 'https://h/?q'", "", PLACE, "server", "wants https"},
        {"server: 'https://h h'", "", PLACE, "server", "wants https"},
        {SERVER, "", "cluster: k, user: nobody", "users",
         "no user \"nobody\" in this file; it has"},
        {SERVER, "", "cluster: none, user: u", "clusters", "it has \"other\", \"k\""},
        {SERVER, "", "user: u", "contexts[0].context.cluster", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kube_config c = {0};
        struct err e = {0};
        char place[ERR_MSG_MAX];
        (void)snprintf(place, sizeof place, "%s: %s: ", kit_path("config"), rows[i].path);
        bool loaded = load(with(rows[i].cluster, rows[i].user, rows[i].context), NULL, &c, &e);
        ok(!loaded && span_starts(span_of(e.msg), place) && strstr(e.msg, rows[i].says) &&
               !e.path[0] && c.server[0] == '\0',
           "{%s} {%s}: %s", rows[i].cluster, rows[i].user, e.msg);
    }
}

static void test_no_kubeconfig(void) {
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "document"},
        {"- a\n", "wants a kubeconfig"},
        {"{", ""},
        {"kind: Pod\n", "wants Config"},
        {"kind: Config\n", "name of a context"},
        {"kind: Config\n---\nkind: Config\n", "one document, found 2"},
        {"kind: Config\ncurrent-context: x\n", "no context \"x\" in this file; it has none"},
        {"kind: Config\ncurrent-context: x\ncontexts: [1]\n", "wants an object"},
        {"kind: Config\ncurrent-context: x\ncontexts: {}\n", "array"},
        {"kind: Config\nkind: Config\n", "is there twice"},
        {"a: \"\\0\"\n", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kube_config c = {0};
        struct err e = {0};
        ok(!load(rows[i].text, NULL, &c, &e) && e.code != ERR_NONE && strstr(e.msg, rows[i].says),
           "no kubeconfig: %s: %s", e.path, e.msg);
    }
    struct kube_config c = {0};
    struct err e = {0};
    ok(!kubeconfig_load(kit_path("not-there"), NULL, &c, &e) && e.code == ERR_IO &&
           strstr(e.msg, "not-there"),
       "a file that is not there: %s", e.msg);
    ok(!load(with(SERVER, "", PLACE), "elsewhere", &c, &e) && strstr(e.msg, "it has \"c\""),
       "a context that is not there: %s", e.msg);
}

static void test_kubeconfig(void) {
    struct kube_config c = {0};
    struct err e = {0};
    kit_text("ca.pem", PEM);
    kit_text("tok", " abc.def\n");
    ok(load(with("server: 'https://h:6443/k8s/clusters/c-1/', tls-server-name: kubernetes, "
                 "certificate-authority: ca.pem",
                 "tokenFile: tok", "cluster: k, user: u, namespace: llm"),
            "c", &c, &e),
       "a kubeconfig with files beside it: %s", e.msg);
    is_str(c.server, "https://h:6443/k8s/clusters/c-1", "server, its slash taken off");
    is_str(c.server_name, "kubernetes", "tls-server-name");
    is_str(c.namespace, "llm", "namespace of the context");
    is_str(c.token_file, kit_path("tok"), "a token file relative to the kubeconfig");
    is_str(c.ca_file, kit_path("ca.pem"), "a CA file too");
    is_str(buf_cstr(&c.ca), PEM, "which has been read");
    is_str(c.source, "kubeconfig", "source");
    kube_config_done(&c);
    c = (struct kube_config){0};
    ok(load(with(SERVER ", certificate-authority-data: '" PEM64 "', proxy-url: 'socks5://p:1'",
                 "token: t0k, client-certificate-data: " PEM64 ", client-key-data: " PEM64, PLACE),
            NULL, &c, &e),
       "all inside: %s", e.msg);
    ok(span_is(buf_view(&c.ca), PEM) && span_is(buf_view(&c.cert), PEM) &&
           span_is(buf_view(&c.key), PEM) && span_is(buf_view(&c.token), "t0k") && !c.insecure &&
           c.ca_file[0] == '\0',
       "decoded");
    is_str(c.proxy, "socks5://p:1", "proxy-url");
    kube_config_done(&c);
    c = (struct kube_config){0};
    ok(load(with("server: 'http://127.0.0.1:8001', insecure-skip-tls-verify: true", "",
                 "cluster: k"),
            NULL, &c, &e) &&
           c.insecure && c.token.n == 0,
       "kubectl proxy, anonymous: %s", e.msg);
    kube_config_done(&c);
    c = (struct kube_config){0};
    ok(load("{\"kind\":\"Config\",\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\","
            "\"context\":{\"cluster\":\"y\"}}],\"clusters\":[{\"name\":\"y\",\"cluster\":{"
            "\"server\":\"https://[::1]:6443\"}}]}",
            NULL, &c, &e) &&
           strcmp(c.server, "https://[::1]:6443") == 0,
       "JSON is YAML: %s", e.msg);
    kube_config_done(&c);
}

static void test_base64(void) {
    static const char *const bad[] = {
        "A", "AA", "AAA", "A===", "====", "AA=A", "AA==AAAA", "AA-_", "AAAA=", "\xff\xff\xff\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf b = buf_new(64);
        ok(!config_base64(span_of(bad[i]), &b, NULL), "no base64: %s", i == 9 ? "bytes" : bad[i]);
        buf_done(&b);
    }
    struct buf b = buf_new(64);
    ok(config_base64(SPAN("aGVs\nbG8s\r\nIHdvcmxk"), &b, NULL) &&
           span_is(buf_view(&b), "hello, world"),
       "line ends in it");
    buf_reset(&b);
    ok(config_base64(SPAN("/+8="), &b, NULL) && span_is(buf_view(&b), "\xff\xef"), "one byte less");
    buf_reset(&b);
    ok(config_base64(SPAN("/w=="), &b, NULL) && span_is(buf_view(&b), "\xff"), "two bytes less");
    buf_done(&b);
    b = buf_new(2);
    struct err e = {0};
    ok(!config_base64(SPAN("aGVs"), &b, &e) && e.code == ERR_TOO_LARGE, "more than there is room");
    buf_done(&b);
}

static void test_pod(void) {
    struct kube_config c = {0};
    struct err e = {0};
    ok(!kube_config_in_cluster(kit_folder, "10.96.0.1", "0", &c, &e) &&
           strstr(e.msg, "KUBERNETES_SERVICE_PORT"),
       "a port that is none: %s", e.msg);
    ok(!kube_config_in_cluster(kit_folder, "a b", "1", &c, &e) &&
           strstr(e.msg, "KUBERNETES_SERVICE_HOST"),
       "a host that is none: %s", e.msg);
    ok(!kube_config_in_cluster(kit_folder, "10.96.0.1", "443", &c, &e) &&
           strstr(e.msg, "automountServiceAccountToken") && strstr(e.msg, "/token"),
       "no token: %s", e.msg);
    kit_text("token", "");
    ok(!kube_config_in_cluster(kit_folder, "10.96.0.1", "443", &c, &e) &&
           strstr(e.msg, "found nothing"),
       "an empty token: %s", e.msg);
    kit_text("token", "abc");
    ok(!kube_config_in_cluster(kit_folder, "10.96.0.1", "443", &c, &e) && strstr(e.msg, "ca.crt"),
       "no CA: %s", e.msg);
    kit_text("ca.crt", "not PEM");
    ok(!kube_config_in_cluster(kit_folder, "10.96.0.1", "443", &c, &e) && strstr(e.msg, "PEM"),
       "a CA that is none: %s", e.msg);
    kit_text("ca.crt", PEM);
    ok(kube_config_in_cluster(kit_folder, "10.96.0.1", "443", &c, &e) &&
           strcmp(c.server, "https://10.96.0.1:443") == 0 && c.namespace[0] == '\0' &&
           c.proxy[0] == '\0' && strcmp(c.source, "in-cluster") == 0 && c.token.n == 0,
       "a pod: %s", e.msg);
    kube_config_done(&c);
    c = (struct kube_config){0};
    kit_text("namespace", "tpguard-system\n");
    ok(kube_config_in_cluster(kit_folder, "fd00::1", "6443", &c, &e) &&
           strcmp(c.server, "https://[fd00::1]:6443") == 0 &&
           strcmp(c.namespace, "tpguard-system") == 0,
       "IPv6, and the namespace: %s", e.msg);
    kube_config_done(&c);
}

static void clean_env(void) {
    static const char *const names[] = {"KUBERNETES_SERVICE_HOST",
                                        "KUBERNETES_SERVICE_PORT",
                                        "KUBECONFIG",
                                        "HTTPS_PROXY",
                                        "https_proxy",
                                        "HTTP_PROXY",
                                        "http_proxy",
                                        "NO_PROXY",
                                        "no_proxy",
                                        "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsetenv(names[i]);
    }
    setenv("HOME", kit_folder, 1);
}

static void test_which(void) {
    const struct kube_config_ask any = {0};
    struct kube_config c = {0};
    struct err e = {0};
    char list[1024];
    clean_env();
    ok(!kube_config_load(&any, &c, &e) && strstr(e.msg, "no API server is known"), "nowhere: %s",
       e.msg);
    setenv("KUBECONFIG", "/nonexistent/a:/nonexistent/b", 1);
    ok(!kube_config_load(&any, &c, &e) && strstr(e.msg, "KUBECONFIG"), "a list of nothing: %s",
       e.msg);
    kit_text("one", with("server: 'https://one'", "", "cluster: k"));
    kit_text("two", with("server: 'https://two'", "", "cluster: k"));
    (void)snprintf(list, sizeof list, "/nonexistent/a:%s:%s", kit_path("one"), kit_path("two"));
    setenv("KUBECONFIG", list, 1);
    ok(kube_config_load(&any, &c, &e) && strcmp(c.server, "https://one") == 0, "the first that is");
    is_str(c.source, "kubeconfig (first of 2 in KUBECONFIG)", "and it says that there are more");
    kube_config_done(&c);
    c = (struct kube_config){0};
    const struct kube_config_ask other = {.context = "elsewhere"};
    ok(!kube_config_load(&other, &c, &e) &&
           span_starts(span_of(e.msg), "of 2 files in KUBECONFIG only the first is read: "),
       "what the first has not is not looked for in the second, and that is said: %s", e.msg);
    const struct kube_config_ask named = {.kubeconfig = kit_path("two")};
    ok(kube_config_load(&named, &c, &e) && strcmp(c.server, "https://two") == 0,
       "a named file goes before all");
    kube_config_done(&c);
    c = (struct kube_config){0};
    unsetenv("KUBECONFIG");
    (void)mkdir(kit_path(".kube"), 0700);
    kit_text(".kube/config", with("server: 'https://home'", "", "cluster: k"));
    ok(kube_config_load(&any, &c, &e) && strcmp(c.server, "https://home") == 0, "~/.kube/config");
    kube_config_done(&c);
    c = (struct kube_config){0};
    if (access("/var/run/secrets/kubernetes.io/serviceaccount/token", F_OK) != 0) {
        setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
        setenv("KUBERNETES_SERVICE_PORT", "443", 1);
        ok(!kube_config_load(&any, &c, &e) && strstr(e.msg, "in a pod without"),
           "a pod without its account: %s", e.msg);
        setenv("KUBECONFIG", list, 1);
        ok(kube_config_load(&any, &c, &e) && strcmp(c.server, "https://one") == 0,
           "which may bring a kubeconfig");
        kube_config_done(&c);
    }
}

static void test_proxies(void) {
    static const struct {
        const char *server, *name, *value, *without, *proxy, *no_proxy;
    } rows[] = {
        {"https://h", "HTTPS_PROXY", "http://p:1", NULL, "http://p:1", ""},
        {"https://h", "https_proxy", "http://p:1", "a,b", "http://p:1", "a,b"},
        {"https://h", "HTTP_PROXY", "http://p:1", NULL, "", ""},
        {"https://h", "ALL_PROXY", "http://p:1", NULL, "", ""},
        {"http://h", "HTTP_PROXY", "http://p:1", NULL, "http://p:1", ""},
        {"https://127.0.0.1:6443", "HTTPS_PROXY", "http://p:1", NULL, "", ""},
        {"https://localhost:6443/x", "HTTPS_PROXY", "http://p:1", NULL, "", ""},
        {"https://[::1]:6443", "HTTPS_PROXY", "http://p:1", NULL, "", ""},
        {"https://[fd00::1]:6443", "HTTPS_PROXY", "http://p:1", NULL, "http://p:1", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kube_config c = {0};
        struct err e = {0};
        clean_env();
        setenv(rows[i].name, rows[i].value, 1);
        if (rows[i].without) {
            setenv("NO_PROXY", rows[i].without, 1);
        }
        (void)snprintf(c.server, sizeof c.server, "%s", rows[i].server);
        ok(config_proxy(&c, &e) && strcmp(c.proxy, rows[i].proxy) == 0 &&
               strcmp(c.no_proxy, rows[i].no_proxy) == 0,
           "%s with %s: \"%s\"", rows[i].server, rows[i].name, c.proxy);
    }
    clean_env();
}

int main(int argc, char **argv) {
    (void)argc;
    kit_begin(argv[0]);
    test_refusals();
    test_no_kubeconfig();
    test_kubeconfig();
    test_base64();
    test_pod();
    test_which();
    test_proxies();
    kit_end();
    return tap_done();
}
