# Builds the examples that embed the order book and the exchange as a project of its own, and runs
# them.
# Run as: cmake -D SOURCE=<its directory> -D WORK=<scratch> -D COMPILER=<c++> -P this
find_program(CCACHE ccache)
set(launcher "")
if(CCACHE)
  set(launcher ";-DCMAKE_CXX_COMPILER_LAUNCHER=${CCACHE}")
endif()
foreach(step "${CMAKE_COMMAND};-G;Ninja;-DCMAKE_CXX_COMPILER=${COMPILER}${launcher};-S;${SOURCE};-B;${WORK}"
             "${CMAKE_COMMAND};--build;${WORK}")
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
execute_process(COMMAND ${WORK}/run_exchange RESULT_VARIABLE result OUTPUT_VARIABLE output)
set(wanted "1: symbol 1 added
2: order 1 accepted
3: order 2 accepted
4: 3 traded at 100
the retry changed nothing
2 offered at 100
")
if(NOT result EQUAL 0 OR NOT output STREQUAL wanted)
  message(FATAL_ERROR "run_exchange: exit ${result}:\n${output}")
endif()
