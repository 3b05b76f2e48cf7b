/* libcurl's handles, each with a kept-alive connection of its own, lent to one call at a time. */
#ifndef TPGUARD_KUBE_HANDLES_H
#define TPGUARD_KUBE_HANDLES_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "webhook/kube/client.h"

struct handles;
NODISCARD bool handles_new(struct handles **out, struct err *e);
void handles_free(struct handles *h); /* none may be lent; NULL is fine */

/* The one used last comes first, as its connection is the warmest. Waits until deadline_us
 * (clock_mono_us) while all are lent: ERR_IO then. Options are those of a new handle. */
NODISCARD bool handles_take(struct handles *h, int64_t deadline_us, CURL **out, struct err *e);
void handles_give(struct handles *h, CURL *curl);

#endif
