/// Embeddings of one endpoint that speaks OpenAI's dialect, or Azure's variant of it, over HTTP.
///
///   Loop loop;
///   OpenAiEmbedder embedder(loop, config);
///   embedder.start({.id = 1, .endpoint = config.name, .model = "text-embedding-3-small", …});
///   while ((replies = embedder.take_replies()).empty()) loop.wait_until(deadline);
///
/// Connections and handles are made on first use and kept. The key goes only to the endpoint's own host, and
/// no message contains it. An optional parameter (`encoding_format`, `dimensions`) that the endpoint refuses
/// for a model is omitted from then on, and the refused request is sent again at once. Bounds: an answer has
/// at most what the request can cause (64 KiB, and for each input 512 bytes and 40 bytes a dimension; between
/// 4 and 256 MiB), headers have at most 64 KiB. The caller bounds the time with give_up().
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/redaction.h"
#include "core/embedder.h"
#include "provider/endpoint.h"
#include "provider/key_file.h"
#include "provider/loop.h"
#include "provider/post.h"
#include "provider/response.h"

namespace embedd::provider {

class OpenAiEmbedder final : public Embedder {
 public:
  /// `config` must be valid, and of the openai or azure dialect.
  OpenAiEmbedder(Loop& loop, EndpointConfig config);
  ~OpenAiEmbedder() override;

  /// Ignores the request's `endpoint`. If a required key is missing, the reply is `unauthenticated` and
  /// nothing is sent.
  void start(const EmbedRequest& request) override;
  std::vector<Reply> take_replies() override;
  void give_up(std::uint64_t id) override;
  void cancel_all() override;
  KeyState key_state(const std::string& endpoint) override;
  [[nodiscard]] std::uint64_t key_version(const std::string& endpoint) const override;
  [[nodiscard]] EndpointLimits limits(const std::string& endpoint) const override;
  [[nodiscard]] LeftOut left_out(const std::string& endpoint, const std::string& model) const override;
  void leave_out(const std::string& endpoint, const std::string& model, LeftOut which) override;

 private:
  /// Which optional parameters are sent for a model.
  struct Form {
    bool encoding_format = true;
    bool dimensions = true;
    std::string refusal;  ///< the server's words when it refused `dimensions`
  };
  struct InFlight {
    std::unique_ptr<Post> post;
    std::size_t inputs = 0;
    std::uint32_t dimensions = 0;
    std::string model;
    bool send_dimensions = false;  ///< if the endpoint takes it
    Form form;                     ///< the optional parameters that were sent
    std::size_t options_at = 0;    ///< where the optional parameters begin in the body
    std::uint64_t most_tokens = 0;
    Instant started;
  };

  const Secret& key() const;
  std::shared_ptr<const HeaderList> headers();
  /// The body up to the end of the inputs; the rest depends on the form.
  std::string body_of(const EmbedRequest& request) const;
  void send(std::uint64_t id, InFlight& in_flight, std::string body);
  /// True if the server refused a parameter that was sent. From now on that parameter is omitted for the
  /// model.
  bool learns_from(InFlight& in_flight, const Result<EmbedAnswer>& answer);
  /// Most tokens that a true answer can claim for the request.
  [[nodiscard]] std::uint64_t most_tokens(const EmbedRequest& request) const;
  void finished(std::uint64_t id);
  Result<EmbedAnswer> answer_of(InFlight& in_flight);
  void reply_at_once(std::uint64_t id, ErrorKind kind, std::string message);

  Loop& loop_;
  EndpointConfig config_;
  KeyFile key_file_;
  std::vector<HiddenSecret> hidden_;           ///< the key and the values of the further headers
  std::shared_ptr<const HeaderList> headers_;  ///< contains the key of headers_version_
  std::uint64_t headers_version_ = 0;
  ResponseParser parser_;
  std::map<std::string, Form> forms_;                      ///< by model
  std::unordered_map<std::uint64_t, InFlight> in_flight_;  ///< by request id
  std::vector<std::unique_ptr<Post>> idle_;
  std::vector<Reply> replies_;
};

}  // namespace embedd::provider
