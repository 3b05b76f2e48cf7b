#include "tests/fakeapi/scenario.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX ((size_t)64 * 1024 * 1024)

static void die(const char *path, unsigned line, const char *what) {
    fprintf(stderr, "fakeapi: %s:%u: %s\n", path, line, what);
    exit(2);
}

static bool read_file(const char *path, struct buf *out) {
    char chunk[16384];
    FILE *f = fopen(path, "rb");
    if (!f) {
        return false;
    }
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;) {
        buf_put(out, chunk, n);
    }
    (void)fclose(f);
    return buf_ok(out);
}

static const struct {
    const char *word;
    enum step_kind kind;
    bool number;
    bool text;
} words[] = {
    {"status", STEP_STATUS, true, false}, {"header", STEP_HEADER, false, true},
    {"body", STEP_BODY, false, true},     {"file", STEP_FILE, false, true},
    {"items", STEP_ITEMS, true, true},    {"line", STEP_LINE, false, true},
    {"part", STEP_PART, false, true},     {"repeat", STEP_REPEAT, true, true},
    {"wait", STEP_WAIT, true, false},     {"slow", STEP_SLOW, true, false},
    {"cut", STEP_CUT, false, false},      {"drop", STEP_DROP, false, false},
    {"hang", STEP_HANG, false, false},
};

static bool parse_step(struct span line, struct step *out) {
    struct span word = span_cut(&line, ' ');
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!span_is(word, words[i].word)) {
            continue;
        }
        uint32_t n = 0;
        out->kind = words[i].kind;
        if (words[i].number && !span_u32(span_cut(&line, ' '), 100000000, &n)) {
            return false;
        }
        out->n = n;
        out->text = line;
        return words[i].text || line.n == 0;
    }
    return false;
}

static bool parse_cond(struct span word, struct rule *r) {
    uint32_t n = 0;
    if (span_starts(word, "has=") && r->n_has < CONDS_MAX) {
        r->has[r->n_has++] = span_from(word, 4);
    } else if (span_starts(word, "lacks=") && r->n_lacks < CONDS_MAX) {
        r->lacks[r->n_lacks++] = span_from(word, 6);
    } else if (span_starts(word, "auth=")) {
        r->auth = span_from(word, 5);
    } else if (span_is(word, "always")) {
        r->left = UINT32_MAX;
    } else if (span_starts(word, "times=") && span_u32(span_from(word, 6), 1000000, &n)) {
        r->left = n;
    } else {
        return false;
    }
    return true;
}

static bool parse_rule(struct span line, struct rule *r) {
    r->left = 1;
    r->method = span_cut(&line, ' ');
    r->prefix = span_cut(&line, ' ');
    while (line.n) {
        struct span word = span_cut(&line, ' ');
        if (word.n && !parse_cond(word, r)) {
            return false;
        }
    }
    return r->prefix.n > 0;
}

static void parse(struct scenario *s, const char *path) {
    struct span rest = buf_view(&s->text);
    struct rule *r = NULL;
    for (unsigned at = 1; rest.n; at++) {
        struct span line = span_line(&rest);
        struct span body = span_trim(line);
        if (body.n == 0 || body.p[0] == '#') {
            continue;
        }
        if (span_is_space(line.p[0])) {
            body.n = (size_t)(line.p + line.n - body.p);
            if (!r || r->n_steps == STEPS_MAX || !parse_step(body, &r->step[r->n_steps])) {
                die(path, at, "no step");
                return;
            }
            r->n_steps++;
            continue;
        }
        if (s->n == RULES_MAX || !parse_rule(body, &s->rule[s->n])) {
            die(path, at, "no rule");
        }
        r = &s->rule[s->n++];
        r->line = at;
    }
}

struct scenario *scenario_read(const char *path) {
    struct scenario *s = calloc(1, sizeof *s);
    if (!s) {
        exit(2);
    }
    s->text = buf_new(FILE_MAX);
    if (!read_file(path, &s->text)) {
        die(path, 0, "cannot be read");
    }
    const char *slash = strrchr(path, '/');
    (void)snprintf(s->folder, sizeof s->folder, "%.*s", slash ? (int)(slash - path) : 1,
                   slash ? path : ".");
    parse(s, path);
    return s;
}

static bool matches(const struct rule *r, struct span method, struct span target,
                    struct span auth) {
    bool good = r->left && (span_is(r->method, "ANY") || span_eq(r->method, method)) &&
                target.n >= r->prefix.n && span_eq(span_upto(target, r->prefix.n), r->prefix);
    for (unsigned i = 0; good && i < r->n_has + r->n_lacks; i++) {
        bool wanted = i < r->n_has;
        struct span part = wanted ? r->has[i] : r->lacks[i - r->n_has];
        bool there = memmem(target.p, target.n, part.p, part.n) != NULL;
        good = there == wanted;
    }
    if (good && r->auth.n) {
        good = span_starts(auth, "Bearer ") && span_eq(span_from(auth, 7), r->auth);
    }
    return good;
}

const struct rule *scenario_pick(struct scenario *s, struct span method, struct span target,
                                 struct span auth) {
    for (unsigned i = 0; i < s->n; i++) {
        struct rule *r = &s->rule[i];
        if (matches(r, method, target, auth)) {
            r->left -= r->left != UINT32_MAX;
            return r;
        }
    }
    return NULL;
}

void step_counted(struct span text, unsigned i, struct buf *out) {
    while (text.n) {
        size_t at = span_search(text, "%d");
        buf_span(out, span_upto(text, at));
        if (at < text.n) {
            buf_u64(out, i);
        }
        text = span_from(text, at + 2);
    }
}

void step_bytes(const struct scenario *s, const struct step *step, struct buf *out) {
    if (step->kind == STEP_ITEMS) {
        for (unsigned i = 1; i <= step->n; i++) {
            buf_str(out, i > 1 ? "," : "");
            step_counted(step->text, i, out);
        }
    } else if (step->kind == STEP_FILE) {
        char path[8192];
        bool whole = step->text.n && step->text.p[0] == '/';
        (void)snprintf(path, sizeof path, "%s%s" SPAN_FMT, whole ? "" : s->folder, whole ? "" : "/",
                       SPAN_ARG(step->text));
        if (!read_file(path, out)) {
            die(path, 0, "cannot be read");
        }
    } else if (step->kind == STEP_BODY || step->kind == STEP_LINE || step->kind == STEP_PART) {
        buf_span(out, step->text);
        buf_str(out, step->kind == STEP_LINE ? "\n" : "");
    }
}
