#include "tests/unit/codec/fixture.h"
#include "webhook/codec/review.h"

/* The plain way, for comparing: bits one by one. */
static void by_bits(const unsigned char *p, size_t n, char *out) {
    static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;
    for (size_t bit = 0; bit < n * 8; bit += 6) {
        unsigned v = 0;
        for (size_t i = bit; i < bit + 6; i++) {
            v = v << 1 | (i < n * 8 ? (unsigned)p[i / 8] >> (7 - i % 8) & 1U : 0);
        }
        out[at++] = abc[v];
    }
    while (at % 4) {
        out[at++] = '=';
    }
    out[at] = '\0';
}

int main(void) {
    /* RFC 4648 section 10. */
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        struct buf b = BUF_OVER(text);
        base64_put(span_of(rows[i][0]), &b);
        is_str(buf_cstr(&b), rows[i][1], "a vector of RFC 4648");
    }

    char small[8];
    struct buf tight = BUF_OVER(small);
    base64_put(SPAN("foobar"), &tight);
    ok(!buf_ok(&tight), "what does not fit fails the buffer");

    unsigned char bytes[70];
    char want[128];
    char got[128];
    bool same = true;
    unsigned seed = 1;
    for (size_t n = 0; n <= sizeof bytes; n++) {
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1103515245U + 12345U;
            bytes[i] = (unsigned char)(seed >> 16);
        }
        struct buf b = BUF_OVER(got);
        buf_str(&b, "x");
        base64_put((struct span){(const char *)bytes, n}, &b);
        by_bits(bytes, n, want);
        same = same && got[0] == 'x' && strcmp(got + 1, want) == 0;
    }
    ok(same, "every length up to 70 bytes is as the definition has it, appended to what is there");
    return tap_done();
}
