package logs

import (
	"strings"
	"unicode/utf8"

	"beanpole/internal/lazyregexp"
)

// narrowest is the least width of a terminal, in columns, at which lines of a
// table are taken for cut.
const narrowest = 40

// joinedLine stands for a line that was put to the one before it; texts have no
// NULs any more.
const joinedLine = "\x00"

var rim = lazyregexp.New(`^[-+]+$`)

// unwrapped puts the rows of the AWS CLI's tables together that a terminal cut:
// all rows are as long as the table's frame. The number of lines stays.
func unwrapped(lines []string) []string {
	for i := 0; i < len(lines); i++ {
		if !rim.MatchString(lines[i]) {
			continue
		}
		width := len(lines[i])
		if width < narrowest || i+1 == len(lines) || !rim.MatchString(lines[i+1]) || len(lines[i+1]) > width {
			continue
		}
		long, end := width, i
		for end+1 < len(lines) && rim.MatchString(lines[end+1]) && len(lines[end]) == width {
			end++
			long += len(lines[end])
		}
		join(lines, i, end, width)
		i = rows(lines, end+1, width, long)
	}
	return lines
}

// rows puts the rows below a frame together, and is the last line of the table.
func rows(lines []string, from, width, long int) int {
	for from < len(lines) && (strings.HasPrefix(lines[from], "|") || rim.MatchString(lines[from])) {
		have, end := utf8.RuneCountInString(lines[from]), from
		for have < long && end+1 < len(lines) {
			have += max(0, (end-from+1)*width-have) // spaces at a line's end that got lost
			end++
			have += utf8.RuneCountInString(lines[end])
		}
		join(lines, from, end, width)
		from = end + 1
	}
	return from - 1
}

// join puts lines from to end into the first.
func join(lines []string, from, end, width int) {
	var b strings.Builder
	for i := from; i <= end; i++ {
		b.WriteString(lines[i])
		if i < end {
			b.WriteString(strings.Repeat(" ", max(0, width-utf8.RuneCountInString(lines[i]))))
		}
		lines[i] = joinedLine
	}
	lines[from] = b.String()
}
