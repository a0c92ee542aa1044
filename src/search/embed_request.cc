#include "search/embed_request.h"

#include <set>

#include "search/json_fields.h"
#include "search/request.h"

namespace embedd::search {
namespace {

constexpr milliseconds kDeadlineOfMany{30'000};

class EmbedReader {
 public:
  explicit EmbedReader(bool openai) : openai_(openai) {
    if (openai_) request_.deadline = kDeadlineOfMany;
  }

  Result<EmbedRequest> read(const Json& body) {
    std::set<std::string_view> seen;
    for (const auto& [name, value] : TRY(body.object())) {
      if (!seen.insert(name).second) return value.wrong("is there twice");
      TRY(openai_ ? read_openai(name, value) : read_own(name, value));
    }
    const auto missing = [&](std::string_view name, std::string_view what) {
      return fail(ErrorKind::invalid_argument,
                  std::string(name) + ": is missing; write " + std::string(what));
    };
    if (request_.texts.empty()) return missing(openai_ ? "input" : "query", "the text to embed");
    if (openai_ && request_.model.empty())
      return missing("model", "the model of a vectorizer, which GET /v1/vectorizers lists");
    return std::move(request_);
  }

 private:
  Result<void> read_own(std::string_view name, const Json& value) {
    if (name == "query") return add_text(value, kMaxQueryBytes);
    if (name == "encoding_format") return read_encoding(value);
    if (name == "deadline_ms") {
      request_.deadline = milliseconds(TRY(value.whole(50, 30'000)));
      return {};
    }
    return value.wrong("is not known; there are query, encoding_format and deadline_ms");
  }

  Result<void> read_openai(std::string_view name, const Json& value) {
    if (name == "input") return read_input(value);
    if (name == "encoding_format") return read_encoding(value);
    if (name == "model") {
      request_.model = TRY(value.text(512));
      return {};
    }
    if (name == "dimensions") {
      request_.dimensions = TRY(value.whole(1, 16'000));
      return {};
    }
    if (name == "user") {  // ignored: the token says who asks
      TRY(value.text(kMaxValueBytes, true));
      return {};
    }
    return value.wrong("is not known; there are input, model, encoding_format, dimensions and user");
  }

  Result<void> read_input(const Json& value) {
    if (value.type() == simdjson::dom::element_type::STRING) return add_text(value, kMaxInputBytes);
    if (value.type() != simdjson::dom::element_type::ARRAY)
      return value.wrong("must be a string or an array of strings");
    for (const Json& item : TRY(value.array(kMaxInputs))) TRY(add_text(item, kMaxInputBytes));
    if (request_.texts.empty()) return value.wrong("must have at least one string");
    return {};
  }

  Result<void> add_text(const Json& value, std::size_t most) {
    std::string text = TRY(value.text(most));
    if (text.find_first_not_of(" \t\r\n") == std::string::npos)
      return value.wrong("is blank; write the text to embed");
    request_.texts.push_back(std::move(text));
    return {};
  }

  Result<void> read_encoding(const Json& value) {
    const std::string name = TRY(value.text(16));
    if (name != "float" && name != "base64") return value.wrong("must be float or base64");
    request_.base64 = name == "base64";
    return {};
  }

  const bool openai_;
  EmbedRequest request_;
};

}  // namespace

Result<EmbedRequest> parse_embed_request(std::string_view body) {
  simdjson::dom::parser parser;
  return EmbedReader(false).read(TRY(parse_json(parser, body)));
}

Result<EmbedRequest> parse_embeddings_request(std::string_view body) {
  simdjson::dom::parser parser;
  return EmbedReader(true).read(TRY(parse_json(parser, body)));
}

}  // namespace embedd::search
