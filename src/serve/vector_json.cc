#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/json.h"
#include "serve/search_json.h"

namespace embedd::serve {
namespace {

std::string base64_of(std::span<const float> values) {
  static constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes(values.size_bytes(), '\0');
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t here = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k)
      three = three << 8 | (k < here ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= here ? kLetters[three >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

void write_vector(JsonWriter& json, const std::vector<float>& vector, bool base64) {
  if (base64) {
    json.value(base64_of(vector));
    return;
  }
  json.array();
  for (const float value : vector) json.raw(fmt::format("{}", value));
  json.end();
}

}  // namespace

std::string vector_json(const app::VectorAnswer& answer, bool base64) {
  JsonWriter json;
  json.object().key("vector");
  write_vector(json, answer.vectors.front(), base64);
  json.key("model").value(answer.model).key("dimensions");
  json.value(static_cast<std::uint64_t>(answer.vectors.front().size())).key("tokens").value(answer.tokens);
  return json.key("took_ms").value(answer.took_ms).end().str() + "\n";
}

std::string embeddings_json(const app::VectorAnswer& answer, bool base64) {
  JsonWriter json;
  json.object().key("object").value("list").key("data").array();
  std::uint64_t index = 0;
  for (const std::vector<float>& vector : answer.vectors) {
    json.object().key("object").value("embedding").key("index").value(index++).key("embedding");
    write_vector(json, vector, base64);
    json.end();
  }
  json.end().key("model").value(answer.model).key("usage").object();
  json.key("prompt_tokens").value(answer.tokens).key("total_tokens").value(answer.tokens).end();
  return json.end().str() + "\n";
}

}  // namespace embedd::serve
