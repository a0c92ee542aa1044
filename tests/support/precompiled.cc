// Nothing: the source of a library that exists for its precompiled headers (tests/CMakeLists.txt).
