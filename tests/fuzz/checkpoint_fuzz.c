/* The kubelet's checkpoint, and the same bytes as /proc/PID/cgroup. */
#include "tests/fuzz/books.h"
#include "webhook/codec/checkpoint.h"
#include "webhook/core/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = {(const char *)data, size};
    struct arena a = arena_new(BOOKS_CAP);
    struct held_list books = {0};
    struct err e = {0};
    char uid[POD_UID_MAX];
    if (cgroup_pod_uid(text, uid)) {
        assert(strlen(uid) == 32 || strlen(uid) == 36);
    }
    if (checkpoint_decode(text, &a, &books, &e)) {
        for (uint32_t i = 0; i < books.n; i++) {
            assert(books.pod[i].uid.n);
        }
        books_check(&books);
    } else {
        assert(e.msg[0] && books.n == 0);
    }
    arena_done(&a);
    return 0;
}
