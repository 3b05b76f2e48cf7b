/* The text of demo_cluster.yaml inside the program. The object file depends on that file too. */
#include "webhook/cmd.h"

/* .incbin instead of a generated array: one source of the text, no build step, gcc and clang alike.
 * The path is relative to the repository's root, where make runs. */
extern const char demo_cluster_text[];
extern const unsigned long demo_cluster_length;
__asm__(".section .rodata\n"
        ".globl demo_cluster_text\n"
        "demo_cluster_text:\n"
        ".incbin \"webhook/demo_cluster.yaml\"\n"
        "demo_cluster_text_end:\n"
        ".balign 8\n"
        ".globl demo_cluster_length\n"
        "demo_cluster_length:\n"
        ".quad demo_cluster_text_end - demo_cluster_text\n"
        ".previous\n");

struct span demo_cluster(void) {
    return (struct span){demo_cluster_text, demo_cluster_length};
}
