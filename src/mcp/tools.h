/// The tools that agents call. Each one only reads; its answer is text of at most kMostBytes, and says
/// problems in words.
#pragma once

#ifndef SIMDJSON_EXCEPTIONS
#define SIMDJSON_EXCEPTIONS 0
#endif
#include <simdjson.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "app/search_service.h"
#include "app/settings.h"

namespace embedd::mcp {

/// Hosts refuse answers of more than 25,000 tokens.
inline constexpr std::size_t kMostBytes = 50'000;

struct ToolResult {
  std::string text;
  bool failed = false;
};

class Tools {
 public:
  /// Both references must outlive this object.
  Tools(const app::Settings& settings, app::SearchService& service)
      : settings_(settings), service_(service) {}

  /// Blocks until the answer is there. None if there is no tool of that name.
  std::optional<ToolResult> call(std::string_view name, std::optional<simdjson::dom::object> arguments);

 private:
  using Arguments = std::optional<simdjson::dom::object>;
  Result<std::string> list_vectorizers(const Arguments& arguments);
  Result<std::string> search(const Arguments& arguments);
  Result<std::string> get_row(const Arguments& arguments);
  Result<std::string> status(const Arguments& arguments);

  const app::Settings& settings_;
  app::SearchService& service_;
};

}  // namespace embedd::mcp
