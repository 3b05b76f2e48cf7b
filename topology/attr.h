/* Compiler attributes, in one place, because C17 has no portable spelling for them. */
#ifndef TPGUARD_TOPOLOGY_ATTR_H
#define TPGUARD_TOPOLOGY_ATTR_H

#define NODISCARD          __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define AUTO(fn)           __attribute__((cleanup(fn)))
#define UNUSED             __attribute__((unused))

#endif
