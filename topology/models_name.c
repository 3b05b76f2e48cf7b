#include "topology/models_name.h"

bool name_separator(char c) {
    return c == '-' || c == '_' || c == '.' || c == ':' || c == '/' || c == ' ';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    char low = span_lower(c);
    return low >= 'a' && low <= 'z';
}

/* Offset of the next letter or digit at or behind i. */
static size_t next_mark(struct span s, size_t i) {
    while (i < s.n && name_separator(s.p[i])) {
        i++;
    }
    return i;
}

/* Moves *i and *j over what a and b begin with in common. */
static void common_start(struct span a, struct span b, size_t *i, size_t *j) {
    *i = next_mark(a, 0);
    *j = next_mark(b, 0);
    while (*i < a.n && *j < b.n && span_lower(a.p[*i]) == span_lower(b.p[*j])) {
        *i = next_mark(a, *i + 1);
        *j = next_mark(b, *j + 1);
    }
}

bool name_same(struct span a, struct span b) {
    size_t i = 0;
    size_t j = 0;
    common_start(a, b, &i, &j);
    return i == a.n && j == b.n;
}

bool name_plain(struct span name, char *text, size_t cap) {
    size_t n = 0;
    for (size_t i = next_mark(name, 0); i < name.n; i = next_mark(name, i + 1)) {
        if (name.p[i] == '\0' || n + 1 == cap) {
            return false;
        }
        text[n++] = span_lower(name.p[i]);
    }
    text[n] = '\0';
    return true;
}

bool name_starts(struct span s, struct span head) {
    size_t i = 0;
    size_t j = 0;
    common_start(s, head, &i, &j);
    return j == head.n;
}

static bool any_of(struct span s, const char *const *list) {
    for (; *list; list++) {
        if (name_same(s, span_of(*list))) {
            return true;
        }
    }
    return false;
}

/* A commit of the hub's cache (40 hexadecimal digits), a version directory (digits). */
static bool is_revision(struct span part) {
    bool digits = true;
    for (size_t i = 0; i < part.n; i++) {
        char low = span_lower(part.p[i]);
        if (!is_digit(low) && (low < 'a' || low > 'f')) {
            return false;
        }
        digits = digits && is_digit(low);
    }
    return digits || part.n >= 32;
}

/* Takes the part behind the last '/' off *path. */
static struct span path_pop(struct span *path) {
    size_t at = path->n;
    while (at > 0 && path->p[at - 1] != '/') {
        at--;
    }
    struct span part = span_from(*path, at);
    *path = span_upto(*path, at ? at - 1 : 0);
    return part;
}

#define PARTS_MAX 6

struct span name_last(struct span name) {
    static const char *const no_names[] = {"snapshots", "main",    "latest", "model",
                                           "models",    "weights", NULL};
    struct span rest = span_trim(name);
    if (rest.n > MODEL_NAME_MAX) {
        return (struct span){"", 0};
    }
    size_t scheme = span_search(rest, "://");
    rest = scheme < rest.n ? span_from(rest, scheme + 3) : rest;
    for (unsigned i = 0; i < PARTS_MAX && rest.n; i++) {
        struct span part = path_pop(&rest);
        if (span_starts(part, "models--")) {
            return span_from(part, strlen("models--"));
        }
        if (part.n && !is_revision(part) && !any_of(part, no_names)) {
            return part;
        }
    }
    return (struct span){"", 0};
}

/* Words at the end of a name that leave the shape of the model as it is. */
static const char *const tunings[] = {
    "instruct",  "chat",       "it",    "hf",     "base",        "thinking", "dynamic", "static",
    "pertensor", "perchannel", "block", "kv",     "quantized",   "unsloth",  "mlx",     "g128",
    "128g",      "mixed",      "main",  "latest", "safetensors", NULL};

/* Length of the longest format at the end of s with a separator before it, 0 when there is none.
 * Formats are up to four words long ("w4a16", "Q4_K_M", "bitsandbytes-nf4"). */
static size_t format_at_end(struct span s, struct quant_said *said) {
    size_t longest = 0;
    unsigned words = 0;
    for (size_t i = s.n; i > 1 && words < 4; i--) {
        if (!name_separator(s.p[i - 1])) {
            continue;
        }
        words++;
        struct quant_said here = quant_read(span_from(s, i));
        if (here.said) {
            *said = here;
            longest = s.n - i + 1;
        }
    }
    return longest;
}

static size_t tuning_at_end(struct span s) {
    size_t i = s.n;
    while (i > 1 && !name_separator(s.p[i - 1])) {
        i--;
    }
    return i > 1 && any_of(span_from(s, i), tunings) ? s.n - i + 1 : 0;
}

/* The precise word wins over one for a container, and of two precise ones the last. */
static void said_merge(struct quant_said *all, struct quant_said one) {
    if (!all->said || (all->loose && !one.loose)) {
        *all = one;
    }
}

struct span name_unbranded(struct span name) {
    static const char *const vendors[] = {"Meta-", "NVIDIA-"};
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++) {
        size_t n = strlen(vendors[i]);
        if (name.n > n && span_ieq(span_upto(name, n), span_of(vendors[i]))) {
            return span_from(name, n);
        }
    }
    return name;
}

struct span name_base(struct span name, struct quant_said *said) {
    struct quant_said all = {0};
    struct span s = name;
    for (size_t cut = 1; cut && s.n;) {
        struct quant_said one = {0};
        cut = format_at_end(s, &one);
        if (cut) {
            said_merge(&all, one);
        } else {
            cut = tuning_at_end(s);
        }
        s.n -= cut;
    }
    s = name_unbranded(s);
    if (said) {
        *said = all;
    }
    return s;
}

/* A decimal number at i in thousandths; the offset behind it, or i when there is none. Digits
 * beyond what a size has are no size. */
static size_t decimal_at(struct span s, size_t i, uint64_t *thousandths) {
    size_t end = i;
    while (end < s.n && is_digit(s.p[end])) {
        end++;
    }
    uint64_t whole = 0;
    if (!span_u64(span_upto(span_from(s, i), end - i), 9999999, &whole)) {
        return i;
    }
    uint64_t v = whole * 1000;
    if (end + 1 < s.n && s.p[end] == '.' && is_digit(s.p[end + 1])) {
        end++;
        for (uint64_t unit = 100; end < s.n && is_digit(s.p[end]); end++, unit /= 10) {
            v += unit * (uint64_t)(s.p[end] - '0');
        }
    }
    *thousandths = v;
    return end;
}

/* A size may start a word or follow a family ("llama70b"), but not one letter: A3B and E2B count
 * active and effective parameters. Nor may it be the tail of another number. */
static bool size_may_start(struct span s, size_t i) {
    if (!is_digit(s.p[i])) {
        return false;
    }
    if (i == 0) {
        return true;
    }
    char before = s.p[i - 1];
    if (is_letter(before)) {
        return i >= 2 && is_letter(s.p[i - 2]);
    }
    return !is_digit(before) && !(before == '.' && i >= 2 && is_digit(s.p[i - 2]));
}

/* "-16E" behind a size: so many experts, the size being that of one path through them. */
static bool experts_follow(struct span rest) {
    size_t i = 1;
    while (i < rest.n && is_digit(rest.p[i])) {
        i++;
    }
    return rest.n > 2 && rest.p[0] == '-' && i > 1 && i < rest.n && span_lower(rest.p[i]) == 'e' &&
           (i + 1 == rest.n || name_separator(rest.p[i + 1]));
}

/* A size at i: the offset behind it and the parameters in millions; i when there is none. */
static size_t size_at(struct span s, size_t i, char unit, uint32_t *millions) {
    uint64_t first = 0;
    uint64_t each = 0;
    size_t end = decimal_at(s, i, &first);
    if (end > i && end + 1 < s.n && span_lower(s.p[end]) == 'x' && is_digit(s.p[end + 1])) {
        size_t from = end + 1;
        end = decimal_at(s, from, &each);
        first = first % 1000 == 0 && first <= 1000000 ? first / 1000 * each : 0;
    }
    bool word_ends = end + 1 >= s.n || (!is_letter(s.p[end + 1]) && !is_digit(s.p[end + 1]));
    if (end == i || end >= s.n || span_lower(s.p[end]) != unit || !word_ends) {
        return i;
    }
    /* Thousandths of billions are millions. Less than 10 "m" is a context length (1M). */
    uint64_t m = unit == 'b' ? first : first / 1000;
    if (m == 0 || m > 10000000 || (unit == 'm' && m < 10)) {
        return i;
    }
    *millions = experts_follow(span_from(s, end + 1)) ? 0 : (uint32_t)m;
    return end + 1;
}

bool name_size(struct span name, struct span *head, uint32_t *millions) {
    static const char units[] = "bm";
    for (const char *unit = units; *unit; unit++) {
        for (size_t i = 0; i < name.n; i++) {
            size_t end = size_may_start(name, i) ? size_at(name, i, *unit, millions) : i;
            if (end > i) {
                *head = span_upto(name, end);
                return true;
            }
        }
    }
    return false;
}
