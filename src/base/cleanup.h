/* Scope-bound release of things that are not memory: locks, descriptors, statements, secrets. */
#pragma once

#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _must_use_ __attribute__((warn_unused_result))
