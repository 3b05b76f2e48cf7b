/* Addresses as people write them, and the one line that says why not. */
#include "webhook/http/listen.h"

#include <string.h>
#include <unistd.h>

#include "tests/tap.h"

static void test_refusals(void) {
    static const struct {
        const char *address;
        const char *part;
    } rows[] = {
        {"", "wants HOST:PORT"},
        {"9443", "wants HOST:PORT"},
        {"localhost", "wants HOST:PORT"},
        {"localhost:", "wants HOST:PORT"},
        {"localhost:https", "wants HOST:PORT"},
        {"localhost:65536", "wants HOST:PORT"},
        {"localhost:-1", "wants HOST:PORT"},
        {"localhost: 1", "wants HOST:PORT"},
        {"::1:9443", "wants HOST:PORT"},
        {"192.0.2.1:1", "this machine has no such address"},
        {"999.1.1.1:1", "cannot listen on 999.1.1.1:1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char shown[LISTEN_SHOWN_MAX] = "untouched";
        int fd = -7;
        struct err e = {0};
        ok(!listen_open(rows[i].address, &fd, shown, &e) && strstr(e.msg, rows[i].part),
           "\"%s\" is refused: %s", rows[i].address, e.msg);
        ok(fd == -7 && strcmp(shown, "untouched") == 0, "and nothing is set");
    }
}

static void test_hosts(void) {
    char host[64];
    ok(listen_host("[::1]:9443", host, sizeof host) && strcmp(host, "::1") == 0,
       "brackets are not part of the host");
    ok(listen_host(":9443", host, sizeof host) && host[0] == '\0',
       "an empty host is every address");
    ok(!listen_host("localhost:1", host, 9), "a host that does not fit is refused");
}

static void test_taken(void) {
    char shown[LISTEN_SHOWN_MAX];
    char again[LISTEN_SHOWN_MAX];
    char want[160];
    int fd = -1;
    int other = -1;
    struct err e = {0};
    if (!ok(listen_open("127.0.0.1:0", &fd, shown, &e), "port 0 finds a free port")) {
        return;
    }
    ok(strncmp(shown, "127.0.0.1:", 10) == 0 && strcmp(shown + 10, "0") != 0,
       "the address shown has the real port");
    snprintf(want, sizeof want, "cannot listen on %s: address in use", shown);
    ok(!listen_open(shown, &other, again, &e), "the same address cannot be taken twice");
    is_str(e.msg, want, "which is said in one line");
    close(fd);
    ok(listen_open(shown, &fd, again, &e), "when it is free it can");
    close(fd);
    ok(listen_open("localhost:0", &fd, shown, &e), "a name will do");
    close(fd);
    if (ok(listen_open(":0", &fd, shown, &e), "so will no host at all")) {
        close(fd);
    }
}

int main(void) {
    test_refusals();
    test_hosts();
    test_taken();
    return tap_done();
}
