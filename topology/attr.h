/* Compiler attributes, in one place, because C17 has no portable spelling for them. */
#ifndef TPGUARD_TOPOLOGY_ATTR_H
#define TPGUARD_TOPOLOGY_ATTR_H

#define NODISCARD          __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define AUTO(fn)           __attribute__((cleanup(fn)))
/* Large scratch that is written before it is read: the build zeroes locals otherwise, and for these
 * that costs more than the work itself. */
#define NOINIT __attribute__((uninitialized))
#define UNUSED __attribute__((unused))

#endif
