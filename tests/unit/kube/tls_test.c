/* The client over TLS: what it trusts, who it says it is, and files that change under it. Skipped
 * without openssl. */
#include "kit.h"
#include "webhook/kube/config_inner.h"

static const char scenario[] = "GET /ok always\n  body {}\n";

/* One command line of openssl, words parted by spaces. */
static bool openssl(const char *line) {
    static char words[4096];
    char *argv[64];
    unsigned n = 0;
    (void)snprintf(words, sizeof words, "openssl %s", line);
    for (char *p = words; p && n < 63;) {
        argv[n++] = p;
        p = strchr(p, ' ');
        if (p) {
            *p++ = '\0';
        }
    }
    argv[n] = NULL;
    kit_quiet = true;
    bool done = kit_wait(kit_spawn(argv)) == 0;
    kit_quiet = false;
    return done;
}

/* NAME.pem and NAME.key in the folder, signed by ca (NULL: by itself). */
static bool make(const char *name, const char *ca, const char *names) {
    char line[2048];
    char by[600] = "";
    if (ca) {
        (void)snprintf(by, sizeof by, " -CA %s/%s.pem -CAkey %s/%s.key", kit_folder, ca, kit_folder,
                       ca);
    }
    (void)snprintf(line, sizeof line,
                   "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -batch "
                   "-subj /CN=%s -keyout %s/%s.key -out %s/%s.pem%s%s%s",
                   name, kit_folder, name, kit_folder, name, by, names ? " -addext " : "",
                   names ? names : "");
    return openssl(line);
}

static struct buf read_pem(const char *name) {
    struct buf b = buf_new(65536);
    if (!file_read(kit_path(name), 65536, &b, NULL)) {
        buf_reset(&b);
    }
    return b;
}

/* One configuration at a time, as it is large: what it trusts, and the certificate shown. */
static struct kube_config *fresh(const char *ca, const char *cert, const char *key) {
    static struct kube_config c;
    memset(&c, 0, sizeof c);
    if (ca) {
        c.ca = read_pem(ca);
    }
    if (cert) {
        c.cert = read_pem(cert);
        c.key = read_pem(key);
    }
    return &c;
}

struct asked {
    bool came;
    unsigned status;
    struct err e;
};
static struct asked ask_with(struct kube_client *c) {
    struct asked a = {0};
    struct kube_response r = {0};
    a.came = kube_call(
        c, &(struct kube_request){.method = "GET", .path = "/ok", .timeout_ms = 3000}, &r, &a.e);
    a.status = r.status;
    buf_done(&r.body);
    return a;
}
static struct asked ask(struct kube_config *config, const struct fake *f) {
    if (!config->server[0]) {
        (void)snprintf(config->server, sizeof config->server, "https://127.0.0.1:%u", f->port);
    }
    struct kube_client *c = fake_client(f, config);
    struct asked a = ask_with(c);
    kube_client_free(c);
    kube_config_done(config);
    return a;
}

static void test_distrust(const struct fake *f, const struct fake *g) {
    struct asked a = ask(fresh(NULL, NULL, NULL), f);
    ok(!a.came && a.e.code == ERR_IO && strstr(a.e.msg, "certificate"),
       "a server that nobody vouches for: %s", a.e.msg);
    a = ask(fresh("ca2.pem", NULL, NULL), f);
    ok(!a.came && strstr(a.e.msg, "certificate"), "another CA: %s", a.e.msg);
    a = ask(fresh("ca1.pem", NULL, NULL), g);
    ok(!a.came && a.e.code == ERR_IO, "a certificate of another machine: %s", a.e.msg);
    struct kube_config *other = fresh("ca1.pem", NULL, NULL);
    (void)snprintf(other->server_name, sizeof other->server_name, "wrong.example");
    a = ask(other, g);
    ok(!a.came, "not the name that was asked for: %s", a.e.msg);
    struct kube_config *plain = fresh(NULL, NULL, NULL);
    (void)snprintf(plain->server, sizeof plain->server, "http://127.0.0.1:%u", f->port);
    a = ask(plain, f);
    ok(!a.came && a.e.code == ERR_IO, "plain HTTP to a TLS port: %s", a.e.msg);
}

static void test_trust(void) {
    static const char *const files[] = {"here.pem", "here.key", NULL};
    static const char *const away[] = {"away.pem", "away.key", NULL};
    struct fake f = fake_start(scenario, 0, files);
    struct fake g = fake_start(scenario, 0, away);
    test_distrust(&f, &g);
    struct asked a = ask(fresh("ca1.pem", NULL, NULL), &f);
    ok(a.came && a.status == 200, "its CA: %s", a.e.msg);
    struct kube_config *named = fresh("ca1.pem", NULL, NULL);
    (void)snprintf(named->server_name, sizeof named->server_name, "away.example");
    a = ask(named, &g);
    char host[64];
    (void)snprintf(host, sizeof host, "Host: 127.0.0.1:%u", g.port);
    ok(a.came && a.status == 200 && fake_count(&g, "GET /ok", host) == 1,
       "tls-server-name: checked by that name, asked by the address: %s", a.e.msg);
    struct kube_config *blind = fresh(NULL, NULL, NULL);
    blind->insecure = true;
    a = ask(blind, &g);
    ok(a.came && a.status == 200, "insecure-skip-tls-verify: %s", a.e.msg);
    fake_stop(&f);
    fake_stop(&g);
}

static void test_client_certificate(void) {
    static const char *const files[] = {"here.pem", "here.key", "ca2.pem", NULL};
    struct fake f = fake_start(scenario, 0, files);
    struct asked a = ask(fresh("ca1.pem", NULL, NULL), &f);
    ok(!a.came && a.e.code == ERR_IO, "who must show a certificate and has none: %s", a.e.msg);
    a = ask(fresh("ca1.pem", "user.pem", "here.key"), &f);
    ok(!a.came && a.e.code == ERR_IO, "a key that is not the certificate's: %s", a.e.msg);
    a = ask(fresh("ca1.pem", "user.pem", "user.key"), &f);
    ok(a.came && a.status == 200 && fake_count(&f, "GET /ok", "peer=user") == 1,
       "a client certificate: %s", a.e.msg);
    fake_stop(&f);
}

static void test_rotation(void) {
    static const char *const files[] = {"here.pem", "here.key", NULL};
    struct fake f = fake_start(scenario, 0, files);
    struct buf ca1 = read_pem("ca1.pem");
    struct buf ca2 = read_pem("ca2.pem");
    struct err e = {0};
    struct kube_config config = {0};
    char port[16];
    kit_text("token", "t0k");
    kit_write("ca.crt", buf_view(&ca2));
    (void)snprintf(port, sizeof port, "%u", f.port);
    bool loaded = kube_config_in_cluster(kit_folder, "127.0.0.1", port, &config, &e);
    ok(loaded, "a pod's files: %s", e.msg);
    struct kube_client *c = fake_client(&f, &config);
    struct asked a = ask_with(c);
    ok(!a.came, "an old CA: %s", a.e.msg);
    kit_write("ca.crt", buf_view(&ca1));
    a = ask_with(c);
    ok(a.came && a.status == 200, "the file changes, and the next call trusts it: %s", a.e.msg);
    ok(fake_count(&f, "GET /ok", "Authorization: Bearer t0k") == 1, "with the pod's token");
    kit_text("ca.crt", "half");
    a = ask_with(c);
    ok(a.came, "a file that is broken for a moment changes nothing: %s", a.e.msg);
    kit_write("ca.crt", buf_view(&ca2));
    a = ask_with(c);
    ok(!a.came, "a CA that was taken away is not trusted any more, kept connection or not: %s",
       a.e.msg);
    kube_client_free(c);
    kube_config_done(&config);
    buf_done(&ca1);
    buf_done(&ca2);
    fake_stop(&f);
}

static void test_kubeconfig(void) {
    static const char *const files[] = {"here.pem", "here.key", "ca2.pem", NULL};
    struct fake f = fake_start(scenario, 0, files);
    struct kube_config c = {0};
    struct err e = {0};
    char text[1024];
    (void)snprintf(
        text, sizeof text,
        "kind: Config\ncurrent-context: c\n"
        "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:%u', "
        "certificate-authority: ca1.pem}}]\n"
        "users: [{name: u, user: {client-certificate: user.pem, client-key: user.key}}]\n"
        "contexts: [{name: c, context: {cluster: k, user: u}}]\n",
        f.port);
    kit_text("config", text);
    ok(kubeconfig_load(kit_path("config"), NULL, &c, &e), "a kubeconfig with files: %s", e.msg);
    struct asked a = ask(&c, &f);
    ok(a.came && a.status == 200 && fake_count(&f, "GET /ok", "peer=user") == 1,
       "is all that a client needs: %s", a.e.msg);
    fake_stop(&f);
}

int main(int argc, char **argv) {
    (void)argc;
    kit_begin(argv[0]);
    if (!make("ca1", NULL, NULL) || !make("ca2", NULL, NULL) ||
        !make("here", "ca1", "subjectAltName=IP:127.0.0.1,DNS:localhost") ||
        !make("away", "ca1", "subjectAltName=DNS:away.example") || !make("user", "ca2", NULL)) {
        skip("openssl cannot make certificates here", "the client over TLS");
    } else {
        test_trust();
        test_client_certificate();
        test_rotation();
        test_kubeconfig();
    }
    kit_end();
    return tap_done();
}
