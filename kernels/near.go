package kernels

import "strings"

// FormatsNear returns the names of the formats that text may have meant,
// whatever the case: those it begins or, if there is none, those that differ in
// the fewest letters, at most two.
func FormatsNear(text string) []string {
	text = strings.ToLower(text)
	var begun, nearest []string
	least := min(2, len(text)/2)
	for _, f := range Formats {
		name := strings.ToLower(f.Name)
		if text != "" && strings.HasPrefix(name, text) {
			begun = append(begun, f.Name)
		}
		switch n := edits(text, name); {
		case n < least:
			least, nearest = n, []string{f.Name}
		case n == least:
			nearest = append(nearest, f.Name)
		}
	}
	if len(begun) > 0 {
		return begun
	}
	return nearest
}

// edits returns how many bytes must be put in, left out or replaced to make b
// of a (Levenshtein 1965).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
