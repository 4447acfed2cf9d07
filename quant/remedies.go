package quant

import (
	"fmt"
	"strconv"
	"strings"
)

// Remedies change a network's weights before they are quantized, or its biases
// after, without changing what it computes in float. They need the network's
// graph, and some of them inputs.
type Remedies struct {
	// Equalize scales channels between two layers so that their weights have
	// like ranges (Nagel et al., "Data-free quantization through weight
	// equalization and bias correction", 2019).
	Equalize bool
	// CorrectBias takes the mean error that quantization makes of each channel
	// off its bias (ibid.).
	CorrectBias bool
	// Smooth, in hundredths, is the strength α with which outliers of
	// activations move into the weights that follow a normalization (Xiao et
	// al., "SmoothQuant", 2023); 0 is none.
	Smooth uint8
}

// The words of remedies, as plan files and the command line have them.
const (
	equalizeWord = "equalize"
	correctWord  = "correct-bias"
	smoothWord   = "smooth"
)

// ParseRemedies reads remedies separated by commas: equalize, correct-bias and
// smooth=0.5.
func ParseRemedies(text string) (r Remedies, err error) {
	if text == "" {
		return r, nil
	}
	for word := range strings.SplitSeq(text, ",") {
		key, value, assigned := strings.Cut(word, "=")
		alpha, bad := strconv.ParseFloat(value, 64)
		switch {
		case word == equalizeWord:
			r.Equalize = true
		case word == correctWord:
			r.CorrectBias = true
		case key == smoothWord && assigned && bad == nil && alpha >= 0.01 && alpha <= 1:
			r.Smooth = uint8(alpha*100 + 0.5)
		default:
			return r, fmt.Errorf("remedy %q is not one; valid: %s, %s, %s=0.01 to %s=1, separated by commas", word, equalizeWord, correctWord, smoothWord, smoothWord)
		}
	}
	return r, nil
}

// String returns r as [ParseRemedies] reads it.
func (r Remedies) String() string {
	var words []string
	if r.Equalize {
		words = append(words, equalizeWord)
	}
	if r.CorrectBias {
		words = append(words, correctWord)
	}
	if r.Smooth > 0 {
		words = append(words, smoothWord+"="+strconv.FormatFloat(float64(r.Smooth)/100, 'g', -1, 64))
	}
	return strings.Join(words, ",")
}
