/* `nvidia-smi nvlink --status`: one part a GPU, one line a link, or a sentence in their place.
 *
 *     GPU 0: NVIDIA H100 NVL (UUID: GPU-...)
 *              Link 0: 26.562 GB/s
 *              Link 4: <inactive>
 *     GPU 1: NVIDIA H100 NVL (UUID: GPU-...)
 *     NVML: Unable to retrieve NVLink information as all links are inActive
 *
 * What the other switches of `nvidia-smi nvlink` print (-e, -R, -c) is passed over. */
#include <stdio.h>

#include "topology/product.h"
#include "topology/smi.h"
#include "topology/smi_text.h"

struct part {
    unsigned index;
    unsigned line;
    char uuid[GPU_UUID_MAX];
    char product[GPU_PRODUCT_MAX];
    uint64_t listed; /* bit i: link i has a line */
    uint64_t on;     /* bit i: and a speed */
    uint32_t mbps;   /* the slowest of them */
    bool asked;      /* something is said about its links */
    bool inactive;   /* in one sentence for all of them */
    bool none;       /* the GPU has no NVLink */
    bool damaged;    /* a link cannot be told: an error line, a broken or doubled one */
    bool elided;     /* somebody left lines out and marked it */
};

struct parts {
    unsigned n;
    struct part part[GPU_MAX];
    struct part *now; /* the one that lines go to; NULL before the first */
    bool none;        /* "No NVLink devices found." */
    bool cut;
    bool orphans; /* link lines above the first GPU line */
};

/* "26.562" -> 26562, digits beyond the third left out; the rest of the text goes to *unit. */
static bool read_speed(struct span s, uint32_t *mbps, struct span *unit) {
    size_t dot = 0;
    while (dot < s.n && s.p[dot] >= '0' && s.p[dot] <= '9') {
        dot++;
    }
    uint32_t whole = 0;
    if (!span_u32(span_upto(s, dot), 100000, &whole)) {
        return false;
    }
    uint32_t milli = whole * 1000;
    size_t end = dot;
    if (dot < s.n && s.p[dot] == '.') {
        uint32_t weight = 100;
        for (end = dot + 1; end < s.n && s.p[end] >= '0' && s.p[end] <= '9'; end++) {
            milli += (uint32_t)(s.p[end] - '0') * weight;
            weight /= 10;
        }
    }
    *mbps = milli;
    *unit = span_trim(span_from(s, end));
    return true;
}

static void note_link(struct part *p, unsigned link, bool on, uint32_t mbps) {
    uint64_t bit = (uint64_t)1 << link;
    p->damaged = p->damaged || (p->listed & bit);
    p->listed |= bit;
    if (on) {
        p->on |= bit;
        p->mbps = p->mbps == 0 || mbps < p->mbps ? mbps : p->mbps;
    }
}

/* What stands behind "Link 4:". Lines of -e and -R ("Replay Errors: 0", "Remote Device ...", "Not
 * Supported") say nothing about the state; a number without its unit is a line that was cut. */
static void read_value(struct span value, struct part *p, unsigned link) {
    uint32_t mbps = 0;
    struct span unit = {0};
    if (smi_has(value, "inactive")) {
        p->asked = true;
        note_link(p, link, false, 0);
        return;
    }
    bool number = read_speed(value, &mbps, &unit);
    if (number && span_ieq(span_upto(unit, 4), SPAN("GB/s"))) {
        p->asked = true;
        note_link(p, link, mbps > 0, mbps);
        return;
    }
    if (number || !value.n || value.p[0] == '<' || span_is(value, "N/A")) {
        p->asked = true;
        p->damaged = true;
    }
}

static bool read_link(struct span rest, struct parts *all, unsigned line, struct err *e) {
    struct span number = smi_word(&rest);
    bool colon = span_ends(number, ":");
    uint32_t link = 0;
    if (!span_u32(span_upto(number, number.n - colon), UINT32_MAX, &link)) {
        /* "Link 0, P2P is supported" is an answer to -c; a line that stops here was cut. */
        if (all->now && !number.n) {
            all->now->damaged = all->now->asked = true;
        }
        return true;
    }
    if (!all->now) {
        all->orphans = true;
        return true;
    }
    if (link >= LANES_MAX) {
        return smi_fail(e, ERR_INPUT, line, "GPU %u: wants link numbers 0 to %d, found %u",
                        all->now->index, LANES_MAX - 1, link);
    }
    if (!colon) {
        all->now->damaged = all->now->asked = true;
        return true;
    }
    read_value(span_trim(rest), all->now, link);
    return true;
}

/* "NVIDIA H100 NVL (UUID: GPU-...)". People take the UUID out, or put dots in its place. */
static void read_names(struct span text, struct part *p) {
    size_t at = span_search(text, "(UUID:");
    struct span name = span_trim(span_upto(text, at));
    struct span uuid = span_from(text, at + 6);
    size_t close = span_find(uuid, ')');
    if (!p->product[0] && !span_has(name, "...")) {
        (void)smi_copy(p->product, sizeof p->product, name);
    }
    uuid = span_trim(span_upto(uuid, close));
    if (close < text.n && !p->uuid[0] && span_starts(uuid, "GPU-") && !span_has(uuid, "...")) {
        (void)smi_copy(p->uuid, sizeof p->uuid, uuid);
    }
}

static bool begin_part(struct parts *all, unsigned index, struct span names, unsigned line,
                       struct err *e) {
    if (index > GPU_INDEX_MAX) {
        return smi_fail(e, ERR_TOO_LARGE, line, "wants GPU numbers up to %d, found %u",
                        GPU_INDEX_MAX, index);
    }
    all->now = NULL;
    for (unsigned i = 0; i < all->n; i++) {
        if (all->part[i].index == index) {
            all->now = &all->part[i];
        }
    }
    if (!all->now && all->n == GPU_MAX) {
        return smi_fail(e, ERR_TOO_LARGE, line, "wants at most %d GPUs, found more", GPU_MAX);
    }
    if (!all->now) {
        all->now = &all->part[all->n++];
        *all->now = (struct part){.index = index};
    }
    all->now->line = line;
    read_names(names, all->now);
    return true;
}

static bool is_elision(struct span s) {
    static const char *const marks[] = {"...",  "[...",         "(...",
                                        "<...", "\xe2\x80\xa6", "[\xe2\x80\xa6"};
    for (size_t k = 0; k < sizeof marks / sizeof marks[0]; k++) {
        if (span_starts(s, marks[k])) {
            return true;
        }
    }
    return smi_has(s, "snip") || smi_has(s, "omitted") || smi_has(s, "truncated");
}

/* "... for link 12 - inActive" is a state; "... for link 12: Unknown Error" is none. */
static void read_link_message(struct span line, struct part *p) {
    size_t at = 0;
    size_t found = line.n;
    for (; at < line.n; at++) {
        if (span_ieq(span_upto(span_from(line, at), 5), SPAN("link "))) {
            found = at + 5;
        }
    }
    struct span tail = span_from(line, found);
    size_t digits = 0;
    while (digits < tail.n && tail.p[digits] >= '0' && tail.p[digits] <= '9') {
        digits++;
    }
    uint32_t link = 0;
    bool known = span_u32(span_upto(tail, digits), LANES_MAX - 1, &link);
    if (known && smi_has(span_from(tail, digits), "inactive")) {
        note_link(p, link, false, 0);
    } else {
        p->damaged = true;
    }
}

/* The sentences that stand in place of link lines. */
static void read_message(struct span line, struct parts *all) {
    struct part *p = all->now;
    if (smi_has(line, "No NVLink devices found") ||
        (!p && smi_has(line, "does not have or support NVLink"))) {
        all->none = true;
        return;
    }
    if (!p) {
        return;
    }
    if (smi_has(line, "all links are inactive")) {
        p->asked = p->inactive = true;
    } else if (smi_has(line, "does not have or support NVLink")) {
        p->asked = p->none = true;
    } else if (smi_has(line, "speed for link ")) {
        p->asked = true;
        read_link_message(line, p);
    } else if (smi_has(line, "Invalid NvLink ID") || span_starts(line, "NVML:")) {
        p->asked = p->damaged = true;
    } else if (is_elision(line)) {
        p->elided = true;
    }
}

/* "GPU 3:" (or "GPU3:"); the names behind it go to *names. */
static bool is_gpu_line(struct span line, unsigned *index, struct span *names) {
    struct span rest = line;
    struct span word = smi_word(&rest);
    if (span_is(word, "GPU")) {
        word = smi_word(&rest);
    } else if (span_starts(word, "GPU")) {
        word = span_from(word, 3);
    } else {
        return false;
    }
    uint32_t v = 0;
    if (!span_ends(word, ":") || !span_u32(span_upto(word, word.n - 1), UINT32_MAX, &v)) {
        return false;
    }
    *index = v;
    *names = span_trim(rest);
    return true;
}

/* The last line may be cut anywhere: the start of a word is no word. */
static void read_stump(struct span line, struct parts *all) {
    if (!line.n || !all->now) {
        return;
    }
    if (line.n < 4 && span_eq(line, span_upto(SPAN("Link"), line.n))) {
        all->now->damaged = all->now->asked = true;
    }
    struct span rest = span_from(line, 3);
    uint32_t index = 0;
    unsigned ignored = 0;
    struct span names = {0};
    /* A name may be cut to another's: "A10" of "A100". */
    if (is_gpu_line(line, &ignored, &names) && !span_ends(line, ")")) {
        all->now->damaged = all->now->asked = true;
    }
    bool gpu = span_eq(line, span_upto(SPAN("GPU"), line.n)) ||
               (span_starts(line, "GPU ") && span_u32(span_trim(rest), UINT32_MAX, &index));
    all->cut = all->cut || gpu;
}

static bool read_line(struct span line, unsigned number, struct parts *all, struct err *e) {
    unsigned index = 0;
    struct span names = {0};
    if (is_gpu_line(line, &index, &names)) {
        return begin_part(all, index, names, number, e);
    }
    struct span rest = line;
    if (span_ieq(smi_word(&rest), SPAN("Link"))) {
        return read_link(rest, all, number, e);
    }
    read_message(line, all);
    return true;
}

static unsigned count_bits(uint64_t bits) {
    return (unsigned)__builtin_popcountll(bits);
}

/* Links are printed from 0 on without a gap. A known product has a known number of them; marks of
 * an author's cut matter only where that number is not reached. */
static bool part_is_cut(const struct part *p) {
    const struct product *product = product_find(span_of(p->product));
    unsigned listed = count_bits(p->listed);
    bool gap = p->listed & (p->listed + 1);
    bool known = product && product->links_listed;
    bool short_of = known && listed < product->links_listed;
    bool said = p->inactive || p->none;
    return p->damaged || gap || (said && listed) || (!said && !listed) || (listed && short_of) ||
           (p->elided && !said && !known);
}

/* Two GPUs of one product list equally many links: the shorter list was cut. */
static bool peer_lists_more(const struct parts *all, const struct part *p) {
    for (unsigned i = 0; i < all->n; i++) {
        const struct part *q = &all->part[i];
        if (p->listed && p->product[0] && strcmp(p->product, q->product) == 0 &&
            count_bits(q->listed) > count_bits(p->listed)) {
            return true;
        }
    }
    return false;
}

/* Drivers up to 580 print nothing for a GPU without NVLink. */
static bool part_has_none(const struct part *p) {
    const struct product *product = product_find(span_of(p->product));
    if (p->listed || p->damaged || p->inactive) {
        return false;
    }
    return p->none || (!p->asked && product && product->build == NVLINK_NONE);
}

static void fill_links(const struct parts *all, struct smi_links *out) {
    out->names_only = all->n > 0;
    for (unsigned i = 0; i < all->n; i++) {
        out->names_only = out->names_only && !all->part[i].asked;
    }
    for (unsigned i = 0; i < all->n; i++) {
        const struct part *p = &all->part[i];
        unsigned at = out->n++;
        for (; at > 0 && out->gpu[at - 1].index > p->index; at--) {
            out->gpu[at] = out->gpu[at - 1];
        }
        struct gpu_links links = {.on = (uint8_t)count_bits(p->on),
                                  .listed = (uint8_t)count_bits(p->listed),
                                  .mbps = p->mbps};
        bool none = part_has_none(p);
        bool cut = !none && (part_is_cut(p) || peer_lists_more(all, p));
        links.state = none          ? LINKS_NONE
                      : cut         ? LINKS_UNKNOWN
                      : p->inactive ? LINKS_ALL_INACTIVE
                                    : LINKS_LISTED;
        out->gpu[at].index = (uint16_t)p->index;
        out->gpu[at].links = links;
        out->gpu[at].incomplete = cut && !out->names_only;
        memcpy(out->gpu[at].uuid, p->uuid, sizeof p->uuid);
        memcpy(out->gpu[at].product, p->product, sizeof p->product);
    }
    out->none = all->none && !all->n;
    out->cut = all->cut;
}

static bool refuse_nothing(struct span text, const struct parts *all, struct err *e) {
    struct span failure = smi_failure(text);
    char said[96] = "it failed";
    if (!span_trim(text).n) {
        return err_set(e, ERR_UNKNOWN, "the text is empty: links unknown");
    }
    if (all->orphans) {
        return err_set(e, ERR_UNKNOWN,
                       "there are link lines, and no \"GPU 0: ...\" line above "
                       "them: links unknown");
    }
    if (failure.n || smi_has(text, "NVML:")) {
        (void)smi_copy(said, sizeof said, failure);
        return err_set(e, ERR_UNKNOWN, "nvidia-smi says \"%s\": links unknown", said);
    }
    return err_set(e, ERR_INPUT, "wants the text of `nvidia-smi nvlink --status`, found none");
}

bool smi_read_nvlink(struct span text, struct smi_links *out, struct err *e) {
    if (text.n > SMI_TEXT_MAX) {
        return err_set(e, ERR_TOO_LARGE, "wants at most %d bytes, found %zu", SMI_TEXT_MAX, text.n);
    }
    struct parts all = {0};
    struct smi_lines l = {.rest = text};
    while (smi_next_line(&l)) {
        if (!read_line(span_trim(l.line), l.number, &all, e)) {
            return false;
        }
    }
    if (text.n && text.p[text.n - 1] != '\n') {
        read_stump(span_trim(l.line), &all);
    }
    if (!all.n && !all.none) {
        return refuse_nothing(text, &all, e);
    }
    struct smi_links links = {0};
    fill_links(&all, &links);
    *out = links;
    return true;
}

bool smi_has_nvlink(struct span text) {
    struct smi_lines l = {.rest = text};
    while (smi_next_line(&l)) {
        unsigned index = 0;
        struct span names = {0};
        struct span line = span_trim(l.line);
        struct span rest = line;
        if (is_gpu_line(line, &index, &names) || span_is(smi_word(&rest), "Link") ||
            smi_has(line, "No NVLink devices found") ||
            smi_has(line, "does not have or support NVLink")) {
            return true;
        }
    }
    return false;
}
