#include "topology/json_path.h"

#include "topology/json.h"

static bool name_byte(char c) {
    char low = span_lower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

void json_path_key(struct span key, struct buf *out) {
    bool plain = key.n > 0;
    for (size_t i = 0; i < key.n && plain; i++) {
        plain = name_byte(key.p[i]);
    }
    if (plain) {
        buf_span(out, key);
        return;
    }
    buf_str(out, "['");
    for (size_t i = 0; i < key.n; i++) {
        bool shown = key.p[i] >= ' ' && key.p[i] <= '~';
        buf_char(out, shown ? key.p[i] : '?');
    }
    buf_str(out, "']");
}

/* One open bracket of the walk. */
struct level {
    struct span key; /* raw */
    unsigned index;  /* of an array's current element */
    bool array;
    bool named; /* an object's current key has been read */
};

/* The raw text of the string that opens at *p; moves *p behind it. False when it does not end. */
static bool walk_string(const char **p, const char *end, struct span *raw) {
    const char *from = *p + 1;
    for (const char *q = from; q < end; q++) {
        if (*q == '\\') {
            q++;
        } else if (*q == '"') {
            *raw = (struct span){from, (size_t)(q - from)};
            *p = q + 1;
            return true;
        }
    }
    return false;
}

static void level_text(const struct level *l, bool first, struct buf *out) {
    if (l->array) {
        buf_fmt(out, "[%u]", l->index);
        return;
    }
    if (!l->named) {
        return;
    }
    char element[ERR_PATH_MAX];
    struct buf key = BUF_OVER(element);
    json_path_key(span_upto(l->key, ERR_PATH_MAX - 8), &key);
    if (!first && element[0] != '[') {
        buf_char(out, '.');
    }
    buf_str(out, element);
}

/* Takes one structural byte into the stack; depth never passes what the scanner allows. */
static void walk_byte(struct level *stack, unsigned *depth, char c) {
    if ((c == '{' || c == '[') && *depth < JSON_DEPTH_MAX) {
        stack[(*depth)++] = (struct level){.array = c == '['};
    } else if ((c == '}' || c == ']') && *depth > 0) {
        (*depth)--;
    } else if (c == ',' && *depth > 0) {
        stack[*depth - 1].index++;
        stack[*depth - 1].named = false;
    }
}

void json_path_at(struct span before, struct buf *out) {
    struct level stack[JSON_DEPTH_MAX] = {0};
    unsigned depth = 0;
    const char *end = before.p + before.n;
    for (const char *p = before.p; p < end;) {
        if (*p != '"') {
            walk_byte(stack, &depth, *p++);
            continue;
        }
        struct span raw = {0};
        if (!walk_string(&p, end, &raw)) {
            break;
        }
        struct level *top = depth ? &stack[depth - 1] : NULL;
        if (top && !top->array && !top->named) {
            top->key = raw;
            top->named = true;
        }
    }
    for (unsigned i = 0; i < depth; i++) {
        level_text(&stack[i], i == 0, out);
    }
}
