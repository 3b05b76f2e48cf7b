/* Reservations: what is too old, who replaces whom, what does not fit any more. */
#include "tests/tap.h"
#include "webhook/core/bind.h"
#include "webhook/core/ledger.h"

#define NOW 1795000000

static struct ledger l;

static struct ledger_entry of(const char *uid, int64_t at) {
    return (struct ledger_entry){
        .ns = SPAN("llm"), .name = span_of(uid), .uid = span_of(uid), .gpus = 2, .at = at};
}

static void full(void) {
    static char uid[LEDGER_MAX + 1][12];
    struct err e = {0};
    l.n = 0;
    for (unsigned i = 0; i < LEDGER_MAX; i++) {
        (void)snprintf(uid[i], sizeof uid[i], "u%u", i);
        struct ledger_entry entry = of(uid[i], NOW);
        if (!ledger_put(&l, &entry, &e)) {
            break;
        }
    }
    is_int(l.n, LEDGER_MAX, "as many as have room");
    struct ledger_entry more = of("more", NOW);
    ok(!ledger_put(&l, &more, &e) && e.code == ERR_TOO_LARGE && l.n == LEDGER_MAX,
       "one more is refused, nothing changes");
    struct ledger_entry again = of("u7", NOW + 5);
    ok(ledger_put(&l, &again, &e) && l.entry[7].at == NOW + 5,
       "the same pod again takes its own place");
}

static void ages(void) {
    static const struct {
        int64_t at;
        bool kept;
        const char *what;
    } rows[] = {
        {NOW, true, "of now"},
        {NOW - LEDGER_TTL_S, true, "just in time"},
        {NOW - LEDGER_TTL_S - 1, false, "too old"},
        {NOW + LEDGER_TTL_S, true, "of a clock that runs ahead"},
        {NOW + LEDGER_TTL_S + 1, false, "from too far in the future"},
        {0, false, "without a time"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        l = (struct ledger){.n = 1};
        l.entry[0] = of("u", rows[i].at);
        ledger_expire(&l, NOW);
        is_int(l.n, rows[i].kept, rows[i].what);
    }
    l.n = 0;
    ledger_expire(&l, NOW);
    is_int(l.n, 0, "an empty one stays empty");
}

/* Folded by text, shown to people: the rules of DESIGN's reasons. */
static void denials(void) {
    for (unsigned r = REASON_NONE + 1; r < REASON_COUNT; r++) {
        char text[512];
        struct buf b = BUF_OVER(text);
        struct shape s = {.tp = 2, .gpus = 2, .groups = 1};
        bind_denial(&s, (enum reason)r, &b);
        bool named = span_has(buf_view(&b), reason_row((enum reason)r)->code);
        ok(buf_ok(&b) && b.n <= 400 && named && !strchr(text, '%'), "denial of %s: %s",
           reason_row((enum reason)r)->code, text);
    }
    char text[512];
    struct buf b = BUF_OVER(text);
    struct shape one = {.tp = 1, .gpus = 1, .groups = 1};
    bind_denial(&one, REASON_GPUS_BUSY, &b);
    is_str(text,
           "the chosen node's GPUs have just been given to other pods: with this one it would hold "
           "more than it has. Scheduling goes on by itself (GPUsBusy)",
           "one GPU too many, in words");
}

int main(void) {
    full();
    ages();
    denials();
    return tap_done();
}
