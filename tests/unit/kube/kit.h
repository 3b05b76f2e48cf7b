/* What the tests of this room share: a folder of their own, and the scripted API server
 * (tests/fakeapi) as a child. */
#ifndef TPGUARD_TESTS_KUBE_KIT_H
#define TPGUARD_TESTS_KUBE_KIT_H

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/tap.h"
#include "topology/buf.h"
#include "topology/span.h"
#include "webhook/kube/client.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/file.h"

#define KIT_TEXT_MAX ((size_t)16 * 1024 * 1024)

static char kit_folder[128];
static char kit_fakeapi[1024];

/* build/V/tests/unit/kube/x_test -> build/V/tests/fakeapi/fakeapi */
__attribute__((unused)) static void kit_begin(const char *program) {
    const char *tail = strstr(program, "unit/kube/");
    (void)snprintf(kit_fakeapi, sizeof kit_fakeapi, "%.*sfakeapi/fakeapi",
                   tail ? (int)(tail - program) : 0, program);
    (void)snprintf(kit_folder, sizeof kit_folder, "%s/tpguard-kube-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(kit_folder)) {
        printf("Bail out! no folder\n");
        exit(1);
    }
}

/* A path in the folder; four may be in use at once. */
__attribute__((unused)) static const char *kit_path(const char *name) {
    static char path[4][256];
    static unsigned at;
    at = (at + 1) % 4;
    (void)snprintf(path[at], sizeof path[at], "%s/%s", kit_folder, name);
    return path[at];
}

/* Exchanged as a whole, as the kubelet does it. */
__attribute__((unused)) static void kit_write(const char *name, struct span text) {
    char half[300];
    (void)snprintf(half, sizeof half, "%s.half", kit_path(name));
    FILE *f = fopen(half, "wb");
    if (!f || fwrite(text.p ? text.p : "", 1, text.n, f) != text.n || fclose(f) != 0 ||
        rename(half, kit_path(name)) != 0) {
        printf("Bail out! cannot write %s\n", name);
        exit(1);
    }
}
__attribute__((unused)) static void kit_text(const char *name, const char *text) {
    kit_write(name, span_of(text));
}

static bool kit_quiet; /* children have no standard error */

/* A child, or -1; and its exit code, or -1. */
__attribute__((unused)) static pid_t kit_spawn(char *const *argv) {
    extern char **environ;
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    posix_spawn_file_actions_init(&actions);
    if (kit_quiet) {
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    int bad = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return bad ? -1 : pid;
}
__attribute__((unused)) static int kit_wait(pid_t pid) {
    int status = -1;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                           : -1;
}

__attribute__((unused)) static void kit_end(void) {
    char *argv[] = {(char[]){"rm"}, (char[]){"-rf"}, kit_folder, NULL};
    if (strstr(kit_folder, "tpguard-kube-")) {
        (void)kit_wait(kit_spawn(argv));
    }
}

__attribute__((unused)) static void kit_sleep(unsigned ms) {
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* ---- the server ---- */

struct fake {
    pid_t pid;
    unsigned port;
    char log[256];
};

static unsigned kit_read_port(const char *path) {
    uint32_t port = 0;
    struct buf b = buf_new(64);
    if (!file_read(path, 63, &b, NULL) || !span_u32(span_trim(buf_view(&b)), 65535, &port)) {
        port = 0;
    }
    buf_done(&b);
    return port;
}

/* port 0: a free one. tls: NULL, or the names of cert and key and perhaps client CA in the folder,
 * ended by NULL. */
__attribute__((unused)) static struct fake fake_start(const char *scenario, unsigned port,
                                                      const char *const *tls) {
    static unsigned count;
    struct fake f = {0};
    char file[300];
    char port_file[300];
    char number[16];
    char cert[300];
    char key[300];
    char ca[300];
    (void)snprintf(file, sizeof file, "%s/scenario-%u", kit_folder, ++count);
    (void)snprintf(port_file, sizeof port_file, "%s/port-%u", kit_folder, count);
    (void)snprintf(f.log, sizeof f.log, "%s/log-%u", kit_folder, count);
    (void)snprintf(number, sizeof number, "%u", port);
    kit_text(strrchr(file, '/') + 1, scenario);
    static char o_port[] = "--port";
    static char o_port_file[] = "--port-file";
    static char o_log[] = "--log";
    static char o_tls[] = "--tls";
    static char o_client_ca[] = "--client-ca";
    char *argv[16] = {kit_fakeapi, file, o_port, number, o_port_file, port_file, o_log, f.log};
    unsigned n = 8;
    if (tls) {
        (void)snprintf(cert, sizeof cert, "%s/%s", kit_folder, tls[0]);
        (void)snprintf(key, sizeof key, "%s/%s", kit_folder, tls[1]);
        argv[n++] = o_tls;
        argv[n++] = cert;
        argv[n++] = key;
        if (tls[2]) {
            (void)snprintf(ca, sizeof ca, "%s/%s", kit_folder, tls[2]);
            argv[n++] = o_client_ca;
            argv[n++] = ca;
        }
    }
    f.pid = kit_spawn(argv);
    for (unsigned i = 0; i < 500 && f.port == 0; i++) {
        kit_sleep(10);
        f.port = kit_read_port(port_file);
    }
    if (!f.port) {
        printf("Bail out! %s does not start\n", kit_fakeapi);
        exit(1);
    }
    return f;
}

__attribute__((unused)) static void fake_stop(struct fake *f) {
    if (f->pid > 0) {
        kill(f->pid, SIGKILL);
        (void)waitpid(f->pid, NULL, 0);
    }
    f->pid = 0;
}

/* What it has been asked so far; the caller's. */
__attribute__((unused)) static struct buf fake_log(const struct fake *f) {
    struct buf b = buf_new(KIT_TEXT_MAX);
    if (!file_read(f->log, KIT_TEXT_MAX, &b, NULL)) {
        buf_reset(&b);
    }
    return b;
}

/* Lines that begin with prefix and have part in them. */
__attribute__((unused)) static unsigned fake_count(const struct fake *f, const char *prefix,
                                                   const char *part) {
    struct buf b = fake_log(f);
    unsigned n = 0;
    for (struct span rest = buf_view(&b); rest.n;) {
        struct span line = span_line(&rest);
        n += span_starts(line, prefix) && (!part[0] || span_has(line, part));
    }
    buf_done(&b);
    return n;
}

__attribute__((unused)) static struct kube_client *fake_client(const struct fake *f,
                                                               const struct kube_config *like) {
    struct kube_config c = {0};
    struct kube_client *out = NULL;
    struct err e = {0};
    if (like) {
        c = *like;
    }
    if (!c.server[0]) {
        (void)snprintf(c.server, sizeof c.server, "http://127.0.0.1:%u", f->port);
    }
    if (!kube_client_new(&c, &out, &e)) {
        printf("Bail out! %s\n", e.msg);
        exit(1);
    }
    return out;
}

#endif
