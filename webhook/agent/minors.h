/* N of /dev/nvidiaN of each GPU: drivers of GKE and DRA name devices by it, and it is not the NVML
 * index. From what the kernel module shows, /proc/driver/nvidia/gpus/0000:17:00.0/information. */
#ifndef TPGUARD_AGENT_MINORS_H
#define TPGUARD_AGENT_MINORS_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/span.h"
#include "topology/topo.h"

#define MINORS_FOLDER "/proc/driver/nvidia/gpus"

/* The line "Device Minor: 3". */
NODISCARD bool minor_parse(struct span text, int16_t *out);
/* -1 where it cannot be told. */
void minors_read(const char *folder, const struct topo *t, int16_t out[static GPU_MAX]);

#endif
