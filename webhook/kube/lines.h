/* A stream that comes in pieces cut anywhere -> whole lines. */
#ifndef TPGUARD_KUBE_LINES_H
#define TPGUARD_KUBE_LINES_H

#include <stdbool.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/span.h"

struct lines {
    struct buf held; /* the beginning of a line whose end has not come */
    size_t max;      /* bytes of a line, its end not counted */
    void *ctx;
    bool (*line)(void *ctx, struct span line); /* false: no more */
};

enum lines_state {
    LINES_MORE = 0,  /* go on */
    LINES_STOPPED,   /* line said so */
    LINES_TOO_LARGE, /* a line of more than max bytes, or no memory for it */
};

struct lines lines_new(size_t max, bool (*line)(void *ctx, struct span line), void *ctx);
void lines_done(struct lines *l);

/* Lines end with "\n" or "\r\n"; empty ones are passed over. After anything but LINES_MORE nothing
 * may be fed. */
enum lines_state lines_feed(struct lines *l, struct span piece);
/* The stream is over: what is held is the last line. */
enum lines_state lines_end(struct lines *l);

#endif
