/*
 * The one program of the test images, linked statically, with nothing around it.
 *   pod               waits for SIGTERM or SIGINT and reaps children: a pod's sandbox
 *   pod serve PORT    prints a line, answers each connection with its host name and environment
 *   pod exit CODE     prints a line and ends with that code
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void end(int sig) {
    (void)sig;
    _exit(0);
}

static void reap(int sig) {
    (void)sig;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

static int number(const char *text, int max) {
    int n = 0;
    for (; *text >= '0' && *text <= '9' && n <= max; text++)
        n = n * 10 + (*text - '0');
    return *text || n > max ? -1 : n;
}

static void answer(int fd) {
    char in[2048], out[16384], host[256] = "";
    if (read(fd, in, sizeof in) <= 0)
        return;
    gethostname(host, sizeof host - 1);
    size_t n = (size_t)snprintf(out, sizeof out,
                                "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhost %s\n", host);
    for (char **e = environ; *e; e++) {
        size_t len = strlen(*e);
        if (n + len + 1 > sizeof out)
            break;
        memcpy(out + n, *e, len);
        out[n + len] = '\n';
        n += len + 1;
    }
    for (size_t done = 0; done < n;) {
        ssize_t w = write(fd, out + done, n - done);
        if (w <= 0)
            return;
        done += (size_t)w;
    }
}

static int serve(int port) {
    int one = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof a) || listen(s, 16)) {
        perror("pod: listen");
        return 1;
    }
    printf("serving on port %d\n", port);
    fflush(stdout);
    for (;;) {
        int fd = accept(s, NULL, NULL);
        if (fd < 0)
            continue;
        answer(fd);
        shutdown(fd, SHUT_WR);
        close(fd);
    }
}

int main(int argc, char **argv) {
    struct sigaction on_end = {.sa_handler = end},
                     on_child = {.sa_handler = reap, .sa_flags = SA_RESTART};
    /* The first process of a namespace gets no signal it has no handler for. */
    sigaction(SIGTERM, &on_end, NULL);
    sigaction(SIGINT, &on_end, NULL);
    sigaction(SIGCHLD, &on_child, NULL);
    int n = argc == 3 ? number(argv[2], 65535) : -1;
    if (n > 0 && !strcmp(argv[1], "serve"))
        return serve(n);
    if (n >= 0 && !strcmp(argv[1], "exit")) {
        printf("ending with %d\n", n);
        return n;
    }
    for (;;)
        pause();
}
