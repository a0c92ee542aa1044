/// The scripted provider as a program: prints its base URL, serves until it is stopped.
///
///   scripted_provider [--port N] [--dims N] [--key KEY] [--latency-ms N]
///                     [--texts-per-second N [--parallel N]]
///                     [--requests-per-minute N] [--tokens-per-minute N] [--burst-seconds N] [--max-inputs N]
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "support/scripted_provider.h"

namespace {

using embedd::test::ProviderOptions;

std::optional<ProviderOptions> parse(int argc, char** argv) {
  ProviderOptions options;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (i + 1 == argc) return std::nullopt;
    const char* const value = argv[i + 1];
    const double number = std::atof(value);
    if (flag == "--port")
      options.port = static_cast<int>(number);
    else if (flag == "--dims")
      options.dimensions = static_cast<int>(number);
    else if (flag == "--key")
      options.key = value;
    else if (flag == "--latency-ms")
      options.latency = embedd::Duration(static_cast<std::int64_t>(number * 1e6));
    else if (flag == "--texts-per-second")
      options.texts_per_second = number;
    else if (flag == "--parallel")
      options.parallel = static_cast<unsigned>(number);
    else if (flag == "--requests-per-minute")
      options.requests_per_minute = static_cast<std::int64_t>(number);
    else if (flag == "--tokens-per-minute")
      options.tokens_per_minute = static_cast<std::int64_t>(number);
    else if (flag == "--burst-seconds")
      options.burst_seconds = number;
    else if (flag == "--max-inputs")
      options.max_inputs = static_cast<std::size_t>(number);
    else
      return std::nullopt;
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!options) {
    fmt::print(stderr,
               "usage: scripted_provider [--port N] [--dims N] [--key KEY] [--latency-ms N] "
               "[--texts-per-second N [--parallel N]] [--requests-per-minute N] "
               "[--tokens-per-minute N] [--burst-seconds N] [--max-inputs N]\n");
    return 2;
  }
  // Blocked before the server's thread starts, so that it inherits the mask and sigwait gets the signal.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  try {
    const embedd::test::ScriptedProvider provider(*options);
    fmt::print("{}\n", provider.base_url());
    std::fflush(stdout);
    int signal = 0;
    sigwait(&stop, &signal);
  } catch (const std::exception& error) {
    fmt::print(stderr, "scripted_provider: {}\n", error.what());
    return 1;
  }
  return 0;
}
