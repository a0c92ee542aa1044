/// Composes what the scripted provider sends: bodies with vectors, bent by a Fault, and whole HTTP answers.
#pragma once

#include <string>
#include <vector>

#include "support/scripted_provider.h"

namespace embedd::test {

/// A request to /embeddings, as parsed.
struct ParsedRequest {
  std::string model;
  std::vector<std::string> inputs;
  bool base64 = false;
  int dimensions = 0;
  std::string problem;  ///< not empty: not a valid request, and why
};
ParsedRequest parse_request(const std::string& body, int default_dimensions);

/// The JSON body with one vector per input, bent by `fault`.
std::string vectors_body(const ParsedRequest& request, Fault fault);

/// Status line, headers and body as they go over the wire. `keep_alive` says whether to announce a close.
std::string http_answer(const Answer& answer, const std::string& body, bool keep_alive);

/// A JSON string literal.
std::string json_string(std::string_view text);

}  // namespace embedd::test
