#include "webhook/codec/review.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct span bytes, struct buf *out) {
    size_t n = bytes.n / 3 * 4 + (bytes.n % 3 ? 4 : 0);
    char *at = buf_room(out, n);
    if (!at) {
        return;
    }
    const unsigned char *p = (const unsigned char *)bytes.p;
    for (size_t left = bytes.n; left; left -= left < 3 ? left : 3, p += 3, at += 4) {
        unsigned b1 = left > 1 ? p[1] : 0;
        unsigned b2 = left > 2 ? p[2] : 0;
        unsigned word = (unsigned)p[0] << 16 | b1 << 8 | b2;
        at[0] = alphabet[word >> 18];
        at[1] = alphabet[word >> 12 & 63];
        at[2] = left > 1 ? alphabet[word >> 6 & 63] : '=';
        at[3] = left > 2 ? alphabet[word & 63] : '=';
        if (left < 3) {
            break;
        }
    }
    buf_commit(out, n);
}
