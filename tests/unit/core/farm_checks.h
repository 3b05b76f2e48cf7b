/* One farm, judged again and again, and what every decision must hold. */
#ifndef TPGUARD_TESTS_CORE_FARM_CHECKS_H
#define TPGUARD_TESTS_CORE_FARM_CHECKS_H

#include "tests/tap.h"
#include "tests/unit/core/farm.h"

static struct farm f;

UNUSED static bool plain(const char *s) {
    for (; *s; s++) {
        if (*s < 0x20 || *s > 0x7E) {
            return false;
        }
    }
    return true;
}

/* What holds for every decision. */
UNUSED static void sane(const char *what) {
    const struct decision *d = &f.d;
    bool good = d->n_reasons <= DECISION_REASONS_MAX && d->n_advice <= DECISION_ADVICE_MAX;
    good = good && (d->message[0] != '\0') == !d->allowed && strlen(d->message) <= 400;
    good = good && plain(d->message) && (!d->allowed ? d->n_warnings == 0 : true);
    for (unsigned i = 0; i < d->n_reasons; i++) {
        good = good && d->reason[i].sentence[0] && plain(d->reason[i].sentence);
    }
    for (unsigned i = 0; i < d->n_warnings; i++) {
        good = good && strlen(d->warning[i]) <= 120 && plain(d->warning[i]) &&
               strncmp(d->warning[i], "tpguard: ", 9) == 0 && strchr(d->warning[i], '(');
    }
    for (unsigned i = 0; i < d->n_advice; i++) {
        good =
            good && d->advice[i].text[0] && plain(d->advice[i].text) && plain(d->advice[i].command);
    }
    good = good && (d->verdict != VERDICT_ALLOW || d->allowed);
    ok(good, "%s: the decision is well-formed", what);
}

UNUSED static void judged(enum verdict v, enum reason code, const char *what) {
    farm_judge(&f);
    is_str(verdict_name(f.d.verdict), verdict_name(v), what);
    is_str(reason_row(f.d.code)->code, reason_row(code)->code, what);
    sane(what);
}

UNUSED static bool advises(const char *kind) {
    for (unsigned i = 0; i < f.d.n_advice; i++) {
        if (strcmp(f.d.advice[i].kind, kind) == 0) {
            return true;
        }
    }
    return false;
}

UNUSED static bool says(enum reason code) {
    for (unsigned i = 0; i < f.d.n_reasons; i++) {
        if (f.d.reason[i].code == code) {
            return true;
        }
    }
    return false;
}

#endif
