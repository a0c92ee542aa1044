/// Whatever a provider sends, reading it must not crash, and what is accepted must be whole, finite and not
/// zero. The first two bytes choose how many inputs and dimensions are expected; the rest is the answer.

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/check.h"
#include "core/job.h"
#include "provider/classify.h"
#include "provider/response.h"

namespace embedd {
namespace {

void check_vectors(const Embeddings& vectors, const provider::Expected& expected) {
  CHECK(vectors.dimensions == expected.dimensions, "{} dimensions, not {}", vectors.dimensions,
        expected.dimensions);
  CHECK(vectors.count() == expected.inputs, "{} vectors, not {}", vectors.count(), expected.inputs);
  for (std::size_t i = 0; i < expected.inputs; ++i) {
    bool zero = true;
    for (std::size_t j = 0; j < expected.dimensions; ++j) {
      const float value = vectors.values[i * expected.dimensions + j];
      CHECK(std::isfinite(value), "value {} of vector {}", j, i);
      zero &= value == 0.0F;
    }
    CHECK(!zero, "vector {} is zero", i);
  }
}

void check_message(const std::string& message) {
  CHECK(!message.empty() && message.size() < 400, "a message of {} bytes", message.size());
  for (const unsigned char c : message) CHECK(c >= 0x20 && c != 0x7F, "a control character in a message");
}

void run(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return;
  const provider::Expected expected{
      .inputs = 1U + data[0] % 4, .dimensions = 1U + data[1] % 40, .model = "model"};
  std::string body(reinterpret_cast<const char*>(data + 2), size - 2);

  provider::ResponseHeaders headers;
  headers.add_line(body.substr(0, body.find('\n')));
  static_cast<void>(provider::rate_limits(headers));
  constexpr int kStatuses[] = {200, 302, 400, 401, 403, 404, 413, 422, 429, 500, 503};
  check_message(provider::classify(kStatuses[data[0] % std::size(kStatuses)], headers, body, 0).message);

  static provider::ResponseParser parser;
  const auto answer = parser.parse(body, headers, expected);
  if (answer)
    check_vectors(answer->vectors, expected);
  else
    check_message(answer.error().message);
}

}  // namespace
}  // namespace embedd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  embedd::run(data, size);
  return 0;
}
