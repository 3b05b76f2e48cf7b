/* The device manager's checkpoint of the kubelet, for nodes where the PodResources socket cannot be
 * reached. An internal file without a version: kubelets 1.20 and later key DeviceIDs by NUMA node,
 * older ones have a list. It names pods by UID, and pods that are no more stay in it for a while.
 *
 * {"Data":{"PodDeviceEntries":[{"PodUID":"..","ContainerName":"..","ResourceName":"nvidia.com/gpu",
 *   "DeviceIDs":{"-1":["GPU-.."]},"AllocResp":".."}],"RegisteredDevices":{..}},"Checksum":123} */
#ifndef TPGUARD_CODEC_CHECKPOINT_H
#define TPGUARD_CODEC_CHECKPOINT_H

#include "topology/arena.h"
#include "topology/attr.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/core/holders.h"

#define CHECKPOINT_PATH        "/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint"
#define CHECKPOINT_MAX         ((size_t)8 * 1024 * 1024) /* bytes */
#define CHECKPOINT_ENTRIES_MAX 16384
#define CHECKPOINT_IDS_MAX     65536 /* over all entries */

/* uid, container, resource and ids of each entry; ns and name stay empty. Everything lies in the
 * arena (up to some ten times the text). Its checksum is not checked: it is a hash over Go's own
 * data structures. */
NODISCARD bool checkpoint_decode(struct span text, struct arena *a, struct held_list *out,
                                 struct err *e);

#endif
