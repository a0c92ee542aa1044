/// What tests of `embedd serve` share: the table notes with a vectorizer of the built-in model, and a server.
#pragma once

#include <memory>
#include <string>

#include "support/search_client.h"
#include "support/worker_fixture.h"

namespace embedd::test {

/// The tokens of ServeTest::serve_with().
inline constexpr const char* kAll = "0123456789abcdef-all";      ///< of EMBEDD_API_TOKEN
inline constexpr const char* kSome = "0123456789abcdef-some";    ///< of [token.some]
inline constexpr const char* kOther = "0123456789abcdef-other";  ///< of [token.other]

class ServeTest : public WorkerTest {
 protected:
  /// The table notes(id, title, body, stars, open, tags, meta, embedding), and its vectorizer, whose vectors
  /// are of `endpoint`; `local` has near vectors for equal words. `text_search`: empty for none.
  void declare_notes(const std::string& text_search = "english", const std::string& endpoint = "local");
  void find_words(const std::string& name, const std::string& configuration);
  void add_notes(int count);
  /// The table articles(id, title, body, kind) with twelve rows, and its vectorizer with a store of chunks.
  void declare_articles();
  void embed_all();
  /// Starts the server, and a client with `token`.
  void serve(const Environment& changes = {}, const std::string& token = "");
  /// Starts the server with the tokens kSome, of a table with the lines `rights`, kOther and kAll. The
  /// client's token is kSome.
  void serve_with(const std::string& rights);
  /// Waits until the server's log has `part`: a request is logged after its reply.
  void expect_logged(const std::string& part);
  SearchReply search(const std::string& body, const std::string& name = "notes");

  std::unique_ptr<Embedd> server;
  std::unique_ptr<SearchClient> client;
};

}  // namespace embedd::test
