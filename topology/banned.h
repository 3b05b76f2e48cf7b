/* Force-included into every file of ours: calls that have no bound, no error or hidden state do not
 * compile. The replacements: span_u64 for numbers, struct buf for text, posix_spawn for programs.
 */
#ifndef TPGUARD_TOPOLOGY_BANNED_H
#define TPGUARD_TOPOLOGY_BANNED_H

/* System headers that declare or inline these must come first: after the poison even a declaration
 * is an error. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With fortify on, glibc defines some of these as macros for clang. */
#undef strcpy
#undef strcat
#undef strncat
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncat sprintf vsprintf strtok strtok_r gets atoi atol atoll     \
    strtol strtoul strtoll
#pragma GCC poison strtoull sscanf gmtime localtime asctime ctime srand system popen

#endif
