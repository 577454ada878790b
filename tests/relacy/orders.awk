# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The memory orders and the barriers of a C file, function by function, or macro.
#
#   awk -f orders.awk FILE                     prints: FUNCTION N ORDER
#   awk -v in_function=FUNCTION -v nth=N -v from=ORDER -v to=ORDER \
#       -f orders.awk FILE
#                                              prints the file with that one changed
#
# A barrier's ORDER is the name of its function; each of these counts for itself.
# Another ORDER in its place is `nothing', or a condition: else it is left out.

/^[a-z].*[a-z_0-9]+\(/ && !/;[ \t]*$/ {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
	split("", count)
}

# Prints one, or answers what stands in its place.
function change(text, order, kind,  n, where) {
	where = name
	if (/^#define/) {
		where = $2
		n = 1
	} else {
		n = ++count[kind]
	}
	if (to == "")
		print where, n, order
	if (to == "" || where != in_function || n != nth || order != from)
		return text
	if (kind == "order")
		return "memory_order_" to
	return to == "nothing" ? "1" : "(!(" to ") || " text ")"
}

!/^[ \t]*(\*[ \/]|\*$|\/\*)/ {
	rest = $0
	line = ""
	while (match(rest, /memory_order_[a-z_]+|(conc_rcu_barrier|conc_rcu_mb_slave|cmm_smp_mb|cmm_barrier)\(\)/)) {
		text = substr(rest, RSTART, RLENGTH)
		order = kind = text
		if (sub(/^memory_order_/, "", order))
			kind = "order"
		else
			sub(/\(\)$/, "", order)
		line = line substr(rest, 1, RSTART - 1) change(text, order, kind)
		rest = substr(rest, RSTART + RLENGTH)
	}
	$0 = line rest
}

to != "" { print }
