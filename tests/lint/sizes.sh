#!/usr/bin/env bash
# File and function lengths: a long one is a design telling you something. Limits: 400 lines a file, 60 a function.
set -u
# shellcheck disable=SC2016
git ls-files -co --exclude-standard '*.c' '*.h' | xargs awk '
FNR == 1 { if (file && lines > 400) { print file ": " lines " lines, 400 allowed"; bad = 1 } infn = 0 }
{ file = FILENAME; lines = FNR }
/^[a-zA-Z_].*\)? *\{$/ && !/^(struct|union|enum|static const struct|const struct|extern|typedef)[^(]*\{$/ && !/= *\{$/ { infn = FNR }
/^    *[a-zA-Z_].*\) *\{$/ && !infn && FNR > 1 { if (prev ~ /^[a-zA-Z_].*[(,]$/) infn = FNR - 1 }
/^}/ { if (infn && FNR - infn + 1 > 60) { print file ":" infn ": function of " FNR - infn + 1 " lines, 60 allowed"; bad = 1 } infn = 0 }
{ prev = $0 }
END { if (lines > 400) { print file ": " lines " lines, 400 allowed"; bad = 1 } exit bad }
'
