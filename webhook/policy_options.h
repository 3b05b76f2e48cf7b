/* The policy as command-line options, shared by serve and explain: one table, so that both offer
 * the same words. */
#ifndef TPGUARD_WEBHOOK_POLICY_OPTIONS_H
#define TPGUARD_WEBHOOK_POLICY_OPTIONS_H

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/core/policy.h"

/* Is `name` ("mode", "rewrite", ... without dashes) an option of the policy, and does it take a
 * value? */
bool policy_option_known(struct span name, bool *takes_value);

/* Sets it. value is borrowed by the policy (scheduler-name). ERR_INPUT names the option and the
 * words it takes. */
NODISCARD bool policy_option_set(struct policy *p, struct span name, struct span value,
                                 struct err *e);

/* Name of option i, NULL past the last one. */
const char *policy_option_name(unsigned i, bool *takes_value);

/* Help lines of all of them. */
void policy_options_help(struct buf *out);

#endif
