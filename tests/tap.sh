# Sourced by the tests of the program's command line: TAP, and what a command said. Sets count, failed and work (a folder
# of the test's own, which the caller's trap takes away); the caller prints "1..$count".
# shellcheck shell=bash
# shellcheck disable=SC2034 # count and failed are the caller's as well
count=0 failed=0
work=$(mktemp -d)

result() { # GOOD NAME
    count=$((count + 1))
    if [ "$1" = 0 ]; then echo "ok $count - $2"; return; fi
    echo "not ok $count - $2"
    failed=$((failed + 1))
    head -n 8 "$work"/out "$work"/err "$work"/*.log 2>/dev/null | cut -c 1-400 | sed 's/^/# /'
}
# The command ends with RC; what it says is in $work/out and $work/err.
run() { # RC NAME COMMAND...
    local want=$1 name=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err" </dev/null
    local rc=$?
    [ $rc -eq "$want" ]
    result $? "$name (exit $want)"
}
says() { grep -qF -- "$2" "$work/$1"; result $? "... says: $2"; } # out|err TEXT
# Wrong input: nothing but one line on standard error, exit code 2.
refuses() { # NAME TEXT COMMAND...
    local name=$1 text=$2
    shift 2
    run 2 "$name" "$@"
    [ "$(wc -l <"$work/err")" -eq 1 ] && [ ! -s "$work/out" ]
    result $? "... in one line, and nothing else"
    says err "$text"
}
json() { # JQ-TEST NAME
    jq -e "$1" "$work/out" >/dev/null 2>&1
    result $? "$2"
}
