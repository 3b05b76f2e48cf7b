#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "topology/read_inner.h"

#define KILL_WAIT_MS 200

static int set_files(posix_spawn_file_actions_t *files, int output, int socket) {
    int rc = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    rc = rc ? rc
         : output >= 0
             ? posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO)
             : posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!rc && output >= 0) {
        rc = posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    if (!rc && socket >= 0) {
        rc = posix_spawn_file_actions_adddup2(files, socket, READ_SOCKET);
    }
    return rc;
}

/* The caller may block signals (a thread that waits for them) or ignore some: not so the child. */
static int set_signals(posix_spawnattr_t *attr) {
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int rc = posix_spawnattr_setsigmask(attr, &none);
    rc = rc ? rc : posix_spawnattr_setsigdefault(attr, &all);
    rc = rc ? rc : posix_spawnattr_setpgroup(attr, 0);
    return rc ? rc
              : posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                   POSIX_SPAWN_SETPGROUP);
}

bool process_start(char *const argv[], int output, int socket, pid_t *pid, struct err *e) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    if (posix_spawn_file_actions_init(&files) != 0) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    if (posix_spawnattr_init(&attr) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    int rc = set_files(&files, output, socket);
    rc = rc ? rc : set_signals(&attr);
    rc = rc ? rc : posix_spawnp(pid, argv[0], &files, &attr, argv, environ);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&files);
    return rc == 0 || err_set(e, ERR_IO, "cannot run %.200s: %s", argv[0], strerrordesc_np(rc));
}

bool process_end(pid_t pid, int ms, int *status) {
    int64_t deadline = read_clock_ms() + ms;
    for (;;) {
        pid_t got = waitpid(pid, status, WNOHANG);
        if (got == pid) {
            return true;
        }
        if ((got < 0 && errno != EINTR) || read_left_ms(deadline) == 0) {
            return false;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

bool process_kill(pid_t pid, int *status) {
    (void)kill(-pid, SIGKILL);
    return process_end(pid, KILL_WAIT_MS, status);
}
