#!/usr/bin/env bash
# Things that must not stand in the tree: unfinished marks, line comments in C, machine paths, non-ASCII in C.
set -u
bad=0
hit() { [ -z "$2" ] || { echo "words: $1:" >&2; echo "$2" >&2; bad=1; }; }
hit "unfinished marks" "$(grep -rnE '\b(TO''DO|FIX''ME|XX''X|HA''CK)\b' topology webhook tests Makefile README.md --include='*.[ch]' --include='*.sh' --include=Makefile --include=README.md | head)"
hit "line comments in C (use /* */)" "$(grep -rnE '(^|[^:"])//( |$)' topology webhook tests --include='*.[ch]' | grep -vE '"[^"]*//[^"]*"' | head)"
hit "bytes beyond ASCII in C (write them as escapes)" "$(LC_ALL=C grep -rnP '[^\x00-\x7F]' topology webhook --include='*.[ch]' | head)"
exit $bad
