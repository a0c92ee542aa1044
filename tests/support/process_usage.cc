#include "support/process_usage.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace embedd::test {

double peak_mib(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  constexpr std::string_view kName = "VmHWM:";
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(kName)) return std::strtod(line.c_str() + kName.size(), nullptr) / 1024;
  return 0;
}

Duration cpu_time(pid_t pid) {
  std::int64_t total = 0;
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
    std::int64_t on_cpu = 0;
    std::ifstream(task.path() / "schedstat") >> on_cpu;
    total += on_cpu;
  }
  return std::chrono::nanoseconds(total);
}

}  // namespace embedd::test
