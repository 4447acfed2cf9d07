package kernels

import (
	"regexp"
	"strconv"
	"strings"
)

// Doc returns what there is to know of the format: what a code means and where
// that is defined. Formats that differ in their bits alone share a text.
func (f *Format) Doc() string {
	for _, d := range formatDocs {
		if regexp.MustCompile(d.names).MatchString(f.Name) {
			return strings.ReplaceAll(d.text, "\n", " ")
		}
	}
	return ""
}

// ValuesDoc lists what codes stand for before scaling, where that is short and
// says more than a run of integers would.
func (f *Format) ValuesDoc() string {
	v := f.values()
	n := len(v)
	if n < 4 || n > 16 || v[n-1]-v[0] == float32(n-1) {
		return ""
	}
	var list []string
	symmetric := n%2 == 1
	for i, x := range v {
		symmetric = symmetric && x == -v[n-1-i]
	}
	for _, x := range v {
		text := strings.Replace(strconv.FormatFloat(float64(x), 'g', 5, 32), "-", "−", 1)
		switch {
		case symmetric && x < 0:
			continue
		case symmetric && x > 0:
			text = "±" + text
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

// FamilyDoc returns what the formats of a family have in common.
func FamilyDoc(family string) string { return strings.ReplaceAll(familyDocs[family], "\n", " ") }

var familyDocs = map[string]string{
	"float": `Floats that every weight is converted to by itself, to the nearest, ties to even. There is no scale and no dial.
What is too large becomes the largest finite value, and counts as clipped.`,
	"int": `Integers times a scale, with a zero point or without. A scale is shared by a tensor, a channel or a group; the clipping
range that it follows from, the rounding and the way scales are stored are dials. search=optimal, for symmetric integers, takes the scale of least squared error
of all: as it falls, codes change one at a time, and every set of codes that is best for some scale is tried with the scale that is best for it.`,
	"ggml": `The block formats of ggml and GGUF. Bytes are those of the reference implementation, bit for bit, with and without importance
weights, which say how much the squared error of each column of a row matters. Where a format cannot be packed without them and there are none, all
weights matter alike. Rows must consist of whole blocks. search=optimal, where a format has one scale (and one offset) per block, finds the scale of
least squared error instead of the one among the few dozen that the reference tries: other bytes in the same
layout, which any reader takes, and never more error.`,
	"small float": `Floats of 4 to 8 bits times a scale: the largest weight of a unit becomes the largest value. A code is a sign, an exponent E and m bits of mantissa M:
±2^(E−bias)·(1 + M/2^m), or ±2^(1−bias)·M/2^m where E is 0. (posit8 is made otherwise.) unscaled leaves the scale away and
converts weights as they are. All six roundings choose between the two values beside a weight; beyond the largest finite value they saturate.`,
	"block-scaled": `Small elements, a few of which share a small scale that is part of the format. Only the rounding is a dial. ggml has formats of the same
names with other conventions, which end in _ggml here. Its mxfp4 takes the logarithm of the largest magnitude in float32, which rounds maxima just below a power
of two up to it, does not limit the exponent, settles ties between two elements towards zero (2.5 becomes 2), where OCP's go to the even mantissa, and has no negative zero. Its nvfp4 has no
scale of the tensor: the block's E4M3 scale is max|x|/6 itself, rounded half up, 448 from 256 on, and ties go towards zero.`,
	"codebook":   `A code is the index of a value in a list: one that is given, times a scale, or one that is fitted to the weights and stored beside them.`,
	"few values": `One to a handful of values times a scale. Where the scale follows from the mean magnitude of the unit there is no clipping range to choose.`,
}

// formatDocs is the table of texts; the first that matches a name is its own.
var formatDocs = []struct {
	names string // a regular expression
	text  string
}{
	{`^f32$`, `IEEE 754 binary32: a sign, 8 exponent bits, 23 of mantissa. Weights are computed with in it; storing them so costs nothing but bytes.`},
	{`^f16$`, `IEEE 754 binary16: a sign, 5 exponent bits, 10 of mantissa; normal from 2^-14 to 65504, in steps of 2^-24 below.`},
	{`^bf16$`, `bfloat16: the upper half of a binary32, so its range with 7 bits of mantissa.`},
	{`^int1$`, `x = (q − z)·s, always asymmetric: q and z are −1 or 0, s is the width of the range, so the values are 0 and s, or −s and 0 where the range reaches further down than up.
For signs times a magnitude see binary.`},
	{`^int\d+$`, `x = (q − z)·s. Symmetric: z = 0, q within ±(2^(b−1)−1), s = bound/(2^(b−1)−1), as ONNX Runtime has it; with range=full all 2^b codes, as torch's
symmetric observers have it. Asymmetric: all 2^b codes, s = (hi−lo)/(2^b−1), z = q_min − round(lo/s). Weights become codes by q = clamp(round(x·(1/s)) + z).`},
	{`^q4_0$|^q5_0$|^q8_0$`, `x = d·c, d a binary16 per 32 weights. q4_0 and q5_0 give the weight of the largest magnitude the lowest code, −8 or −16, which is the furthest from zero, so d may
be negative; q8_0 has d = max|x|/127.`},
	{`^q4_1$|^q5_1$`, `x = d·c + m, d and m binary16 per 32 weights: codes span the weights exactly, m = min x. With importance weights a search chooses both.`},
	{`^q1_0$`, `x = ±d, d = mean|x| as binary16 per 128 weights, a bit per sign.`},
	{`^q2_0$`, `x = −d, 0 or d, d = max|x| as binary16 per 64 weights, two bits per code.`},
	{`^q[245]_K$`, `x = d·s·c − m·o: 256 weights in sub-blocks of 32 (q2_K: 16), each with a scale s and an offset o of 6 bits (q2_K: 4), d and m binary16. A search tries a row of
scales for each sub-block, rounds, fits scale and offset by weighted least squares, and keeps the best; scales and offsets are then quantized, and codes rounded anew.`},
	{`^q[36]_K$`, `x = d·s·c: 256 weights in sub-blocks of 16, each with a scale s of 6 bits (q6_K: 8, signed), d binary16. A search tries scales around the one that gives the
loudest weight the lowest code.`},
	{`^iq4_`, `x = d·v[c], in iq4_xs d·(s − 32)·v[c]: v is a fixed table of 16 values, denser around zero, as weights are. iq4_nl has a scale per 32 weights; iq4_xs 256 weights with
a 6-bit scale s per 32.`},
	{`^iq1_`, `x = d·(1 + 2·s)·(v ± ⅛). Eight weights v of −1, 0, 1 at a time are one of 2048 points of a grid, shifted by ⅛ up or down: 256 weights with a 3-bit scale per 32 (iq1_m: 16) and a shift per 32
(iq1_m: 8).`},
	{`^iq2_`, `x = ±d·(½ + s)·¼·v. Eight magnitudes v of 8, 25 and 43 at a time are one of 256 (iq2_xxs), 512 (iq2_xs) or 1024 (iq2_s) points of a grid; signs are stored apart, in the first two as seven bits for eight
signs, whose product is then +. 256 weights with a 4-bit scale per 32 (iq2_xxs) or 16.`},
	{`^iq3_xxs$`, `x = ±d·(½ + s)·½·v. Four magnitudes v of 4, 12, 20 and so on to 52, and 62, at a time are one of 256 points of a grid; signs are stored apart, as seven bits
for eight signs, whose product is then +. 256 weights with a 4-bit scale per 32.`},
	{`^iq3_s$`, `x = ±d·(1 + 2·s)·v. Four magnitudes v of 1, 3, 5 and so on to 15 at a time are one of 512 points of a grid; a sign per weight is stored apart. 256 weights with a 4-bit scale per 32.`},
	{`^tq`, `x = d·(c − 1), c of 0, 1, 2, d = max|x| per 256 weights; made for networks trained with ternary weights (BitNet b1.58, TriLM). tq1_0 packs five digits in a
byte, tq2_0 four.`},
	{`^mxfp4_ggml$`, `x = 2^(e−127)·E2M1(c): a byte of exponent per 32 weights, e = 127 + ⌊log₂ max|x|⌋ − 2. See the block-scaled formats for how it differs from OCP's.`},
	{`^nvfp4_ggml$`, `x = UE4M3(s)·E2M1(c): 64 weights with a byte of scale per 16, s = max|x|/6. See the block-scaled formats for how it differs from NVIDIA's.`},
	{`^fp8_e4m3$|^fp8_e5m2$`, `OCP 8-bit Floating Point Specification (OFP8), revision 1.0: E4M3 has a bias of 7, no infinity and the largest value 448; E5M2 a bias of 15, infinities and 57344.`},
	{`fnuz$`, `"8-bit Numerical Formats for Deep Neural Networks" (Noune et al. 2022): finite, with one NaN in the place of negative zero, and a bias higher by one than OCP's;
the largest values are 240 and 57344.`},
	{`^fp6_|^fp4_e2m1$`, `Element types of OCP Microscaling Formats (MX), version 1.0: without infinity and NaN. E3M2 has a bias of 3 and reaches 28; E2M3 and E2M1 have one of 1 and reach 7.5 and 6.`},
	{`^posit8$`, `Standard for Posit Arithmetic (2022), 8 bits: a sign, a run of equal bits that says the power of 16, two bits of exponent, the rest a fraction: finest around 1,
coarser away from it. The clipping bound becomes 16, where the posits with three bits of fraction end.`},
	{`^mxint8$`, `OCP Microscaling Formats (MX), version 1.0: 32 integers in 64ths share a power of two, an E8M0 byte.`},
	{`^mx`, `OCP Microscaling Formats (MX), version 1.0: 32 small floats share a power of two, an E8M0 byte: ⌊log₂ max|x|⌋ less the exponent of the largest element.`},
	{`^nvfp4$`, `NVIDIA's: 16 elements of E2M1 share a scale in E4M3, and the tensor has one in float32, 448·6/max|x| when encoding ("Pretraining Large Language Models with NVFP4", 2025).`},
	{`^nf4$`, `NormalFloat of "QLoRA" (Dettmers et al. 2023): 16 quantiles of a normal distribution scaled to ±1, with an exact zero; values and thresholds are bitsandbytes'.
scale=dq quantizes the scales themselves: less their mean, 256 together, to 8 bits of the dynamic map.`},
	{`^fp4_bnb$`, `bitsandbytes' FP4: twelfths of 0, 1/16, 2, 3, 4, 6, 8 and 12, and their negatives. scale=dq as for nf4.`},
	{`^kmeans`, `2^b values fitted to the weights of the unit by Lloyd's algorithm ("Least Squares Quantization in PCM", 1982; Max 1960) and stored beside the codes; a weight becomes the
nearest. Core ML calls it palettization.`},
	{`^binary$`, `x = ±s, s = mean|x|: "XNOR-Net" (Rastegari et al. 2016).`},
	{`^ternary$`, `x = s·c, c of −1, 0, 1: s = mean|x|, c = clamp(round(x/s)), as "The Era of 1-bit LLMs" (Ma et al. 2024) has it for BitNet b1.58.`},
	{`^twn$`, `x = s·c, c of −1, 0, 1: 0 up to 0.7·mean|x|, s the mean magnitude of the others: "Ternary Weight Networks" (Li, Liu 2016).`},
	{`^pot`, `0 and ±2^-i times a scale, i from 0: multiplying is shifting ("Incremental Network Quantization", Zhou et al. 2017).`},
	{`^apot`, `Sums of two powers of two, or 0, times a scale: "Additive Powers-of-Two Quantization" (Li, Dong, Wang 2020).`},
}
