/* Where a look comes from in earnest: the driver, the kubelet's socket or its checkpoint file,
 * /proc, and for pods that the checkpoint knows by UID alone the API server. One thread. */
#ifndef TPGUARD_AGENT_SOURCES_H
#define TPGUARD_AGENT_SOURCES_H

#include "webhook/agent/agent.h"
#include "webhook/agent/look.h"

struct sources;

/* client NULL: pods are not listed. o must outlive it. NULL without memory. */
struct sources *sources_new(const struct agent_options *o, struct kube_client *client);
void sources_free(struct sources *s); /* NULL is fine */
struct look_ends sources_ends(struct sources *s);
struct reader *sources_reader(struct sources *s); /* for reader_wait */

#endif
