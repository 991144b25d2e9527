package check

// Nearest is the slug that somebody may have meant: the one to which the
// fewest letters must be added, taken away or changed, at most a third of
// them. It is "" when none is near.
func Nearest(slug string) string {
	var slugs []string
	for _, r := range Rules() {
		slugs = append(slugs, r.Slug)
	}
	return NearestOf(slug, slugs)
}

// NearestOf is which of some names may have been meant, likewise.
func NearestOf(name string, names []string) string {
	best, least := "", len(name)/3+1
	for _, n := range names {
		if d := distance(name, n, least); d < least {
			best, least = n, d
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
