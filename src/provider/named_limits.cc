#include "provider/named_limits.h"

#include <charconv>

namespace embedd::provider {

namespace {

/// `#` stands for a number.
struct Wording {
  std::string_view limit;
  std::string_view found;  ///< empty: the server does not name the number found
};

constexpr Wording kTextTokens[] = {
    {"maximum context length is # token", "requested # token"},            // OpenAI, vLLM
    {"maximum context length is # token", "prompt contains # "},           // vLLM since 0.11
    {"maximum context length is # token", "prompt contains at least # "},  // the same
    {"maximum context length is # token", "resulted in # token"},          // OpenAI, Azure
    {"must have less than # token", "given: #"},                           // TEI
    {"current batch size: #)", "input (# token"},                          // llama.cpp, one text
    {"available context size (# token", "request (# token"},               // llama.cpp
    {"maximum context length (#)", "number of tokens (#)"},                // llama-cpp-python
    {"context window of #", "requested tokens (#)"},                       // the same
    {"context window of # token", ""},                                     // Voyage
    {"context length (# token", "input (# token"},                         // SGLang
    {"maximum allowed token size #", "input length #"},                    // NVIDIA NIM
    {"cannot exceed # token", "# tokens given"},                           // Jina
    {"max input tokens: #", "input token count: #"},                       // Titan
    {"maximum number of tokens allowed (#)", "token count (#)"},           // Gemini
    {"supports up to # ", "token count is # "},                            // Vertex
    {"input length should be [1, #]", ""},                                 // DashScope
};

constexpr std::string_view kInputs[] = {
    "maximum allowed batch size #",                           // TEI, SiliconFlow
    "at most # requests can be in one batch",                 // Gemini
    "batch size is invalid, it should not be larger than #",  // DashScope
    "array with maximum length #",                            // OpenAI
    "should have at most # item",                             // pydantic: Jina, infinity
    "number of texts must be at most #",                      // Cohere
    "batch size limit is #",                                  // Voyage
    "max number of inputs is #",                              // Azure
};

/// The number that `wording` has in `message`; 0 if `message` has another wording.
std::uint64_t number_in(std::string_view message, std::string_view wording) {
  const std::size_t mark = wording.find('#');
  const std::string_view before = wording.substr(0, mark), after = wording.substr(mark + 1);
  const std::string_view anchor = before.empty() ? after : before;
  for (std::size_t at = message.find(anchor); at != std::string_view::npos;
       at = message.find(anchor, at + 1)) {
    std::size_t begin = at + before.size();
    if (before.empty())
      while (begin > 0 && message[begin - 1] >= '0' && message[begin - 1] <= '9') --begin;
    std::uint64_t number = 0;
    const char* const end = message.data() + message.size();
    const auto [rest, error] = std::from_chars(message.data() + begin, end, number);
    if (error == std::errc() &&
        std::string_view(rest, static_cast<std::size_t>(end - rest)).starts_with(after))
      return number;
  }
  return 0;
}

}  // namespace

NamedLimits named_limits(std::string_view message) {
  NamedLimits out;
  for (const Wording& wording : kTextTokens) {
    const std::uint64_t limit = number_in(message, wording.limit);
    const std::uint64_t found = wording.found.empty() ? 0 : number_in(message, wording.found);
    if (limit == 0 || (found == 0 && !wording.found.empty())) continue;
    out.text_tokens = limit;
    out.found_tokens = found;
    break;
  }
  for (const std::string_view wording : kInputs) {
    out.inputs = number_in(message, wording);
    if (out.inputs > 0) break;
  }
  return out;
}

}  // namespace embedd::provider
