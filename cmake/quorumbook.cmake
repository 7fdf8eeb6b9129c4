# What every room's CMakeLists.txt uses: warnings, sanitizers, the cache, and three short ways to
# declare a library, a program and a test.

# Paths are hashed relative to the source directory, so that every build directory beside it hits
# the same cache.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
                                  CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

add_library(quorumbook_flags INTERFACE)
target_include_directories(quorumbook_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(
  quorumbook_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror
  # Options and orders are written {.name = value}; what is left out has its default. And GCC 12's
  # std::stable_sort is made of something that C++20 deprecates, which clang says of its callers.
  "$<$<CXX_COMPILER_ID:Clang>:-Wno-missing-designated-field-initializers;-Wno-deprecated-declarations>")
# Everywhere, so that CHECKs and containers see the same memory layout in all parts.
if(QUORUMBOOK_SANITIZER)
  add_compile_options(-fsanitize=${QUORUMBOOK_SANITIZER} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${QUORUMBOOK_SANITIZER})
endif()
if(QUORUMBOOK_SANITIZER AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # What sanitizers add makes g++ see false ones (gcc's manual, -fsanitize), in <regex> for one.
  add_compile_options(-Wno-maybe-uninitialized)
endif()
if(QUORUMBOOK_SANITIZER MATCHES "thread")
  # The sanitizer does not know fences; without them it still sees the locks of Asio's queues.
  add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()

# quorumbook_library(NAME SOURCES a.cc ... [DEPENDS target ...])
function(quorumbook_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(quorumbook_${name} STATIC ${ARG_SOURCES})
  add_library(quorumbook::${name} ALIAS quorumbook_${name})
  target_link_libraries(quorumbook_${name} PUBLIC quorumbook_flags ${ARG_DEPENDS})
endfunction()

# quorumbook_program(NAME SOURCES a.cc ... [DEPENDS target ...]): bin/NAME in the build directory
function(quorumbook_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE quorumbook_flags ${ARG_DEPENDS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# quorumbook_use_fast_malloc(PROGRAM): an allocator whose threads do not share locks, for programs
# that pass messages from thread to thread.
function(quorumbook_use_fast_malloc program)
  if(QUORUMBOOK_MALLOC)
    target_link_libraries(${program} PRIVATE ${QUORUMBOOK_MALLOC})
  endif()
endfunction()

# quorumbook_test(NAME SOURCES a_test.cc ... [DEPENDS target ...]): one GoogleTest program, which
# is one CTest test.
function(quorumbook_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE quorumbook_flags ${ARG_DEPENDS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()
