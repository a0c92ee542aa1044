#include "provider/embedders.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "core/batch.h"
#include "provider/local_embedder.h"
#include "provider/openai_embedder.h"

namespace embedd::provider {

namespace {

std::unique_ptr<Embedder> make_embedder(Loop& loop, EndpointConfig config) {
  if (config.dialect == Dialect::local) return std::make_unique<LocalEmbedder>(loop, config);
  return std::make_unique<OpenAiEmbedder>(loop, std::move(config));
}

}  // namespace

Embedders::Embedders(Loop& loop, std::vector<EndpointConfig> configs) : loop_(loop) {
  for (EndpointConfig& config : configs) {
    const std::string name = config.name;
    const bool added = by_name_.emplace(name, make_embedder(loop, std::move(config))).second;
    CHECK(added, "two endpoints named {}", name);
  }
}

Embedders::~Embedders() = default;

void Embedders::start(const EmbedRequest& request) {
  if (Embedder* const embedder = find(request.endpoint)) return embedder->start(request);
  replies_.push_back(
      {.id = request.id,
       .answer = fail(ErrorKind::misconfigured,
                      fmt::format("endpoint \"{}\" is not configured here", request.endpoint))});
  loop_.wake();
}

std::vector<Reply> Embedders::take_replies() {
  std::vector<Reply> all = std::exchange(replies_, {});
  for (const auto& [name, embedder] : by_name_) {
    std::vector<Reply> replies = embedder->take_replies();
    std::ranges::move(replies, std::back_inserter(all));
  }
  return all;
}

void Embedders::give_up(std::uint64_t id) {
  for (const auto& [name, embedder] : by_name_) embedder->give_up(id);
}

void Embedders::cancel_all() {
  for (const auto& [name, embedder] : by_name_) embedder->cancel_all();
}

KeyState Embedders::key_state(const std::string& endpoint) {
  Embedder* const embedder = find(endpoint);
  return embedder == nullptr ? KeyState::undefined : embedder->key_state(endpoint);
}

std::uint64_t Embedders::key_version(const std::string& endpoint) const {
  const Embedder* const embedder = find(endpoint);
  return embedder == nullptr ? 0 : embedder->key_version(endpoint);
}

EndpointLimits Embedders::limits(const std::string& endpoint) const {
  const Embedder* const embedder = find(endpoint);
  return embedder == nullptr ? EndpointLimits{} : embedder->limits(endpoint);
}

LeftOut Embedders::left_out(const std::string& endpoint, const std::string& model) const {
  const Embedder* const embedder = find(endpoint);
  return embedder == nullptr ? LeftOut{} : embedder->left_out(endpoint, model);
}

void Embedders::leave_out(const std::string& endpoint, const std::string& model, LeftOut which) {
  if (Embedder* const embedder = find(endpoint)) embedder->leave_out(endpoint, model, which);
}

Embedder* Embedders::find(const std::string& endpoint) const {
  const auto found = by_name_.find(endpoint);
  return found == by_name_.end() ? nullptr : found->second.get();
}

namespace {

Trial attempt(EndpointConfig config, const std::string& prefix, const std::string& model, int dimensions,
              bool send_dimensions, std::vector<std::string_view> inputs) {
  config.document_prefix = prefix;
  const std::string name = config.name;
  const Instant began = SteadyClock().now(), deadline = began + config.timeout;
  const seconds timeout = config.timeout;
  Loop loop;
  const std::unique_ptr<Embedder> embedder = make_embedder(loop, std::move(config));
  embedder->start({.id = 1,
                   .endpoint = name,
                   .model = model,
                   .dimensions = dimensions,
                   .send_dimensions = send_dimensions,
                   .inputs = std::move(inputs)});
  while (true) {
    std::vector<Reply> replies = embedder->take_replies();
    const Instant now = SteadyClock().now();
    if (replies.empty() && now >= deadline)
      replies.push_back({.answer = fail(ErrorKind::unavailable, fmt::format("{} gave no answer within {} s",
                                                                            name, timeout.count()))});
    if (!replies.empty())
      return {.answer = std::move(replies.front().answer),
              .left_out = embedder->left_out(name, model),
              .took = now - began};
    loop.wait_until(deadline);
  }
}

}  // namespace

Trial try_endpoint(const EndpointConfig& config, const std::string& model, int dimensions,
                   bool send_dimensions) {
  return attempt(config, config.document_prefix, model, dimensions, send_dimensions, {kCanary});
}

Result<EmbedAnswer> embed_once(EndpointConfig config, const std::string& prefix, const std::string& model,
                               int dimensions, bool send_dimensions, std::vector<std::string_view> inputs) {
  return attempt(std::move(config), prefix, model, dimensions, send_dimensions, std::move(inputs)).answer;
}

}  // namespace embedd::provider
