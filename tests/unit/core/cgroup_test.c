/* /proc/PID/cgroup -> the pod. */
#include "tests/tap.h"
#include "webhook/core/cgroup.h"

#define UID  "5bded05d-033f-4ace-a2b6-d90edde8404a"
#define UID_ "5bded05d_033f_4ace_a2b6_d90edde8404a"
#define ID   "0f5c3a90d1c0e8e0b5a9a0f2b4f8e7a1c2d3e4f5061728394a5b6c7d8e9f0011"
#define MD5  "8f3a1c0d9b7e6f5a4c3b2a1908f7e6d5"

struct row {
    const char *what;
    const char *text;
    const char *uid; /* NULL: none */
};

static const struct row rows[] = {
    {"v2, systemd",
     "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
     ".slice/cri-containerd-" ID ".scope\n",
     UID},
    {"v2, systemd, guaranteed", "0::/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope",
     UID},
    {"v2, cgroupfs", "0::/kubepods/besteffort/pod" UID "/" ID "\n", UID},
    {"v1, cgroupfs: all lines agree",
     "12:pids:/kubepods/burstable/pod" UID "/" ID "\n11:cpu,cpuacct:/kubepods/burstable/pod" UID
     "/" ID "\n1:name=systemd:/kubepods/burstable/pod" UID "/" ID
     "\n0::/system.slice/containerd.service\n",
     UID},
    {"v1, systemd",
     "4:memory:/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
     ".slice/docker-" ID ".scope\n",
     UID},
    {"a parent of its own (kind)",
     "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
     "kubelet-kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID ".scope\n",
     UID},
    {"the slice's name taken for a folder's",
     "0::/kubepods-besteffort-pod" UID_ ".slice:cri-containerd:" ID "\n", UID},
    {"seen out of another cgroup namespace, systemd",
     "0::/../../kubepods-besteffort-pod" UID_ ".slice/cri-containerd-" ID ".scope\n", UID},
    {"seen out of another cgroup namespace, cgroupfs", "0::/../../pod" UID "/" ID "\n", UID},
    {"a static pod", "0::/kubepods/burstable/pod" MD5 "/" ID "\n", MD5},
    {"a static pod, systemd", "0::/kubepods.slice/kubepods-burstable-pod" MD5 ".slice/x.scope\n",
     MD5},
    {"a pod inside the pod: the outer one",
     "0::/kubepods/pod" UID "/" ID "/kubepods/pod11111111-2222-3333-4444-555555555555/x\n", UID},
    {"windows line ends", "0::/kubepods/pod" UID "\r\n", UID},

    {"nothing", "", NULL},
    {"a host's service", "0::/system.slice/containerd.service\n", NULL},
    {"the root", "0::/\n", NULL},
    {"the pod's own namespace", "0::/\n1:name=systemd:/\n", NULL},
    {"two lines that disagree",
     "2:cpu:/kubepods/pod" UID "/x\n1:memory:/kubepods/pod11111111-2222-3333-4444-555555555555/x\n",
     NULL},
    {"a UID that is too short", "0::/kubepods/pod5bded05d-033f-4ace-a2b6-d90edde8404/x\n", NULL},
    {"a UID with other letters", "0::/kubepods/podgbded05d-033f-4ace-a2b6-d90edde8404a/x\n", NULL},
    {"dashes in a slice", "0::/kubepods-pod" UID ".slice/x\n", NULL},
    {"underscores in a folder", "0::/kubepods/pod" UID_ "/x\n", NULL},
    {"podman's pods", "0::/machine.slice/machine-libpod_pod_" ID ".slice/libpod-" ID ".scope\n",
     NULL},
    {"no path", "0:/kubepods/pod" UID "\n", NULL},
    {"a name alone", "pod" UID, NULL},
};

int main(void) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char got[POD_UID_MAX] = "untouched";
        bool found = cgroup_pod_uid(span_of(rows[i].text), got);
        is_str(found                           ? got
               : strcmp(got, "untouched") == 0 ? NULL
                                               : "touched",
               rows[i].uid, rows[i].what);
    }
    return tap_done();
}
