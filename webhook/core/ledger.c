#include "webhook/core/ledger.h"

void ledger_expire(struct ledger *l, int64_t now) {
    unsigned kept = 0;
    for (unsigned i = 0; i < l->n; i++) {
        int64_t age = now - l->entry[i].at;
        if (age <= LEDGER_TTL_S && age >= -LEDGER_TTL_S) {
            l->entry[kept++] = l->entry[i];
        }
    }
    l->n = kept;
}

bool ledger_put(struct ledger *l, const struct ledger_entry *entry, struct err *e) {
    for (unsigned i = 0; i < l->n; i++) {
        if (span_eq(l->entry[i].uid, entry->uid)) {
            l->entry[i] = *entry;
            return true;
        }
    }
    if (l->n == LEDGER_MAX) {
        return err_set(e, ERR_TOO_LARGE, "%d pods were bound to this node within %d s", LEDGER_MAX,
                       LEDGER_TTL_S);
    }
    l->entry[l->n++] = *entry;
    return true;
}
