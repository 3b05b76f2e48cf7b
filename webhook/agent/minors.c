#include "webhook/agent/minors.h"

#include "webhook/sys/file.h"

#define TEXT_MAX  4096
#define MINOR_MAX 255
#define LINE      "Device Minor:"

bool minor_parse(struct span text, int16_t *out) {
    while (text.n) {
        struct span line = span_line(&text);
        uint32_t n = 0;
        if (span_starts(line, LINE)) {
            bool good = span_u32(span_trim(span_from(line, sizeof LINE - 1)), MINOR_MAX, &n);
            *out = good ? (int16_t)n : *out;
            return good;
        }
    }
    return false;
}

/* "00000000:CA:00.0" as NVML has it -> "0000:ca:00.0" as the kernel has it: %04x, so that a domain
 * beyond 16 bits has more digits. */
static bool folder_name(const char *pci, struct buf *out) {
    struct span s = span_of(pci);
    size_t colon = span_find(s, ':');
    if (colon < 4 || colon >= s.n) {
        return false;
    }
    size_t from = 0;
    while (from < colon - 4 && s.p[from] == '0') {
        from++;
    }
    for (size_t i = from; i < s.n; i++) {
        char c = span_lower(s.p[i]);
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (!digit && c != ':' && c != '.') {
            return false;
        }
        buf_char(out, c);
    }
    return true;
}

static bool read_one(const char *folder, const char *pci, int16_t *out) {
    char path[512];
    struct buf b = BUF_OVER(path);
    struct err ignored = {0};
    buf_fmt(&b, "%s/", folder);
    if (!folder_name(pci, &b)) {
        return false;
    }
    buf_str(&b, "/information");
    struct buf text = buf_new(TEXT_MAX);
    bool done = buf_ok(&b) && file_read(path, TEXT_MAX, &text, &ignored) &&
                minor_parse(buf_view(&text), out);
    buf_done(&text);
    return done;
}

void minors_read(const char *folder, const struct topo *t, int16_t out[static GPU_MAX]) {
    for (unsigned i = 0; i < GPU_MAX; i++) {
        int16_t n = -1;
        bool known = i < t->n && read_one(folder, t->gpu[i].pci, &n);
        out[i] = known ? n : -1;
    }
}
