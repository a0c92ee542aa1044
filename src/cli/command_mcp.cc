#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include "app/search_service.h"
#include "app/trace_service.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "mcp/server.h"
#include "mcp/tools.h"
#include "search/traces.h"

namespace embedd::cli {

namespace {

/// Most bytes of a message; a longer message is refused and skipped.
constexpr std::size_t kMostMessage = 1 << 20;

/// Reads lines from stdin.
class Lines {
 public:
  /// The next line without its end; none at the end of the input. `too_long`: only its beginning is returned.
  std::optional<std::string> next(bool& too_long) {
    std::string line;
    too_long = false;
    for (;;) {
      const std::size_t end = buffer_.find('\n');
      const std::size_t size = std::min(end, buffer_.size());
      if (line.size() + size > kMostMessage) too_long = true;
      if (!too_long) line.append(buffer_, 0, size);
      buffer_.erase(0, end == std::string::npos ? size : size + 1);
      if (end != std::string::npos) return line;
      if (!fill()) return line.empty() ? std::nullopt : std::optional(std::move(line));
    }
  }

 private:
  bool fill() {
    std::array<char, 65536> piece{};
    for (;;) {
      const ssize_t size = ::read(STDIN_FILENO, piece.data(), piece.size());
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return false;
      buffer_.append(piece.data(), static_cast<std::size_t>(size));
      return true;
    }
  }

  std::string buffer_;
};

}  // namespace

Result<int> serve_mcp(Context& context, const McpArguments& arguments) {
  if (!arguments.contributor.empty() && !search::is_uuid(arguments.contributor))
    return fail(ErrorKind::invalid_argument,
                "--contributor: must be a uuid: the contributor_id of the traces that agents add");
  // One connection: messages are answered one at a time.
  app::SearchService service(context.config, 1);
  app::TraceService traces(service);
  mcp::Tools tools(context.config, service, traces,
                   {.read_only = arguments.write ? "" : "embedd mcp was started without --write",
                    .contributor = arguments.contributor});
  mcp::Server server(
      [&tools](std::string_view name, mcp::Arguments given) { return tools.call(name, given); },
      [&tools](std::string_view name) { return tools.offers(name); });
  Lines lines;
  bool too_long = false;
  while (auto line = lines.next(too_long)) {
    if (line->find_first_not_of(" \t\r") == std::string::npos && !too_long) continue;
    const auto answer =
        too_long ? std::optional(mcp::refusal("null", mcp::kInvalidRequest, "the message is too long"))
                 : server.handle(*line);
    if (!answer) continue;
    print(answer->json + "\n");
    if (!flush_output()) break;  // nobody reads stdout any more
  }
  return kDone;
}

}  // namespace embedd::cli
