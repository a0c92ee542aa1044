#include "provider/local_embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "core/models.h"
#include "text/hashing.h"

namespace embedd::provider {

namespace {

constexpr std::uint32_t kMaxInFlight = 4;
constexpr std::uint32_t kMaxInputs = 256;

Result<EmbedAnswer> embed(const EmbedRequest& request) {
  if (request.model != kLocalModel)
    return fail(ErrorKind::misconfigured,
                fmt::format("the local endpoint has the model {} only, not {}", kLocalModel, request.model));
  EmbedAnswer answer{.model = std::string(kLocalModel), .computed_here = true};
  const auto dimensions = static_cast<std::size_t>(request.dimensions);
  answer.vectors.dimensions = static_cast<std::uint32_t>(request.dimensions);
  answer.vectors.values.resize(request.inputs.size() * dimensions);
  for (std::size_t i = 0; i < request.inputs.size(); ++i)
    hash_embed(request.inputs[i], std::span(answer.vectors.values).subspan(i * dimensions, dimensions));
  return answer;
}

}  // namespace

LocalEmbedder::LocalEmbedder(Io& io, const EndpointConfig& config) : io_(io), limits_(config.limits) {
  limits_.max_in_flight = std::min(limits_.max_in_flight, kMaxInFlight);
  limits_.max_inputs = std::min(limits_.max_inputs, kMaxInputs);
}

void LocalEmbedder::start(const EmbedRequest& request) {
  const Instant started = std::chrono::steady_clock::now();
  Reply reply{.id = request.id, .answer = embed(request)};
  reply.took = std::chrono::steady_clock::now() - started;
  replies_.push_back(std::move(reply));
  io_.wake();
}

std::vector<Reply> LocalEmbedder::take_replies() { return std::exchange(replies_, {}); }

}  // namespace embedd::provider
