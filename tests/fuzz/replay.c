/* Feeds files and folders to a fuzz target in a normal build: every seed and every past crash is a
 * test. One TAP line a folder. Arguments: files or folders; none: the target's own corpus beside
 * the source. */
#include <dirent.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tests/tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX ((size_t)4 * 1024 * 1024)

static bool replay_file(const char *path) {
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_MAX);
    if (!f || !data) {
        free(data);
        if (f) {
            (void)fclose(f);
        }
        return false;
    }
    size_t n = fread(data, 1, INPUT_MAX, f);
    (void)fclose(f);
    /* An exact copy, so that a sanitizer sees the first byte past the end. */
    uint8_t *exact = malloc(n ? n : 1);
    if (exact) {
        memcpy(exact, data, n);
        (void)LLVMFuzzerTestOneInput(exact, n);
    }
    free(exact);
    free(data);
    return true;
}

static unsigned replay_folder(const char *path) {
    unsigned count = 0;
    DIR *d = opendir(path);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        char file[4096];
        struct stat st;
        int len = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (len > 0 && (size_t)len < sizeof file && stat(file, &st) == 0 && S_ISREG(st.st_mode)) {
            count += replay_file(file);
        }
    }
    if (d) {
        (void)closedir(d);
    }
    return count;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        /* build/V/tests/fuzz/NAME_replay -> tests/fuzz/corpus/NAME */
        const char *base = strrchr(argv[0], '/');
        char folder[512];
        int len =
            snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", base ? base + 1 : argv[0]);
        char *tail = len > 0 && (size_t)len < sizeof folder ? strstr(folder, "_replay") : NULL;
        if (tail) {
            *tail = '\0';
            (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
            unsigned count = replay_folder(folder);
            ok(count > 0, "%u inputs of %s are survived", count, folder);
        } else {
            ok(false, "the program's name says which corpus");
        }
        return tap_done();
    }
    for (int i = 1; i < argc; i++) {
        struct stat st;
        bool folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
        ok(folder ? replay_folder(argv[i]) > 0 : replay_file(argv[i]), "%s is survived", argv[i]);
    }
    return tap_done();
}
