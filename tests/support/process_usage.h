/// What a running process has used so far, from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/units.h"

namespace embedd::test {

/// Most memory that was ever resident, in MiB (VmHWM); 0 if the process is gone.
double peak_mib(pid_t pid);
/// Time on a CPU, of all its threads.
Duration cpu_time(pid_t pid);

}  // namespace embedd::test
