/* The version of the program, said in one place. */
#ifndef TPGUARD_SYS_VERSION_H
#define TPGUARD_SYS_VERSION_H

#define TPGUARD_VERSION "0.1.0"

#endif
