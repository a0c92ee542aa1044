/// What tests of `embedd serve` share: the table notes with a vectorizer of the built-in model, and a server.
#pragma once

#include <memory>
#include <string>

#include "support/search_client.h"
#include "support/worker_fixture.h"

namespace embedd::test {

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
  SearchReply search(const std::string& body, const std::string& name = "notes");

  std::unique_ptr<Embedd> server;
  std::unique_ptr<SearchClient> client;
};

}  // namespace embedd::test
