/* The argument vector of one command, as the kernel would see it: words of a container's command
 * and args after Kubernetes' $(VAR) expansion, or of one command of a shell script. Fixed size;
 * what does not fit sets `overflow` and makes the reading unknown, never wrong.
 *
 * A piece that cannot be known here stands in a word as a marker byte (no argument can hold these
 * bytes and mean something else: control characters in a flag's number are refused anyway). */
#ifndef TPGUARD_CORE_ARGV_H
#define TPGUARD_CORE_ARGV_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/span.h"

#define ARGV_WORDS_MAX 512
#define ARGV_TEXT_MAX  24576
/* Where a word is cut at last when all of them do not fit; the rest is a MARK_UNKNOWN. */
#define ARGV_WORD_CUT 512

#define MARK_UNKNOWN                                                                               \
    '\x01' /* valueFrom, envFrom, command substitution: known inside the container only */
#define MARK_UNDEFINED '\x03' /* a shell variable that nobody sets */
#define MARK_SPLIT     '\x02' /* between the elements of a shell array; never in a word */

struct argv {
    unsigned n;
    bool overflow;
    bool open; /* the last word is being built */
    uint16_t n_text;
    uint16_t word_max;              /* a longer word is cut */
    uint16_t start[ARGV_WORDS_MAX]; /* offset of each word in text */
    uint16_t len[ARGV_WORDS_MAX];
    uint16_t at[ARGV_WORDS_MAX]; /* which element of command (0..) or args (ARGV_ARGS + 0..) it came
                                    from */
    char text[ARGV_TEXT_MAX];
};
#define ARGV_ARGS 0x8000U

void argv_reset(struct argv *v, unsigned word_max); /* word_max: at most ARGV_TEXT_MAX */
void argv_copy(struct argv *to,
               const struct argv *from);      /* the words in use, not the room behind */
void argv_put(struct argv *v, struct span s); /* appends to the open word, opening one */
void argv_char(struct argv *v, char c);
void argv_open(struct argv *v);                          /* an empty word is a word too */
void argv_end(struct argv *v, unsigned at);              /* closes the open word, if any */
struct span argv_word(const struct argv *v, unsigned i); /* empty beyond the end */

/* "containers[0].args[3]" of word i. */
struct buf;
struct container;
void argv_where(const struct argv *v, unsigned i, const struct container *c, struct buf *out);
void container_path(const struct container *c,
                    struct buf *out); /* "containers[0]", "initContainers[1]" */

bool span_marked(struct span s); /* holds a marker */

#endif
