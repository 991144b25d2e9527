package check

// Nearest is the slug that somebody may have meant: the one to which the
// fewest letters must be added, taken away or changed, at most a third of
// them. It is "" when none is near.
func Nearest(slug string) string {
	best, least := "", len(slug)/3+1
	for _, r := range Rules() {
		if n := distance(slug, r.Slug, least); n < least {
			best, least = r.Slug, n
		}
	}
	return best
}

// distance is the number of single changes (Levenshtein) between a and b, at
// most limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left, diagonal := i+1, row[0]
		row[0] = left
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return min(row[len(b)], limit)
}
