#include "provider/reranker.h"

#include <fmt/format.h>

#include <ctime>
#include <utility>

#include "provider/classify.h"

namespace embedd::provider {
namespace {

constexpr std::size_t kMostIdle = 16;

}  // namespace

Reranker::Reranker(Loop& loop, RerankConfig config, Done done)
    : loop_(loop),
      config_(std::move(config)),
      done_(std::move(done)),
      key_file_(config_.endpoint.api_key_file),
      hidden_(config_.endpoint.api_key, {config_.name, std::string(host_of(config_.endpoint.base_url))}) {}

Reranker::~Reranker() = default;

KeyState Reranker::key_state() {
  if (!config_.endpoint.api_key_file.empty()) key_file_.refresh();
  return key().empty() && config_.endpoint.key_required ? KeyState::missing : KeyState::present;
}

const Secret& Reranker::key() const {
  return config_.endpoint.api_key_file.empty() ? config_.endpoint.api_key : key_file_.key();
}

void Reranker::start(std::uint64_t id, std::string_view query, const std::vector<std::string>& texts) {
  auto headers = std::make_shared<HeaderList>();
  headers->add("Content-Type: application/json");
  headers->add("Accept: application/json");
  headers->add("Expect:");  // otherwise libcurl waits up to a second for 100 Continue before a large body
  if (!key().empty()) headers->add(fmt::format("Authorization: Bearer {}", key().reveal()));
  InFlight& sent = in_flight_[id];
  sent.texts = texts.size();
  if (idle_.empty()) {
    sent.post = std::make_unique<Post>(loop_, config_.endpoint);
  } else {
    sent.post = std::move(idle_.back());
    idle_.pop_back();
  }
  sent.post->start(config_.endpoint.base_url, std::move(headers), rerank_body(config_, query, texts),
                   kMostAnswer, [this, id](Post&) { finished(id); });
}

void Reranker::give_up(std::uint64_t id) {
  if (const auto node = in_flight_.extract(id); !node.empty()) node.mapped().post->cancel();
}

void Reranker::finished(std::uint64_t id) {
  auto node = in_flight_.extract(id);
  InFlight& sent = node.mapped();
  auto scores = scores_of(*sent.post, config_.shape, sent.texts);
  sent.post->clear();
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(sent.post));
  done_(id, std::move(scores));
}

Result<std::vector<double>> Reranker::scores_of(Post& post, RerankShape shape, std::size_t texts) {
  const int status = TRY(post.status());
  if (status != 200)
    return std::unexpected(classify(status, post.headers(), post.answer(), std::time(nullptr)));
  return read_scores(shape, post.answer(), texts);
}

}  // namespace embedd::provider
