/* The strings of a JSON text, below the scanner: checking one, and resolving its escapes. "raw" is
 * the text between the quotes as it stands; raw text given to the readers here has been checked. */
#ifndef TPGUARD_TOPOLOGY_JSON_TEXT_H
#define TPGUARD_TOPOLOGY_JSON_TEXT_H

#include <stdbool.h>

#include "topology/span.h"

/* Checks the string whose opening quote lies just before p. Returns where its closing quote is.
 * When the string is faulty *wrong says why (NULL otherwise) and the place of the fault is
 * returned. *plain: no escape in it. */
const char *json_text_check(const char *p, const char *end, bool *plain, const char **wrong);

/* Length (2..4) of the UTF-8 sequence at p, which is not ASCII; 0 when it is none. */
size_t json_text_utf8(const char *p, const char *end);

/* Same string after resolving escapes ("a" and "\u0061" are). */
bool json_text_same(struct span raw_a, struct span raw_b);

/* Resolves escapes into out (cap bytes); *n is the length. False when it does not fit. */
NODISCARD bool json_text_resolve(struct span raw, char *out, size_t cap, size_t *n);

#endif
