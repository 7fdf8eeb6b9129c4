# Builds the example that embeds the order book as a project of its own, and runs it.
# Run as: cmake -D SOURCE=<its directory> -D WORK=<scratch> -D COMPILER=<c++> -P this
foreach(step "${CMAKE_COMMAND};-G;Ninja;-DCMAKE_CXX_COMPILER=${COMPILER};-S;${SOURCE};-B;${WORK}"
             "${CMAKE_COMMAND};--build;${WORK};--target;match_orders")
  execute_process(COMMAND ${step} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${step}\n${output}")
  endif()
endforeach()
file(WRITE ${WORK}/orders "buy 100 5\nsell 99 3\nsell 102 1\ncancel 2\ncancel 1\nbuy 0 1\n")
execute_process(COMMAND ${WORK}/match_orders INPUT_FILE ${WORK}/orders RESULT_VARIABLE result
                OUTPUT_VARIABLE output)
set(wanted "order 1 rests with 5
traded 3 at 100 with order 1
order 3 rests with 1
not in the book
canceled
refused
best bid 0, best ask 102
")
if(NOT result EQUAL 0 OR NOT output STREQUAL wanted)
  message(FATAL_ERROR "match_orders: exit ${result}:\n${output}")
endif()
