/* The two clocks of the program, read here and handed to everything else as arguments. */
#ifndef TPGUARD_SYS_CLOCK_H
#define TPGUARD_SYS_CLOCK_H

#include <stdint.h>

/* Wall clock: Unix seconds, and milliseconds for log lines. */
int64_t clock_unix_s(void);
int64_t clock_unix_ms(void);

/* Never goes back, starts anywhere: for durations and deadlines. */
int64_t clock_mono_us(void);

#endif
