#include "webhook/core/cgroup.h"

#define STATIC_UID 32 /* a hash over the pod's file */

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* "8-4-4-4-12", systemd's units having "_" there; or a static pod's. */
static bool read_uid(struct span s, char sep, char out[static POD_UID_MAX]) {
    if (s.n != POD_UID_MAX - 1 && s.n != STATIC_UID) {
        return false;
    }
    bool plain = s.n == STATIC_UID;
    for (size_t i = 0; i < s.n; i++) {
        bool edge = !plain && (i == 8 || i == 13 || i == 18 || i == 23);
        if (edge ? s.p[i] != sep : !is_hex(s.p[i])) {
            return false;
        }
        out[i] = edge ? '-' : s.p[i];
    }
    out[s.n] = '\0';
    return true;
}

/* "pod<UID>", "kubepods-burstable-pod<UID_>.slice", and the latter in front of ":cri-containerd:ID"
 * where the runtime takes the slice's name for a folder's. */
static bool read_part(struct span part, char out[static POD_UID_MAX]) {
    static const char unit[] = ".slice";
    part = span_cut(&part, ':');
    bool slice = span_ends(part, unit);
    if (slice) {
        part.n -= sizeof unit - 1;
        while (span_find(part, '-') < part.n) {
            (void)span_cut(&part, '-');
        }
    }
    return span_starts(part, "pod") && read_uid(span_from(part, 3), slice ? '_' : '-', out);
}

/* The outermost one: what lies below it was made by the pod. */
static bool read_path(struct span path, char out[static POD_UID_MAX]) {
    while (path.n) {
        if (read_part(span_cut(&path, '/'), out)) {
            return true;
        }
    }
    return false;
}

bool cgroup_pod_uid(struct span text, char out[static POD_UID_MAX]) {
    char found[POD_UID_MAX] = "";
    while (text.n) {
        char uid[POD_UID_MAX];
        struct span line = span_line(&text);
        (void)span_cut(&line, ':'); /* number of the hierarchy, its controllers, the path */
        (void)span_cut(&line, ':');
        if (!read_path(line, uid)) {
            continue;
        }
        if (found[0] && strcmp(found, uid) != 0) {
            return false;
        }
        memcpy(found, uid, sizeof found);
    }
    if (found[0]) {
        memcpy(out, found, sizeof found);
    }
    return found[0] != '\0';
}
