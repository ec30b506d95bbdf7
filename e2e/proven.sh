#!/bin/sh
# proven.sh SUMMARY FILE: writes the last evidence of each kind of run in SUMMARY,
# which make e2e appends to, as a table between the marks of FILE. The kind is the
# first word of a run's first test: Live, Flux. A run that failed proves nothing.
set -eu
rows=$(awk -v RS= -F '\n' '
	$1 !~ /: all passed$/ { next }
	{
		match($2, /^Test[A-Z][a-z]*/)
		last[substr($2, 1, RLENGTH)] = ++n
		blocks[n] = $0
	}
	END {
		for (kind in last) shown[last[kind]] = 1
		for (i = 1; i <= n; i++) {
			if (!(i in shown)) continue
			count = split(blocks[i], lines, "\n")
			sub(/: all passed$/, "", lines[1])
			print "| **" lines[1] "** | | |"
			split("", without)
			for (j = 2; j <= count; j++) {
				split(lines[j], words, ": ")
				test[j] = words[1]
				name[j] = words[2]
				value[j] = substr(lines[j], length(words[1]) + length(words[2]) + 5)
				gsub(/\|/, "\\|", value[j])
				if (name[j] == "without the rule") without[test[j]] = value[j]
			}
			for (j = 2; j <= count; j++) {
				if (name[j] == "without the rule") continue
				print "| " name[j] " (`" test[j] "`) | " value[j] " | " without[test[j]] " |"
				delete without[test[j]] # once for each test
			}
		}
	}' "$1")
if [ -z "$rows" ]; then
	echo "proven.sh: no run that passed in $1" >&2
	exit 1
fi
printf '%s\n' '| what | seen | without the rule |' '|---|---|---|' "$rows" >"$2.rows"
sed -e '/<!-- proven -->/,/<!-- \/proven -->/{
	/<!-- proven -->/{
		p
		r '"$2.rows"'
	}
	/<!-- \/proven -->/!d
}' "$2" >"$2.new"
rm "$2.rows"
mv "$2.new" "$2"
