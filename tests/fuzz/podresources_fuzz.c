/* An answer of the kubelet's PodResources, as it comes: in its frame; and its message alone. */
#include "tests/fuzz/books.h"
#include "webhook/kube/podresources_inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_message(struct span message) {
    struct arena a = arena_new(BOOKS_CAP);
    struct held_list books = {0};
    struct err e = {0};
    if (podresources_decode_list(message, &a, &books, &e)) {
        books_check(&books);
    } else {
        assert(e.msg[0] && books.n == 0);
    }
    if (podresources_decode_allocatable(message, &a, &books, &e)) {
        books_check(&books);
    }
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span body = {(const char *)data, size};
    struct span message = {0};
    char text[64];
    podresources_message(body, text, sizeof text);
    assert(strlen(text) < sizeof text);
    if (podresources_frame(body, &message, NULL)) {
        read_message(message);
    }
    read_message(body);
    return 0;
}
