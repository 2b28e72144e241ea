package account

import "strconv"

func text(n int64) string { return strconv.FormatInt(n, 10) }

// number is 0 for what is none.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

// id is 0 for a reference that is not there.
func id(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
