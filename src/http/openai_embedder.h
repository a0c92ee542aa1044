/// Embeddings of one endpoint that speaks OpenAI's dialect, or Azure's variant of it, over HTTP.
///
///   Loop loop;
///   OpenAiEmbedder embedder(loop, config);
///   embedder.start({.id = 1, .endpoint = config.name, .model = "text-embedding-3-small", …});
///   while ((replies = embedder.take_replies()).empty()) loop.wait_until(deadline);
///
/// Connections and handles are made on first use and kept. The key goes to the endpoint's own host only and
/// is in no message. Bounds: answers are at most what the request can cause (64 KiB + 512 bytes and 40 bytes
/// a dimension for each input, between 4 and 256 MiB), headers 64 KiB. Time is the caller's to bound:
/// give_up().
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ports.h"
#include "http/endpoint.h"
#include "http/key_file.h"
#include "http/loop.h"
#include "http/post.h"
#include "http/response.h"

namespace embedd {

class OpenAiEmbedder final : public Embedder {
 public:
  /// `config` must be valid, and of the openai or azure dialect.
  OpenAiEmbedder(Loop& loop, EndpointConfig config);
  ~OpenAiEmbedder() override;

  /// The request's `endpoint` is not looked at: this is it. Without a required key, the reply is
  /// `unauthenticated` and nothing is sent.
  void start(const EmbedRequest& request) override;
  std::vector<Reply> take_replies() override;
  void give_up(std::uint64_t id) override;
  void cancel_all() override;
  KeyState key_state(const std::string& endpoint) override;
  [[nodiscard]] std::uint64_t key_version(const std::string& endpoint) const override;
  [[nodiscard]] EndpointLimits limits(const std::string& endpoint) const override;

 private:
  struct InFlight {
    std::unique_ptr<Post> post;
    std::size_t inputs = 0;
    std::uint32_t dimensions = 0;
    std::string model;
    Instant started;
  };

  const Secret& key() const;
  std::shared_ptr<const HeaderList> headers();
  std::string body_of(const EmbedRequest& request) const;
  void finished(std::uint64_t id);
  Result<EmbedAnswer> answer_of(InFlight& in_flight);
  void reply_at_once(std::uint64_t id, ErrorKind kind, std::string message);

  Loop& loop_;
  EndpointConfig config_;
  KeyFile key_file_;
  std::shared_ptr<const HeaderList> headers_;  ///< with the key of headers_version_
  std::uint64_t headers_version_ = 0;
  ResponseParser parser_;
  std::unordered_map<std::uint64_t, InFlight> in_flight_;  ///< by request id
  std::vector<std::unique_ptr<Post>> idle_;
  std::vector<Reply> replies_;
};

}  // namespace embedd
