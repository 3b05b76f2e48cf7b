#include "webhook/core/gate.h"

#include "webhook/core/admit_parts.h"

#define HEAD "tpguard: "

void gate_begin(struct gate *g, unsigned templates) {
    memset(g, 0, sizeof *g);
    g->several = templates > 1;
}

/* The same words of several templates are said once, for all of them. */
static void add_line(struct gate *g, const char *text, struct span role) {
    for (unsigned i = 0; i < g->n_lines; i++) {
        if (span_is(span_of(text), g->line[i].text)) {
            g->line[i].shared |= !span_is(role, g->line[i].role);
            return;
        }
    }
    if (g->n_lines == GATE_LINES_MAX) {
        g->dropped++;
        return;
    }
    struct gate_line *l = &g->line[g->n_lines++];
    struct buf line = BUF_OVER(l->text);
    struct buf whose = BUF_OVER(l->role);
    buf_str(&line, text);
    buf_span(&whose, role);
}

static unsigned rank(enum verdict v) {
    static const unsigned ranks[VERDICT_COUNT] = {[VERDICT_ALLOW] = 0,
                                                  [VERDICT_WARN] = 1,
                                                  [VERDICT_WAIT] = 2,
                                                  [VERDICT_UNKNOWN] = 3,
                                                  [VERDICT_DENY] = 4};
    return (unsigned)v < VERDICT_COUNT ? ranks[v] : 0;
}

/* A denial says whose it is where there is room for that: nothing of it is cut. */
static void deny(struct gate *g, struct span role, const char *message) {
    bool named = g->several && role.n && role.n + 2 + strlen(message) < sizeof g->message;
    struct buf out = BUF_OVER(g->message);
    if (named) {
        buf_span(&out, role);
        buf_str(&out, ": ");
    }
    buf_str(&out, message);
    g->denied = true;
}

static void say_denied(struct gate *g, struct span role, enum reason code) {
    char body[WARNING_MAX + 1];
    char line[WARNING_MAX + 1];
    struct buf out = BUF_OVER(body);
    buf_str(&out, HEAD "its pods will be denied, tpguard explain -f FILE says what to do");
    line_close(&out, reason_row(code)->code, line, sizeof line);
    add_line(g, line, role);
}

void gate_add(struct gate *g, const struct gate_in *in) {
    const struct decision *d = in->decision;
    char text[GATE_ROLE_MAX];
    struct buf clean = BUF_OVER(text);
    if (d->code == REASON_IGNORED) {
        return;
    }
    text_clean(&clean, in->role, GATE_ROLE_MAX - 1);
    struct span role = buf_view(&clean);
    if (!g->judged || rank(d->verdict) > rank(g->verdict)) {
        g->verdict = d->verdict;
        g->code = d->code;
        g->worst = g->judged;
    }
    g->judged++;
    if (in->policy->mode == MODE_AUDIT) {
        return;
    }
    if (!d->allowed && in->policy->workloads == WORKLOADS_DENY) {
        if (!g->denied) {
            deny(g, role, d->message);
        }
        return;
    }
    const struct decision *told = d;
    if (!d->allowed) {
        say_denied(g, role, d->code);
        told = in->plain ? in->plain : d;
    }
    for (unsigned i = 0; i < told->n_warnings && i < DECISION_REASONS_MAX; i++) {
        add_line(g, told->warning[i], role);
    }
}

void gate_untold(struct gate *g, const struct policy *policy) {
    if (policy->mode == MODE_OFF) {
        return;
    }
    g->verdict = VERDICT_UNKNOWN;
    g->code = REASON_TP_UNKNOWN;
    g->judged = 1;
    if (policy->mode != MODE_AUDIT) {
        add_line(g,
                 HEAD "cannot be told: an operator makes the pods of this kind, they are judged "
                      "when they come (TPUnknown)",
                 SPAN(""));
    }
}

unsigned gate_lines(const struct gate *g) {
    return g->denied ? 0 : g->n_lines;
}

/* A line that is too long ends before a comma rather than in the middle of a thought. */
static void end_at_clause(struct buf *line, size_t max) {
    size_t n = max;
    while (line->n > max && n > max / 2 && !(line->p[n] == ',' && line->p[n + 1] == ' ')) {
        n--;
    }
    if (line->n > max && n > max / 2) {
        buf_back(line, n);
    }
}

/* "tpguard: leader: TP=2 waits: ... (Code)", the middle giving way. */
static void name_line(const struct gate_line *l, char out[static 128]) {
    struct span body = span_from(span_of(l->text), strlen(HEAD));
    char code[48] = "";
    char text[256];
    struct buf line = BUF_OVER(text);
    buf_fmt(&line, HEAD "%s: ", l->role);
    size_t open = body.n;
    while (open > 0 && body.p[open - 1] != '(') {
        open--;
    }
    if (open < 2 || body.n - open > sizeof code) {
        buf_span(&line, body);
        text_take(&line, out, WARNING_MAX + 1);
        return;
    }
    struct buf end = BUF_OVER(code);
    buf_span(&end, (struct span){body.p + open, body.n - open - 1});
    buf_span(&line, span_upto(body, open - 2)); /* without " (" */
    end_at_clause(&line, WARNING_MAX - end.n - 3);
    line_close(&line, code, out, WARNING_MAX + 1);
}

void gate_line_text(const struct gate *g, unsigned i, char out[static 128]) {
    const struct gate_line *l = &g->line[i];
    if (g->dropped && i == GATE_LINES_MAX - 1) {
        struct buf b = buf_over(out, 128);
        buf_fmt(&b, HEAD "and %u more lines: tpguard explain -f FILE shows all", g->dropped + 1);
    } else if (g->several && l->role[0] && !l->shared) {
        name_line(l, out);
    } else {
        memcpy(out, l->text, sizeof l->text);
    }
}
