/* Named places at which a crash test kills the process. A release build has none of them.
 * HEADGATE_FAULT=NAME kills with SIGKILL the first time that place is reached, NAME#2 the second.
 */
#pragma once

#ifdef HEADGATE_FAULTS
void fault_point(const char *name);
#else
#define fault_point(name) ((void)0)
#endif
