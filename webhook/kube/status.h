/* What the API server says when it refuses: a Status object (meta/v1), or plain text. */
#ifndef TPGUARD_KUBE_STATUS_H
#define TPGUARD_KUBE_STATUS_H

#include <stddef.h>

#include "topology/span.h"

/* Longer bodies are no Status. */
#define STATUS_BODY_MAX ((size_t)64 * 1024)

/* reason and message of a Status, each a C string cut to its cap; message is one line of printable
 * text. Of a body that is no JSON and no HTML the first line is the message. "" where there is
 * nothing. *code gets Status.code, 0 none; NULL fine. */
struct status_text {
    char *reason;
    size_t reason_cap;
    char *message;
    size_t message_cap;
    unsigned *code;
};
void status_decode(struct span body, const struct status_text *out);

/* "Forbidden" for 403, ...; "" for what has no name here. */
const char *status_word(unsigned http);

#endif
