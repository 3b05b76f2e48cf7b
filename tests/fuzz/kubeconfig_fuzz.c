/* A kubeconfig of anybody, and the single values in it. The parser reads no file and asks nobody.
 */
#include <stdint.h>
#include <stdlib.h>

#include "webhook/kube/config_inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good) {
    if (!good) {
        abort();
    }
}

static void values(struct span s) {
    char text[64];
    struct buf b = buf_new(4096);
    struct err e = {0};
    if (config_server(s, text, sizeof text, &e)) {
        must(strlen(text) < sizeof text && strncmp(text, "http", 4) == 0 && !strchr(text, '@'));
    } else {
        must(e.code != ERR_NONE);
    }
    if (config_token(s, &b, NULL)) {
        must(b.n > 0 && !memchr(b.p, '\n', b.n));
    }
    buf_reset(&b);
    if (config_base64(s, &b, NULL)) {
        must(b.n <= s.n);
    }
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = {(const char *)data, size};
    struct arena a = arena_new((size_t)64 * 1024 * 1024);
    struct kubeconfig k = {0};
    struct err e = {0};
    if (kubeconfig_parse(text, NULL, &a, &k, &e)) {
        must(k.server.n > 0);
        values(k.server);
        values(k.token.p ? k.token : SPAN(""));
        values(k.ca_data.p ? k.ca_data : SPAN(""));
    } else {
        must(e.code != ERR_NONE && e.msg[0] != '\0' && k.server.p == NULL);
    }
    arena_done(&a);
    values(text);
    return 0;
}
