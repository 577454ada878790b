# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The memory orders of a C file, function by function.
#
#   awk -f orders.awk FILE                     prints: FUNCTION N ORDER
#   awk -v in_function=FUNCTION -v nth=N -v from=ORDER -v to=ORDER \
#       -f orders.awk FILE
#                                              prints the file with that one changed

/^[a-z].*[a-z_0-9]+\(/ && !/;[ \t]*$/ {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
	n = 0
}

!/^[ \t]*(\*[ \/]|\*$|\/\*)/ {
	rest = $0
	line = ""
	while (match(rest, /memory_order_[a-z_]+/)) {
		order = substr(rest, RSTART + 13, RLENGTH - 13)
		n++
		if (to == "")
			print name, n, order
		else if (name == in_function && n == nth && order == from)
			order = to
		line = line substr(rest, 1, RSTART + 12) order
		rest = substr(rest, RSTART + RLENGTH)
	}
	$0 = line rest
}

to != "" { print }
