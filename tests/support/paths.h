/// Where this build's binary and its sources are. Functions, so that no other file's compilation depends on
/// the folder that it is in, and ccache serves every work tree.
#pragma once

#include <filesystem>
#include <string>

namespace embedd::test {

std::string embedd_binary();
/// A file of the sources by its path there: "docs/schema.md".
std::string source_file(const std::string& path);
/// What a file holds; nothing, if it cannot be read.
std::string contents(const std::filesystem::path& file);

}  // namespace embedd::test
