# Sourced: starts what outlives its starter.
# shellcheck shell=bash

# detached COMMAND... (with "&" behind it): in a session of its own and with none of our files but output and error. A
# lock or a pipe that it took along would be held for as long as it lives.
detached() {
    local fd
    for fd in "/proc/$BASHPID/fd"/*; do
        fd=${fd##*/}
        # 255 is the shell's own, and closed by exec.
        [ "$fd" -le 2 ] || [ "$fd" -eq 255 ] || eval "exec $fd>&-"
    done
    exec setsid "$@" </dev/null
}
