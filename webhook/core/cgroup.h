/* Which pod a process belongs to, by the text of /proc/PID/cgroup: cgroup v1 and v2, made by the
 * kubelet itself (cgroupfs) or through systemd, under any parent, seen from the host or out of
 * another cgroup namespace ("/../../pod..."). Pure. */
#ifndef TPGUARD_CORE_CGROUP_H
#define TPGUARD_CORE_CGROUP_H

#include <stdbool.h>

#include "topology/attr.h"
#include "topology/span.h"

#define POD_UID_MAX 37 /* "8-4-4-4-12" digits and a NUL */

/* The pod's UID as the API server writes it (static pods: 32 digits, as the kubelet does). false:
 * the process is in no pod, or the text does not say in which (two names in it: in none). */
NODISCARD bool cgroup_pod_uid(struct span text, char out[static POD_UID_MAX]);

#endif
