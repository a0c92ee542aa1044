#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>

#include "app/chunk.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace embedd::cli {

namespace {

void print_json(const app::ChunkShown& shown) {
  JsonWriter json;
  json.object().key("chunk_seq").value(shown.number).key("tokens").value(shown.tokens);
  json.key("tokens_exact").value(shown.exact).key("chunk").value(shown.chunk.text);
  json.key("sent").value(shown.chunk.sent);
  print(json.end().str() + "\n");
}

void print_text(const app::ChunkShown& shown) {
  print(paint(Colour::bold, fmt::format("── chunk {}, {}{} tokens", shown.number,
                                        shown.exact ? "" : "at most ", shown.tokens)) +
        "\n");
  std::string_view rest = shown.chunk.sent;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    print(printable(rest.substr(0, end)) + "\n");
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

}  // namespace

Result<int> chunk(Context& context, const ChunkArguments& arguments) {
  std::ifstream file;
  if (arguments.file != "-") {
    file.open(arguments.file, std::ios::binary);
    if (!file)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("the file {} cannot be read; name one that can, or - for standard input",
                              arguments.file));
  }
  std::istream& text = arguments.file == "-" ? std::cin : file;
  TRY(app::chunk(context.config, arguments.request, text, [&](const app::ChunkShown& shown) {
    if (context.json)
      print_json(shown);
    else
      print_text(shown);
  }));
  return kDone;
}

}  // namespace embedd::cli
