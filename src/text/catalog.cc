#include "text/catalog.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/log.h"
#include "base/units.h"
#include "core/models.h"
#include "text/cl100k_embedded.h"

namespace embedd {
namespace {

Result<std::string> read_file(const std::string& path) {
  constexpr std::size_t kMost = 4 * kMiB;  // the real file has 1.7 MB
  std::string contents(kMost, '\0');
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return fail(ErrorKind::invalid_argument, std::strerror(errno));
  contents.resize(std::fread(contents.data(), 1, kMost, file));
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return fail(ErrorKind::invalid_argument, "cannot read the file");
  return contents;
}

}  // namespace

bool Tokenizers::has_vocabulary(std::string_view model) {
  model.remove_prefix(model.rfind('/') + 1);  // without a slash: npos + 1 is 0
  const ModelFacts* facts = model_facts(model);
  return facts != nullptr && facts->cl100k;
}

const Tokenizer& Tokenizers::tokenizer_for(std::string_view model) const {
  if (!has_vocabulary(model)) return bytes_;
  std::call_once(loaded_, [this] { load_cl100k(); });
  if (cl100k_ == nullptr) return bytes_;
  return *cl100k_;
}

void Tokenizers::load_cl100k() const {
  if (ranks_file_.empty() && cl100k_embedded().empty()) {
    log::warn("tokenizer_ranks_missing",
              {{"effect", "tokens are counted as bytes"},
               {"remedy",
                "set EMBEDD_TOKENIZER_RANKS to cl100k_base.tiktoken, or run ./dev setup and build again"}});
    return;
  }
  Result<std::string> file = ranks_file_.empty() ? std::string() : read_file(ranks_file_);
  Result<std::unique_ptr<Cl100k>> cl100k =
      !file ? std::unexpected(file.error()) : Cl100k::load(ranks_file_.empty() ? cl100k_embedded() : *file);
  if (!cl100k) {
    log::warn("tokenizer_ranks_unusable", {{"file", ranks_file_.empty() ? "built in" : ranks_file_},
                                           {"error", cl100k.error().message},
                                           {"effect", "tokens are counted as bytes"}});
    return;
  }
  cl100k_ = std::move(*cl100k);
}

}  // namespace embedd
