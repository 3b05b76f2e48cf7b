#include "webhook/option_words.h"

bool option_word_read(const char *text, struct option_word *out, struct err *e) {
    struct span s = span_of(text);
    if (span_is(s, "-h")) {
        s = SPAN("--help");
    }
    if (!span_starts(s, "--") || s.n == 2) {
        return err_set(e, ERR_INPUT, "wants options, found \"%.80s\"", text);
    }
    struct span rest = span_from(s, 2);
    size_t at = span_find(rest, '=');
    *out = (struct option_word){.name = span_upto(rest, at),
                                .value = at < rest.n ? rest.p + at + 1 : NULL};
    return true;
}

bool option_word_value(const struct option_word *w, bool takes_value, int argc, char **argv, int *i,
                       const char **value, struct err *e) {
    if (!takes_value && w->value) {
        return err_set(e, ERR_INPUT, "--" SPAN_FMT " takes no value, found \"%.80s\"",
                       SPAN_ARG(w->name), w->value);
    }
    if (takes_value && !w->value && *i + 1 >= argc) {
        return err_set(e, ERR_INPUT, "--" SPAN_FMT " wants a value, found nothing",
                       SPAN_ARG(w->name));
    }
    *value = w->value ? w->value : takes_value ? argv[++*i] : "";
    return true;
}

bool option_word_wrap(struct span name, bool takes_value, const char *value, struct err *e) {
    return err_wrap(e, takes_value ? "--" SPAN_FMT " \"%.80s\": " : "--" SPAN_FMT "%.80s: ",
                    SPAN_ARG(name), value);
}

void option_word_help(const char *name, const char *value, const char *help, struct buf *out) {
    char left[48];
    struct buf b = BUF_OVER(left);
    buf_fmt(&b, "--%s%s%s", name, value ? " " : "", value ? value : "");
    buf_fmt(out, "  %-26s %s\n", left, help);
}
