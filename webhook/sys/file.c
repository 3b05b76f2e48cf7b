#include "webhook/sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CHUNK ((size_t)16 * 1024)

static const char *name_of(const char *path) {
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static bool fail(struct err *e, const char *path, int error) {
    return err_set(e, ERR_IO, "%.200s: %s", name_of(path), strerrordesc_np(error));
}

/* One byte beyond the maximum is asked for: only then "too large" is certain. */
static bool read_all(int fd, const char *path, size_t max, struct buf *out, struct err *e) {
    char chunk[CHUNK];
    size_t total = 0;
    for (;;) {
        size_t want = max - total < sizeof chunk ? max - total + 1 : sizeof chunk;
        ssize_t got = read(fd, chunk, want);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail(e, path, errno);
        }
        if (got == 0) {
            return true;
        }
        if ((size_t)got > max - total) {
            return err_set(e, ERR_TOO_LARGE, "%.200s: wants at most %zu bytes, found more",
                           name_of(path), max);
        }
        buf_put(out, chunk, (size_t)got);
        total += (size_t)got;
        if (!buf_ok(out)) {
            return err_set(e, ERR_INTERNAL, "%.200s: no memory for %zu bytes", name_of(path),
                           total);
        }
    }
}

bool file_read(const char *path, size_t max, struct buf *out, struct err *e) {
    if (strcmp(path, "-") == 0) {
        return read_all(STDIN_FILENO, path, max, out, e);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail(e, path, errno);
    }
    bool done = read_all(fd, path, max, out, e);
    (void)close(fd);
    return done;
}
