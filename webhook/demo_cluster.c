/* The text of demo_cluster.yaml inside the program. The object file depends on that file too. */
#include "webhook/cmd.h"

/* .incbin instead of a generated array: one source of the text, no build step, gcc and clang alike.
 * The path is relative to the repository's root, where make runs. */
__asm__(".section .rodata\n"
        ".globl demo_cluster_start\n"
        ".type demo_cluster_start, @object\n"
        "demo_cluster_start:\n"
        ".incbin \"webhook/demo_cluster.yaml\"\n"
        ".globl demo_cluster_end\n"
        ".type demo_cluster_end, @object\n"
        "demo_cluster_end:\n"
        ".byte 0\n"
        ".size demo_cluster_start, demo_cluster_end - demo_cluster_start\n"
        ".size demo_cluster_end, 1\n"
        ".previous\n");
