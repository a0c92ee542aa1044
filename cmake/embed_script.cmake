# Writes OUT/NAME.h and OUT/NAME.cc with the contents of FILES as byte arrays.
file(MAKE_DIRECTORY ${OUT})
file(WRITE ${OUT}/${NAME}.h
"#pragma once
#include <span>
#include \"base/embedded_file.h\"
namespace embedd::embedded {
std::span<const File> ${NAME}();
}  // namespace embedd::embedded
")
set(arrays "")
set(entries "")
set(count 0)
foreach(file IN LISTS FILES)
  get_filename_component(base ${file} NAME)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(APPEND arrays "const char kFile${count}[] = {${bytes}'\\0'};\n")
  string(APPEND entries "    {\"${base}\", {kFile${count}, sizeof(kFile${count}) - 1}},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUT}/${NAME}.cc
"#include \"embedded/${NAME}.h\"
namespace embedd::embedded {
namespace {
${arrays}
const File kFiles[] = {
${entries}};
}  // namespace
std::span<const File> ${NAME}() { return kFiles; }
}  // namespace embedd::embedded
")
