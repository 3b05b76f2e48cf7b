/* Whole files, bounded. */
#ifndef TPGUARD_SYS_FILE_H
#define TPGUARD_SYS_FILE_H

#include <stddef.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"

/* Reads all of path ("-" is standard input), at most max bytes, appended to out (made by
 * buf_new(max)). Errors name the path. ERR_TOO_LARGE beyond max. */
NODISCARD bool file_read(const char *path, size_t max, struct buf *out, struct err *e);

#endif
